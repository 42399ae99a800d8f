"""Parts of pages that code knows: ``{generated} commands`` and the like, written anew at each build.

What a part says can't differ from what the code does; a column or a key that
nobody has explained ends the build.
"""

from __future__ import annotations

import datetime as dt
import inspect
import re
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, Literal, get_args, get_origin

import typer.main
from columns import MEANING
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import careshed
from careshed.area import GIVEN_COLUMNS, OPTIONAL, SCHEMAS
from careshed.cli import app
from careshed.siting import models as siting_models
from careshed.targets import Phase, Quota, Service, Siting, SitingRule, Target, Targets, Tier
from careshed.template import data_dictionary
from careshed.words import term

__all__ = ["PARTS", "Generated", "setup"]

LONGEST_VALUE = 60
"""Characters of a constant's value that its heading may show."""


def commands() -> str:
    """Return all commands with their options, as headings and tables."""
    group: Any = typer.main.get_command(app)
    return "\n\n".join(_command(name, command) for name, command in group.commands.items())


def _command(name: str, command: Any) -> str:
    arguments = [one for one in command.params if not one.opts[0].startswith("-")]
    options = [one for one in command.params if one.opts[0].startswith("-")]
    needed = [f"{one.opts[0]} {_value(one)}" for one in options if one.required]
    usage = " ".join(["careshed", name, *(_value(one) for one in arguments), *needed, "[OPTIONS]"])
    rows = [[f"`{_value(one)}`", "needed" if one.required else "", _text(one.help)] for one in arguments]
    rows += [[_flags(one), _default(one), _text(one.help)] for one in options]
    return f"## {name}\n\n{_text(command.help)}\n\n```text\n{usage}\n```\n\n{_table(('', 'default', 'says'), rows)}"


def _flags(option: Any) -> str:
    names = [*option.opts, *option.secondary_opts]
    value = "" if option.is_bool_flag else f" {_value(option)}"
    return " ".join([*(f"`{name}`" for name in names[:-1]), f"`{names[-1]}{value}`"])


def _value(parameter: Any) -> str:
    """Return what stands for a value: what the command calls it, its choices, else its type."""
    if parameter.metavar:
        return str(parameter.metavar)
    annotation = parameter.type_descriptor.annotation
    choices = [one for one in get_args(annotation) if isinstance(one, str)]
    kinds = {int: "NUMBER", float: "NUMBER", Path: "PATH"}
    kind = next((kinds[one] for one in (*get_args(annotation), annotation) if one in kinds), "TEXT")
    return "|".join(choices) or kind


def _default(option: Any) -> str:
    if option.required:
        return "needed"
    value = option.default
    if value is None or value is False or value == "":
        return ""
    return f"`{option.opts[0]}`" if value is True else f"`{value}`"


def layers() -> str:
    """Return the schema of every layer of an area."""
    parts = []
    for layer, (index, columns) in SCHEMAS.items():
        given = GIVEN_COLUMNS.get(layer, {})
        rows = [[f"`{index}`", "str", MEANING["index"]]]
        rows += [[f"`{name}`", kind, _meaning(layer, name)] for name, kind in columns.items()]
        rows += [[f"`{name}`", kind, f"{_meaning(layer, name)} Only where given."] for name, kind in given.items()]
        rows.append(["`geometry`", MEANING[f"{layer}.shape"], MEANING["geometry"]])
        label = term("layers", layer)
        title = f"## {label.zh} {layer}" if label else f"## {layer}"
        absent = ", absent where it is empty" if layer in OPTIONAL else ""
        about = f"{MEANING[layer]}. File `{layer}.parquet`{absent}."
        parts.append(f"{title}\n\n{about}\n\n{_table(('column', 'type', 'holds'), rows)}")
    return "\n\n".join(parts)


def _meaning(layer: str, column: str) -> str:
    return MEANING.get(f"{layer}.{column}") or MEANING[column]


def targets() -> str:
    """Return every table of ``targets.toml`` with its keys."""
    tables: list[tuple[str, type[Any]]] = [
        ("The file", Targets),
        ("[service.ID]", Service),
        ("[service.ID.siting]", Siting),
        ("phases = [{ … }]", Phase),
        ("[[service.ID.siting.tiers]]", Tier),
        *((f'rule = "{_kind(rule)}"', rule) for rule in get_args(get_args(SitingRule)[0])),
        ("[quota.ID]", Quota),
        ("[[target]]", Target),
    ]
    return "\n\n".join(f"## {title}\n\n{_summary(kind)}\n\n{_keys(kind)}" for title, kind in tables)


def _kind(rule: type[Any]) -> str:
    return str(get_args(rule.model_fields["rule"].annotation)[0])


def _summary(kind: type[Any]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]


def _keys(kind: type[Any]) -> str:
    said = _parameters(kind)
    rows = []
    for name, field in kind.model_fields.items():
        default = "needed" if field.is_required() else _toml(field.get_default(call_default_factory=True))
        text = said.get(name) or MEANING[f"targets.{name}"]
        rows.append([f"`{name}`", ", ".join([_kind_of(field.annotation), *_limits(field.metadata)]), default, text])
    return _table(("key", "is", "default", "says"), rows)


def _parameters(kind: type[Any]) -> dict[str, str]:
    """Return what a docstring says of each parameter."""
    _, _, section = inspect.cleandoc(kind.__doc__ or "").partition("Parameters\n----------\n")
    said: dict[str, list[str]] = {}
    names: list[str] = []
    for line in section.splitlines():
        if line.startswith("    "):
            for name in names:
                said.setdefault(name, []).append(line.strip())
        elif line:
            names = line.split(", ")
    return {name: " ".join(lines).replace("``", "`") for name, lines in said.items()}


