"""Write the tables of siting.md that code knows: which model takes which option, and which rule.

Run after a model or a rule has changed.
"""

from collections.abc import Callable
from pathlib import Path

from careshed.cli.sitemodels import flag, specs
from careshed.output import MODELS
from careshed.siting import support_table

PAGE = Path(__file__).with_name("siting.md")
RULES = {
    "status": "required, existing, excluded, closable",
    "count": "number of stations",
    "quotas": "min_per_subdistrict",
    "tiers": "tiers",
    "leads": "lead, span",
    "phases": "phases",
    "Among": "quota, new",
    "Apart": "apart",
    "Company": "company",
    "Budget": "budget",
    "WorstTime": "worst",
    "CoverageFloor": "floor",
}
"""Rules by the names that problems have for them, and by those of targets.toml."""


def options() -> str:
    """Return which model takes which option."""
    rows = [["`--model`", "seeks", "needs", "may take", "class"]]
    for name, spec in specs().items():
        words = MODELS[spec.kind.__name__]
        seeks = f"{words}, then {MODELS['PMedian']}" if name == "mclp" else words
        needs, may = (" ".join(f"`{flag(one)}`" for one in some) for some in (spec.needs, spec.may))
        rows.append([f"`{name}`", seeks, needs, may, f"`{spec.kind.__name__}`"])
    return _markdown(rows)


def support() -> str:
    """Return which model takes which rule."""
    table = support_table()
    rows = [["model", *(RULES[name] for name in table.columns)]]
    rows += [[f"`{name}`", *("yes" if takes else "**no**" for takes in row)] for name, row in table.T.items()]
    return _markdown(rows)


def _markdown(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


TABLES: dict[str, Callable[[], str]] = {"options": options, "support": support}


def page(text: str) -> str:
    """Return the page with its tables as the code has them."""
    for name, make in TABLES.items():
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, _, after = rest.partition(f"<!-- end of {name} -->")
        text = f"{before}<!-- {name} -->\n{make()}\n<!-- end of {name} -->{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
