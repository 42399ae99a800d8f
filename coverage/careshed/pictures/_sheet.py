"""The sheet: heading, map, legend, scale, north and where the data comes from, laid out in millimetres."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.metadata import version

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from careshed.area import StudyArea
from careshed.pictures._ground import FILL, bounds_of, draw_ground, ground_keys
from careshed.pictures._pen import POINT_MM, Pen
from careshed.pictures._picture import Key, Picture, Section
from careshed.wording import LAYERS, PROVENANCE, openstreetmap
from careshed.words import Label, Language, label

__all__ = ["draw"]

USUAL_MM = 180.0
"""Width from which on letters and lines grow with the sheet."""

MARGIN, COLUMN, GAP, FOOT = 5.0, 46.0, 4.0, 17.0
"""Round the sheet; of the legend; between it and the map; of scale and north below it. Millimetres."""

INK, FAINT, WARNING = "#1f2328", "#57606a", "#8f1d14"
TITLE, TEXT, SMALL, NOTE = 12.0, 8.0, 7.2, 5.8
"""Sizes of letters, points."""


def draw(picture: Picture, area: StudyArea, *, language: Language, width_mm: float) -> Figure:
    """Draw a picture.

    Parameters
    ----------
    picture
        What it shows.
    area
        Its ground, and where its data comes from.
    language
        Of all text; names from data keep theirs.
    width_mm
        Of the sheet; the height follows from the district's shape.

    Returns
    -------
    matplotlib.figure.Figure
        Its size is that of the sheet.
    """
    sections = [*picture.sections, Section(label("pictures.ground"), ground_keys(area))]
    notes = _notes(area)
    written = [picture.title, picture.figures, *_legend_words(sections), *notes, *_names(area)]
    pen = Pen(language, [*written, label("pictures.metres", length=0), label("pictures.grid_north")])
    with mpl.rc_context({"font.family": list(pen.families)}):
        return _Sheet(picture, area, pen, sections, notes, width_mm).figure


class _Sheet:
    """A figure in the making: everything but the map is drawn on paper whose units are millimetres."""

    def __init__(
        self,
        picture: Picture,
        area: StudyArea,
        pen: Pen,
        sections: list[Section],
        notes: list[Label],
        width_mm: float,
    ) -> None:
        self.pen = pen
        self.unit = unit = max(1.0, width_mm / USUAL_MM)
        self.width_mm = width_mm
        inner_mm = width_mm - 2 * MARGIN * unit
        heading = self._lines(picture.title, inner_mm, TITLE), self._lines(picture.figures, inner_mm, TEXT)
        foot = [self._lines(note, inner_mm, NOTE) for note in notes]
        legend_mm = sum(self._height(section) for section in sections) + FOOT * unit
        heading_mm = len(heading[0]) * self._step(TITLE) + len(heading[1]) * self._step(TEXT)
        top_mm = (MARGIN + 2) * unit + heading_mm
        map_mm = inner_mm - (COLUMN + GAP) * unit
        west, south, east, north = bounds_of(area)
        high_mm = max(legend_mm, min(max(map_mm * (north - south) / (east - west), 0.5 * map_mm), 1.35 * map_mm))
        note_mm = sum(map(len, foot)) * self._step(NOTE)
        self.height_mm = top_mm + high_mm + 2.5 * unit + note_mm + MARGIN * unit
        self.figure = Figure(figsize=(width_mm / 25.4, self.height_mm / 25.4), facecolor="white", dpi=130)
        self.paper = self._axes(0, 0, width_mm, self.height_mm)
        self.paper.set(xlim=(0, width_mm), ylim=(self.height_mm, 0))
        self.paper.set_axis_off()
        self._heading(heading)
        metres = self._map(picture, area, (MARGIN * unit, top_mm, map_mm, high_mm))
        left = MARGIN * unit + map_mm + GAP * unit
        y = top_mm
        for section in sections:
            y = self._section(section, left, y)
        self._scale(left, top_mm + high_mm, metres)
        self._notes(foot, top_mm + high_mm + 2.5 * unit, warn=area.synthetic)

    def _axes(self, x: float, y: float, wide: float, high: float) -> Axes:
        """Return axes at so many millimetres from the left and the top."""
        w, h = self.width_mm, self.height_mm
        return self.figure.add_axes((x / w, 1 - (y + high) / h, wide / w, high / h))

    def _step(self, size_pt: float) -> float:
        return size_pt * POINT_MM * 1.4 * self.unit

    def _lines(self, text: Label, width_mm: float, size_pt: float) -> list[str]:
        return self.pen.wrapped(self.pen.say(text), width_mm=width_mm, size_pt=size_pt * self.unit)

    def _write(self, x: float, y: float, text: str, size_pt: float, **style: object) -> None:
        kept = {"color": INK, "va": "top", **style}
        self.paper.text(x, y, text, fontsize=size_pt * self.unit, **kept)  # type: ignore[arg-type]

    def _heading(self, heading: tuple[list[str], list[str]]) -> None:
        y = MARGIN * self.unit
        for lines, size, style in zip(heading, (TITLE, TEXT), ({"weight": "bold"}, {"color": FAINT}), strict=True):
            for line in lines:
                self._write(MARGIN * self.unit, y, line, size, **style)
                y += self._step(size)

    def _map(self, picture: Picture, area: StudyArea, place: tuple[float, float, float, float]) -> float:
        """Draw the map; return how many metres a millimetre is."""
        axes = self._axes(*place)
        *_, wide, high = place
        west, south, east, north = bounds_of(area)
        metres = 1.06 * max((east - west) / wide, (north - south) / high)
        x, y = (west + east) / 2, (south + north) / 2
        half_x, half_y = wide * metres / 2, high * metres / 2
        axes.set(xlim=(x - half_x, x + half_x), ylim=(y - half_y, y + half_y), xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(color=FAINT, linewidth=0.5 * self.unit)
        draw_ground(axes, area, picture, self.pen, metres_per_mm=metres, unit=self.unit)
        return metres

    def _key_lines(self, key: Key) -> list[str]:
        return self._lines(key.text, (COLUMN - 8) * self.unit, SMALL)

    def _height(self, section: Section) -> float:
        title = self._lines(section.title, COLUMN * self.unit, SMALL)
        rows = sum(len(self._key_lines(key)) * self._step(SMALL) + 0.9 * self.unit for key in section.keys)
        return len(title) * self._step(SMALL) + 1.2 * self.unit + rows + 2.5 * self.unit

    def _section(self, section: Section, x: float, y: float) -> float:
        """Draw a part of the legend; return where it ends."""
        step, unit = self._step(SMALL), self.unit
        for line in self._lines(section.title, COLUMN * unit, SMALL):
            self._write(x, y, line, SMALL, weight="bold")
            y += step
        y += 1.2 * unit
        for key in section.keys:
            self._sample(key, x, y + step / 2 - 0.3 * unit)
            for line in self._key_lines(key):
                self._write(x + 8 * unit, y, line, SMALL)
                y += step
            y += 0.9 * unit
        return y + 2.5 * unit

    def _sample(self, key: Key, x: float, y: float) -> None:
        """Draw the sample of a legend line, its middle at a height."""
        unit = self.unit
        if key.kind == "fill":
            box = Rectangle((x, y - 1.5 * unit), 6 * unit, 3 * unit, edgecolor=FAINT, linewidth=0.3 * unit)
            box.set_facecolor((key.style["color"], key.style.get("alpha", FILL)))
            self.paper.add_artist(box)
            return
        scaled = {
            k: v * unit if k in {"linewidth", "markersize", "markeredgewidth"} else v for k, v in key.style.items()
        }
        if key.kind == "line":
            self.paper.plot([x, x + 6 * unit], [y, y], **scaled)
            return
        self.paper.plot([x + 3 * unit], [y], linestyle="none", **scaled)
        if key.digit:
            self._write(x + 3 * unit, y, key.digit, 5.5, color="white", ha="center", va="center_baseline")

    def _scale(self, x: float, bottom: float, metres_per_mm: float) -> None:
        """Draw a scale bar of a round length, and the arrow to grid north."""
        unit = self.unit
        metres = _round_length(metres_per_mm * 30 * unit)
        half = metres / metres_per_mm / 2
        y = bottom - 5.5 * unit
        for place, colour in enumerate((INK, "white")):
            bar = Rectangle((x + place * half, y), half, 1.3 * unit, facecolor=colour, edgecolor=INK)
            bar.set_linewidth(0.5 * unit)
            self.paper.add_artist(bar)
        length = self.pen.say(label("pictures.metres", length=f"{metres:,.0f}"))
        self._write(x, y + 2.1 * unit, "0", SMALL)
        self._write(x + 2 * half, y + 2.1 * unit, length, SMALL, ha="center")
        middle = x + (COLUMN - 7) * unit
        arrow = [(0.0, -7.0), (2.0, 0.0), (0.0, -1.6), (-2.0, 0.0)]
        corners = [(middle + dx * unit, y + 1.3 * unit + dy * unit) for dx, dy in arrow]
        self.paper.add_artist(Polygon(corners, facecolor=INK, edgecolor=INK, linewidth=0.4 * unit, joinstyle="miter"))
        self._write(middle, y - 6.4 * unit, "N", SMALL, ha="center", va="bottom", weight="bold")
        self._write(middle, y + 2.1 * unit, self.pen.say(label("pictures.grid_north")), SMALL, ha="center")

    def _notes(self, notes: list[list[str]], y: float, *, warn: bool) -> None:
        for place, lines in enumerate(notes):
            style = {"color": WARNING, "weight": "bold"} if warn and place == 0 else {"color": FAINT}
            for line in lines:
                self._write(MARGIN * self.unit, y, line, NOTE, **style)
                y += self._step(NOTE)


def _round_length(longest_m: float) -> float:
    """Return the greatest of 1, 2, 5, 10 … that is no longer."""
    power = 10.0 ** math.floor(math.log10(longest_m))
    return max(step * power for step in (1, 2, 5) if step * power <= longest_m)


def _notes(area: StudyArea) -> list[Label]:
    """Say what the data is, of when, and in which coordinates."""
    groups: dict[tuple[str, str], list[Label]] = {}
    for layer, row in sorted(area.provenance.items()):
        groups.setdefault((row.status, row.date), []).append(LAYERS.get(layer, Label(layer, layer)))
    told = []
    for (status, date), layers in groups.items():
        names = Label("、".join(each.zh for each in layers), ", ".join(each.en for each in layers).capitalize())
        facts = {"layers": names, "status": PROVENANCE[status]}
        if date:
            told.append(label("pictures.layers", **facts, date=date))
        else:
            told.append(label("pictures.layers_undated", **facts))
    told.append(label("pictures.crs", name=area.crs.name, code=area.crs.to_string()))
    if openstreetmap(area):
        told.append(label("pictures.credit"))
    told.append(label("pictures.maker", version=version("careshed")))
    plain = Label("".join(each.zh for each in told), " ".join(each.en for each in told))
    return [label("pictures.synthetic"), plain] if area.synthetic else [plain]


def _legend_words(sections: list[Section]) -> Iterator[Label]:
    for section in sections:
        yield section.title
        yield from (key.text for key in section.keys)


def _names(area: StudyArea) -> Iterator[Label]:
    units = area.subdistricts
    return (Label(name, name_en) for name, name_en in zip(units["name"], units["name_en"], strict=True))