def _kind_of(annotation: Any) -> str:
    """Return a type as a planner would call it."""
    words = {str: "text", int: "whole number", float: "number", bool: "true or false", dt.date: "date"}
    origin, inside = get_origin(annotation), [one for one in get_args(annotation) if one not in {type(None), ...}]
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inside if value)
    if origin is tuple:
        return f"list of {_many(inside[0])}"
    if origin is dict:
        return f"{_many(inside[1])} by id"
    if inside and origin is not Annotated:
        return " or ".join(dict.fromkeys(map(_kind_of, inside)))
    return words.get(annotation, "table")


def _many(annotation: Any) -> str:
    """Return a type in the plural."""
    kind = _kind_of(annotation)
    return kind if annotation is str else f"{kind}s"


def _limits(metadata: Iterable[Any]) -> list[str]:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = []
    for limit in metadata:
        if hasattr(limit, "min_length"):
            found.append(f"{limit.min_length} or more")
        found += [f"{sign} {getattr(limit, name):g}" for name, sign in signs.items() if hasattr(limit, name)]
    return found


def _toml(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def headings() -> str:
    """Return the data dictionary of the blank sheets, without its title and its first words."""
    return data_dictionary().partition("\n## ")[2].join(("## ", ""))


def names() -> str:
    """Return what ``import careshed`` offers, in a line each."""
    rows = []
    for name in careshed.__all__:
        thing = getattr(careshed, name)
        role = "class" if inspect.isclass(thing) else "func"
        role = "exc" if inspect.isclass(thing) and issubclass(thing, Exception) else role
        home = f"careshed.{careshed._HOMES[name]}"  # noqa: SLF001 - where each name is documented
        rows.append([f"{{py:{role}}}`careshed.{name} <{home}.{name}>`", _first_line(thing)])
    return _table(("name", "is"), rows)


def rooms() -> str:
    """Return the rooms, in a line each."""
    rows = [[f"[{room}](rooms/{room}.rst)", _first_line(import_module(f"careshed.{room}"))] for room in _rooms()]
    return _table(("room", "holds"), rows)


def _rooms() -> list[str]:
    found = (module.name for module in iter_modules(careshed.__path__))
    return [name for name in found if not name.startswith("_") and name != "cli"]


def write_rooms(app: Sphinx) -> None:
    """Write a page for each room; those of rooms that are gone are removed."""
    folder = Path(app.srcdir) / "reference" / "rooms"
    folder.mkdir(exist_ok=True)
    pages = {}
    for room in _rooms():
        pages[folder / f"{room}.rst"] = f"{room}\n{'=' * len(room)}\n\n.. automodule:: careshed.{room}\n"
    for gone in set(folder.iterdir()) - pages.keys():
        gone.unlink()
    for page, text in pages.items():
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def models() -> str:
    """Return every siting model with its formula, in the order of the code."""
    source = inspect.getsource(siting_models)
    kinds = [name for name in siting_models.__all__ if inspect.isclass(getattr(siting_models, name))]
    kinds.sort(key=lambda name: source.index(f"class {name}"))
    parts = (f"## {name}\n\n```{{eval-rst}}\n.. autoclass:: careshed.siting.models.{name}\n```" for name in kinds)
    return "\n\n".join(parts)


def papers() -> str:
    """Return the list of working papers that are there."""
    folder = Path(__file__).parents[1] / "papers"
    found = sorted(f"papers/{page.stem}" for page in folder.glob("*.md"))
    if not found:
        return "None is rendered in this build."
    return "\n".join(["```{toctree}", ":maxdepth: 1", "", *found, "```"])


def _first_line(thing: Any) -> str:
    return inspect.cleandoc(thing.__doc__ or "").partition("\n")[0].replace("``", "`")


def _text(text: str | None) -> str:
    """Return a help text in one line, with its options as code."""
    return re.sub(r"(?<![\w`-])--[a-z][\w-]*", r"`\g<0>`", " ".join((text or "").split()))


def _table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heading = list(heading)
    lines = [heading, ["---"] * len(heading), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "headings": headings,
    "layers": layers,
    "names": names,
    "models": models,
    "papers": papers,
    "rooms": rooms,
    "targets": targets,
}
"""Part → what makes its Markdown."""


class Generated(SphinxDirective):
    """``{generated} PART``: the part's Markdown, as if it stood in the page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the part; the page is read again at each build, since code changes without it."""
        self.env.note_reread()
        made = PARTS[self.arguments[0]]()
        return self.parse_text_to_nodes(made, allow_section_headings=True)


def keep_colons(_app: Sphinx, what: str, _name: str, _thing: Any, _options: Any, lines: list[str]) -> None:
    """Keep napoleon from taking what stands before the colon of an attribute's text for its type."""
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]


def hide_long_values(_app: Sphinx, _domain: str, kind: str, content: addnodes.desc_content) -> None:
    """Take the value out of a constant's heading where it is a whole table."""
    if kind not in {"attribute", "data"}:
        return
    for note in list(content.parent.findall(addnodes.desc_annotation)):
        if note.astext().startswith(" = ") and len(note.astext()) > LONGEST_VALUE:
            note.parent.remove(note)


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx know."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive("generated", Generated)
    app.connect("builder-inited", write_rooms)
    app.connect("autodoc-process-docstring", keep_colons, priority=400)
    app.connect("object-description-transform", hide_long_values)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
