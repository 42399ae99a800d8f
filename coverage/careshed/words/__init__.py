"""The catalogue: everything that people read, in Chinese and in English, by key.

Pages are TOML files in this folder, one for each reader's place (``report``,
``map``, ``reasons`` …). A line of a page is one text in both languages, with
the same named blanks::

    within = { zh = "{minutes} 分钟内", en = "within {minutes} min" }

`label` fills it in: ``label("map.within", minutes=15)``. A blank may itself be
filled with a `Label`; each language takes its own side. Terms whose key comes
from data (a kind of facility, a status) are asked for with `term`, which may
not know them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

__all__ = ["Label", "Language", "joined", "label", "pages", "plural", "term"]

Language = Literal["zh", "en"]


class Label(NamedTuple):
    """One text in Chinese and in English."""

    zh: str
    en: str

    def __str__(self) -> str:
        """Return both, Chinese first."""
        return " ".join(dict.fromkeys(part for part in self if part))

    def read(self, language: Language) -> str:
        """Return one side, the other where it is empty.

        Parameters
        ----------
        language
            ``zh`` or ``en``.
        """
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)


@cache
def pages() -> Mapping[str, Mapping[str, Label]]:
    """Return the whole catalogue: page → key → text with its blanks."""
    found = {}
    for file in sorted(files("careshed.words").iterdir(), key=lambda file: file.name):
        page, _, ending = file.name.rpartition(".")
        if ending == "toml":
            lines = tomllib.loads(file.read_text(encoding="utf-8"))
            found[page] = {key: Label(**line) for key, line in lines.items()}
    return found


def label(key: str, **blanks: object) -> Label:
    """Return a text of the catalogue with its blanks filled.

    Parameters
    ----------
    key
        ``page.key``.
    **blanks
        What stands in each blank. Text from data is put in as it is: whoever makes HTML escapes it.

    Raises
    ------
    KeyError
        If the catalogue has no such text, or a blank is left open: our own mistake, which a test finds.

    Examples
    --------
    >>> label("common.within", minutes=15).en
    'within 15 min'
    """
    page, _, name = key.partition(".")
    text = pages()[page][name]
    return Label(text.zh.format(**_side(blanks, "zh")), text.en.format(**_side(blanks, "en")))


def _side(blanks: Mapping[str, object], language: Language) -> dict[str, object]:
    return {name: value.read(language) if isinstance(value, Label) else value for name, value in blanks.items()}


def term(page: str, key: str) -> Label | None:
    """Return the name of something that data calls by a key, None where the catalogue does not know it.

    Parameters
    ----------
    page
        Of the catalogue, such as ``kinds``.
    key
        As data has it.

    Examples
    --------
    >>> term("kinds", "hospital")
    Label(zh='医院', en='Hospital')
    """
    return pages()[page].get(key)


def plural(count: int, noun: str) -> Label:
    """Return a count with its noun, which the page ``nouns`` holds.

    Examples
    --------
    >>> plural(1, "site").en, plural(1200, "site")
    ('1 site', Label(zh='1,200 个站址', en='1,200 sites'))
    """
    word = pages()["nouns"][noun if count == 1 else f"{noun}s"]
    return Label(f"{count:,} {word.zh}", f"{count:,} {word.en}")


def joined(texts: Iterable[str | Label], *, by: str = "list") -> Label:
    """Return texts in a row.

    Parameters
    ----------
    texts
        What is joined; plain text stands in both languages.
    by
        What stands between two, by its key on the page ``joints``.

    Examples
    --------
    >>> joined(["A", Label("乙", "B")], by="and")
    Label(zh='A、乙', en='A and B')
    """
    both = [Label(text, text) if isinstance(text, str) else text for text in texts]
    joint = pages()["joints"][by]
    return Label(joint.zh.join(text.read("zh") for text in both), joint.en.join(text.read("en") for text in both))
