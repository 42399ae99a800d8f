"""The catalogue: every text in both languages, every key that code asks for, none that nobody uses."""

import ast
import re
import string
from pathlib import Path

import pytest

import careshed
from careshed.words import Label, label, pages, term

PACKAGE = Path(careshed.__file__).parent
ASKED = re.compile(r"""\b(?:label|say)\(\s*["']([a-z_]+\.[a-z0-9_]+)["']""")
TEXTS = [(page, key, text) for page, lines in pages().items() for key, text in lines.items()]
CHINESE = re.compile("[\u4e00-\u9fff]")
BY_DATA = {
    *(
        "assumed",
        "backdrops",
        "columns",
        "joints",
        "kinds",
        "layers",
        "levels",
        "nouns",
        "parts",
        "provenance",
        "statuses",
    ),
    *("verdicts", "weights"),
}
"""Pages whose keys come from data."""
TO_SCRIPTS = {"whatif"}
"""Pages that a script on the map is given whole; the script's own tests look at its keys."""


def asked():
    """Return each key that code or a template asks for by name."""
    files = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.j2")]
    return {key for file in files if file.parent.name != "words" for key in ASKED.findall(file.read_text("utf-8"))}


def blanks(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(("page", "key", "text"), TEXTS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_text_has_both_languages_and_the_same_blanks(page, key, text):
    assert text.zh.strip()
    assert text.en.strip()
    assert blanks(text.zh) == blanks(text.en)
    assert not CHINESE.search(text.en), "English with Chinese in it"


@pytest.mark.parametrize(("page", "key", "text"), TEXTS, ids=lambda value: value if isinstance(value, str) else "")
def test_chinese_has_chinese_punctuation(page, key, text):
    assert not CHINESE.search(text.zh) or not re.search(r"[,;()]|[^0-9]:", text.zh)


def test_every_key_that_is_asked_for_is_there_and_every_one_there_is_asked_for():
    aside = BY_DATA | TO_SCRIPTS
    held = {f"{page}.{key}" for page, key, _ in TEXTS if page not in aside}
    wanted = {key for key in asked() if key.partition(".")[0] not in aside}
    assert wanted - held == set()
    assert held - wanted - {"common.within"} == set()


def test_a_blank_may_be_a_label_and_a_term_may_be_unknown():
    assert label("common.within", minutes=Label("十五", "fifteen")) == Label("十五 分钟内", "within fifteen min")
    assert term("kinds", "sauna") is None
    assert Label("", "only").read("zh") == "only"
    with pytest.raises(KeyError):
        label("common.within")


DATA = {"audit", "brief", "calibration", "cli", "osm", "synthetic", "tables", "template"}
"""Rooms that look for Chinese in data, name a column to be filled in, or make data up."""


def chinese_in_code():
    """Return the rooms in whose code Chinese text stands, comments and docstrings apart."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        docs = {
            ast.get_docstring(node, clean=False)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        }
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        if any(isinstance(text, str) and CHINESE.search(text) for text in texts - docs):
            found.add(file.relative_to(PACKAGE).parts[0].removesuffix(".py"))
    for file in [*PACKAGE.rglob("*.j2"), *PACKAGE.rglob("*.js")]:
        if CHINESE.search(file.read_text("utf-8")):
            found.add(file.relative_to(PACKAGE).parts[0])
    return found


def test_what_people_read_is_in_the_catalogue():
    """Chinese that is left in code is data that readers of tables and maps look for, not text for people."""
    assert chinese_in_code() - DATA == set()
