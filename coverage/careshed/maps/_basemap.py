"""Online tiles under a map, where a planner asks for them: whose they are, where they lie, what datum they are in."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

from careshed.datums import Datum
from careshed.errors import InputError
from careshed.words import Label, label

__all__ = ["BASEMAPS", "KEY_VARIABLE", "Basemap", "basemap_of"]

KEY_VARIABLE = "TIANDITU_KEY"
"""Environment variable that holds the key of Tianditu."""

_KEY = re.compile(r"[0-9A-Za-z]{8,64}\Z")
_WMTS = (
    "https://t{{s}}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}"
    "&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
)


@dataclass(frozen=True, slots=True)
class Basemap:
    """Tiles of one service.

    Parameters
    ----------
    name
        As ``--basemap`` has it.
    credit
        What the service asks to be shown on the map.
    urls
        Templates of the tiles, the lowest layer first; none for a map that asks nothing of any host.
    subdomains
        What stands for ``{s}`` in them.
    deepest
        Closest zoom that has tiles.
    datum
        What the tiles are in; the layers above are moved to it.
    """

    name: str
    credit: Label
    urls: tuple[str, ...] = field(default=(), repr=False)  # one of them may hold a key
    subdomains: str = ""
    deepest: int = 19
    datum: Datum = "wgs84"

    @property
    def hosts(self) -> list[str]:
        """Return the origins that tiles come from: those that the page's policy lets through."""
        origins = {url.split("/", 3)[2] for url in self.urls}
        names = {host.replace("{s}", one) for host in origins for one in (self.subdomains or " ")}
        return [f"https://{name}" for name in sorted(names)]

    @property
    def facts(self) -> list[dict[str, Any]]:
        """Return what the page's script makes layers of tiles from."""
        options = {"subdomains": self.subdomains, "maxNativeZoom": self.deepest, "maxZoom": 20}
        return [{"url": url, "options": options} for url in self.urls]


_OSM = label("panel.credit_osm")
BASEMAPS: dict[str, Basemap] = {
    "none": Basemap("none", Label("", "")),
    "osm": Basemap("osm", _OSM, ("https://tile.openstreetmap.org/{z}/{x}/{y}.png",)),
    "carto": Basemap(
        "carto",
        label("panel.credit_carto"),
        ("https://{s}.basemaps.cartocdn.com/light_all/{z}/{x}/{y}{r}.png",),
        "abcd",
        20,
    ),
    "amap": Basemap(
        "amap",
        label("panel.credit_amap"),
        ("https://webrd0{s}.is.autonavi.com/appmaptile?lang=zh_cn&size=1&scale=1&style=8&x={x}&y={y}&z={z}",),
        "1234",
        18,
        "gcj02",
    ),
    "tianditu": Basemap("tianditu", label("panel.credit_tianditu"), (), "01234567", 18, "cgcs2000"),
}
"""What ``--basemap`` may name. Tianditu's tiles need a key: `basemap_of` puts it in."""


def basemap_of(name: str) -> Basemap:
    """Return the tiles of a name, with the key where they need one.

    Parameters
    ----------
    name
        One of `BASEMAPS`.

    Raises
    ------
    InputError
        If there is no such base map, or Tianditu's key is missing or malformed. The key itself is never repeated.
    """
    if name not in BASEMAPS:
        raise InputError(f"basemap {name!r}: is unknown; expected one of {', '.join(BASEMAPS)}")
    found = BASEMAPS[name]
    if name != "tianditu":
        return found
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise InputError(
            f"basemap tianditu: needs a key in the environment variable {KEY_VARIABLE}; get one from tianditu.gov.cn, "
            "and mind that it stands in the map that is written"
        )
    if not _KEY.match(key):
        raise InputError(f"basemap tianditu: {KEY_VARIABLE} holds no key; expected 8 to 64 letters and digits")
    urls = tuple(_WMTS.format(layer=layer, key=key) for layer in ("vec", "cva"))
    return Basemap(name, found.credit, urls, found.subdomains, found.deepest, found.datum)
