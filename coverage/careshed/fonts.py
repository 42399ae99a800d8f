"""A font with Chinese in it, for everything that matplotlib draws.

A chart whose letters a font lacks shows empty boxes. So the font is asked for
each character first; where no font has them all, the caller says it in English.
Installed fonts come first; where there is none, the one that ``careshed[fonts]``
ships is taken.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.util import find_spec

from matplotlib.font_manager import FontProperties, fontManager, get_font

__all__ = ["FONTS", "chinese_font"]

FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK JP",
    "Noto Serif CJK SC",
    "Droid Sans Fallback",
    "SimSun",
)
"""Fonts with Chinese that are looked for, best first."""


SHIPPED = ("pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf")
"""Package and file of a font that is shipped: Noto Sans SC, licence OFL 1.1."""


@cache
def _take_shipped() -> None:
    """Make the shipped font known to matplotlib, where its package is installed."""
    package, file = SHIPPED
    if find_spec(package) is not None:
        fontManager.addfont(str(files(package).joinpath(file)))


@cache
def chinese_font(text: str) -> str | None:
    """Return a font that has every character of a text, None where there is none.

    Parameters
    ----------
    text
        All that will be written with it.
    """
    _take_shipped()
    for family in FONTS:
        try:
            font = get_font(fontManager.findfont(FontProperties(family=family), fallback_to_default=False))
        except ValueError:
            continue
        if all(font.get_char_index(ord(character)) for character in text if not character.isspace()):
            return family
    return None
