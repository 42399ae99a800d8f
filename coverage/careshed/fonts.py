"""A font with Chinese in it, for everything that matplotlib draws.

A chart whose letters a font lacks shows empty boxes. So the font is asked for
each character first; where no font has them all, the caller says it in English.
"""

from __future__ import annotations

from functools import cache

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


@cache
def chinese_font(text: str) -> str | None:
    """Return an installed font that has every character of a text, None where there is none.

    Parameters
    ----------
    text
        All that will be written with it.
    """
    for family in FONTS:
        try:
            font = get_font(fontManager.findfont(FontProperties(family=family), fallback_to_default=False))
        except ValueError:
            continue
        if all(font.get_char_index(ord(character)) for character in text if not character.isspace()):
            return family
    return None
