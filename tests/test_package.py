"""The package as others get it: lazy, typed, installed from its wheel, beside coverage.py."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

import careshed

ROOT = Path(__file__).parents[1]


def python(*words, exe=sys.executable, cwd=None):
    done = subprocess.run([exe, *words], capture_output=True, text=True, cwd=cwd, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_all_is_what_is_there():
    for name in careshed.__all__:
        assert getattr(careshed, name) is not None
    assert dir(careshed) == sorted(careshed.__all__)
    assert not set(careshed.__all__) & {path.stem for path in Path(careshed.__file__).parent.iterdir()}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        careshed.nothing  # noqa: B018


def test_import_is_lazy():
    text = (
        "import sys, careshed; heavy = {'numba', 'geopandas', 'highspy', 'sklearn', 'folium'}; "
        "print(heavy & set(sys.modules))"
    )
    assert python("-c", text).strip() == "set()"


def test_coverage_py_keeps_its_name():
    text = "import coverage, numba, careshed; print(coverage.__version__, coverage.Coverage, coverage.__file__)"
    assert "site-packages" in python("-c", text, cwd=ROOT)


@pytest.mark.slow
def test_the_wheel_plans_from_any_folder(town, tmp_path):
    python("-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("careshed-*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    inside = Path(sysconfig.get_path("scripts", "venv", vars={"base": str(tmp_path / "env")}))
    exe = inside / Path(sys.executable).name
    # dependencies come from this environment: its folder is searched after the new one's,
    # and the editable careshed in it is not, since its .pth file isn't read there
    site = python("-c", "import sysconfig; print(sysconfig.get_path('purelib'))", exe=exe).strip()
    (Path(site) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    python("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, exe=exe)
    python("-m", "pip", "check", exe=exe)
    where = "import careshed, coverage; print(careshed.__file__, coverage.Coverage.__module__)"
    assert str(tmp_path) in python("-c", where, exe=exe, cwd=tmp_path)
    town.write(tmp_path / "town")
    text = (ROOT / "data" / "xicheng" / "targets.toml").read_text(encoding="utf-8")
    (tmp_path / "town" / "targets.toml").write_text(text.replace("stations = 18", "stations = 5"), encoding="utf-8")
    python("plan", "town", "-o", "out", exe=inside / "careshed", cwd=tmp_path)
    assert (tmp_path / "out" / "map.html").exists()
