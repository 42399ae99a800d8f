"""The page around a map: one file that asks nothing of any host."""

from __future__ import annotations

import base64
import json
import mimetypes
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import folium
import jinja2
import xstatic.pkg.leaflet
from branca.element import Element, Figure
from folium.template import Template
from jinja2.utils import htmlsafe_json_dumps

from careshed.words import label

__all__ = ["OfflineMap", "Page", "Text", "figure_of", "number", "to_json"]

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:"
"""Content-Security-Policy: what is in the page may run and show, nothing may be fetched."""


class OfflineMap(folium.Map):
    """A folium map that links to no script or style: its `Page` holds them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.default_js = []
        self.default_css = []


def to_json(value: object) -> str:
    """Return plain data as JSON that may stand inside a script: no character of it can end the script.

    Parameters
    ----------
    value
        Lists, dicts, text and finite numbers.
    """
    dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return str(htmlsafe_json_dumps(value, dumps=dumps))


def figure_of(element: Element) -> Figure:
    """Return the page that an element is on."""
    root = element.get_root()
    if not isinstance(root, Figure):
        raise TypeError(f"{element.get_name()} is on no page; add it to a map first")
    return root


class Text(Element):
    """Text that goes into the page as it is; `Element` would take it for a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_: Any) -> str:
        """Return the text."""
        return self.text


class Page(Figure):
    """The document: policy first, Leaflet and our own script and style inlined, a panel beside the map.

    Parameters
    ----------
    title
        Title of the page, plain text.
    facts
        What the templates of the panel, the bar above the map and the line below it are filled with.
    hosts
        Origins that pictures may come from: those of online tiles, none for a page that stands alone.
    """

    _template = Template(
        "<!DOCTYPE html>\n"
        '<html lang="zh-CN">\n'
        "<head>\n"
        '<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="{{ this.policy }}">\n'
        "<title>{{ this.title|e }}</title>\n"
        '<link rel="icon" href="data:,">\n'
        # folium forbids the reader to enlarge the page
        "{{ this.header.render(**kwargs)|replace(', maximum-scale=1.0, user-scalable=no', '') }}\n"
        "</head>\n"
        "<body>\n"
        '<div class="cs-page">\n'
        "{{ this.panel }}\n"
        '<main class="cs-main">\n'
        "{{ this.bar }}\n"
        '<div class="cs-map">{{ this.html.render(**kwargs) }}</div>\n'
        "{{ this.foot }}\n"
        "</main>\n"
        "</div>\n"
        "<script>\n{{ this.script.render(**kwargs) }}\n</script>\n"
        "</body>\n"
        "</html>\n"
    )

    def __init__(self, title: str, facts: Mapping[str, object], *, hosts: Sequence[str] = ()) -> None:
        super().__init__(title=title, height="640px")
        self.policy = POLICY.replace("img-src data:", " ".join(["img-src data:", *hosts]))
        self.panel, self.bar, self.foot = (_filled(part, facts) for part in ("panel", "bar", "foot"))
        self.header.add_child(Text(f"<style>{_leaflet_style()}</style>"), name="leaflet_style")
        self.header.add_child(Text(f"<script>{_leaflet_script()}</script>"), name="leaflet_script")
        script = _own("map.js") + _own("tools.js")
        self.header.add_child(Text(f"<script>{script}</script>"), name="careshed_script")

    def render(self, **kwargs: Any) -> str:
        """Return the document; what rendering adds is taken away again, so that it can be done twice."""
        parts = (self.header, self.html, self.script)
        before = [dict(part._children) for part in parts]  # noqa: SLF001 - branca offers no other way
        for child in self._children.values():
            child.render(**kwargs)
        # after those that the map adds, so that ours prevails
        self.header.add_child(Text(f"<style>{_own('map.css')}</style>"), name="careshed_style")
        html: str = self._template.render(this=self, kwargs=kwargs)
        for part, children in zip(parts, before, strict=True):
            part._children = OrderedDict(children)  # noqa: SLF001
        return "\n".join(line.rstrip(" \t") for line in html.split("\n") if line.strip(" \t")) + "\n"


def number(page: Page) -> None:
    """Give every element an id by its place, where folium would draw one at random.

    Parameters
    ----------
    page
        A finished page. Elements added later keep their random ids.
    """
    for place, element in enumerate(_walk(page)):
        element._id = f"{place:x}"  # noqa: SLF001 - branca offers no other way


def _walk(element: Element) -> list[Element]:
    found = [element]
    for child in element._children.values():  # noqa: SLF001
        found += _walk(child)
    return found


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.PackageLoader("careshed.maps", ".")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals["say"] = label
    return environment


def _filled(part: str, facts: Mapping[str, object]) -> str:
    """Return a part of the page; what it is given is escaped."""
    return _templates().get_template(f"{part}.html.j2").render(facts)


@cache
def _own(name: str) -> str:
    return files("careshed.maps").joinpath(name).read_text(encoding="utf-8")


@cache
def _leaflet_script() -> str:
    script = _leaflet().joinpath("leaflet.js").read_text(encoding="utf-8")
    # a source map is looked for as soon as a reader opens the browser's tools
    return re.sub(r"//# sourceMappingURL=\S+", "", script).strip()


@cache
def _leaflet_style() -> str:
    style = _leaflet().joinpath("leaflet.css").read_text(encoding="utf-8")
    return re.sub(r"url\((images/[\w.-]+)\)", lambda match: f"url({_as_data(match[1])})", style)


def _as_data(name: str) -> str:
    kind = mimetypes.guess_type(name)[0] or "image/png"
    return f"data:{kind};base64,{base64.b64encode(_leaflet().joinpath(name).read_bytes()).decode('ascii')}"


def _leaflet() -> Path:
    return Path(xstatic.pkg.leaflet.BASE_DIR)
