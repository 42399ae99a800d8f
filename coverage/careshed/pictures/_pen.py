"""Letters: the language that can be drawn with the fonts at hand, and lines broken to a width."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from matplotlib.font_manager import findfont, get_font

from careshed.fonts import chinese_font
from careshed.words import Label, Language

__all__ = ["Pen"]

LATIN = "DejaVu Sans"
"""Comes with matplotlib."""

POINT_MM = 25.4 / 72


class Pen:
    """Writes labels in one language, with a font that has every letter of them.

    Parameters
    ----------
    language
        What is asked for. Where no font has its letters it is English, and letters that cannot be drawn are left out.
    labels
        All that will be written.
    """

    def __init__(self, language: Language, labels: Iterable[Label]) -> None:
        family = chinese_font("".join(label.read(language) for label in labels))
        self.families: Sequence[str] = (family, LATIN) if family else (LATIN,)
        self._language: Language = language if family else "en"
        self._known = None if family else get_font(findfont(LATIN))

    def say(self, label: Label) -> str:
        """Return a label as it can be drawn."""
        text = label.read(self._language)
        if self._known is None:
            return text
        return "".join(letter for letter in text if self._known.get_char_index(ord(letter))).strip()

    @staticmethod
    def wrapped(text: str, *, width_mm: float, size_pt: float) -> list[str]:
        """Break a text into lines: Chinese between any two characters, other words at spaces.

        Parameters
        ----------
        text
            One paragraph.
        width_mm, size_pt
            Of the lines, and of the letters.
        """
        room = width_mm / (size_pt * POINT_MM)
        lines, line, used = [], "", 0.0
        for word in _words(text):
            wide = sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.52 for letter in word)
            closing = word[0] in "，。；：、）,.;:)"
            if line and used + wide > room and not closing:
                lines.append(line.rstrip())
                line, used = "", 0.0
            line, used = line + word, used + wide
        return [*lines, line.rstrip()] if line.strip() else lines


def _words(text: str) -> list[str]:
    """Split a text where a line may end."""
    words: list[str] = []
    open_word = False
    for letter in text:
        wide = unicodedata.east_asian_width(letter) in "WF"
        if wide or not open_word:
            words.append(letter)
        else:
            words[-1] += letter
        open_word = not wide and letter != " "
    return words
