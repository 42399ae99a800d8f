"""Tables of the report, as plain rows of text; the template only lays them out."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from careshed.indicators import Response
from careshed.plan import Plan
from careshed.scorecard import scorecard
from careshed.siting import Solution
from careshed.wording import (
    LAYERS,
    NOTHING,
    OUTSIDE,
    PROVENANCE,
    STATUSES,
    VERDICTS,
    Label,
    count,
    minutes,
    percent,
    verdict,
)

__all__ = [
    "Mark",
    "Share",
    "Table",
    "coverage_table",
    "levels_table",
    "phases_table",
    "provenance_table",
    "quota_tables",
    "rejected_table",
    "response_table",
    "scorecard_table",
    "stations_table",
]


@dataclass(frozen=True, slots=True)
class Share:
    """A share that is drawn as a bar too."""

    text: str
    width: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Met or not, by sign, word and colour."""

    met: bool


Cell = str | Share | Mark


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Parameters
    ----------
    columns
        Headings; a heading that starts with ``#`` is of a column of figures.
    rows
        Cells.
    total
        A last row that sums up, where there is one.
    caption
        What it shows.
    """

    columns: list[Label]
    rows: list[list[Cell]]
    total: list[Cell] | None = None
    caption: Label | None = None
    figures: frozenset[int] = field(default_factory=frozenset)


def _share(value: float) -> Cell:
    return NOTHING if pd.isna(value) else Share(percent(value), round(100 * min(max(value, 0.0), 1.0), 1))


def _all() -> str:
    return str(Label("合计", "all"))


def scorecard_table(plan: Plan) -> Table | None:
    """Return each target beside the figure found; None where no target has one."""
    documents = plan.area.targets.documents
    rows: list[list[Cell]] = []
    for row in scorecard(plan):
        words = verdict(row)
        kind = Label("约束性", "binding") if row.binding else Label("预期性", "expected")
        source = f"{documents.get(row.document, row.document)} {row.item}".strip()
        rows.append([row.id, row.text, words.value, words.target, Mark(row.met), str(kind), source])
    if not rows:
        return None
    columns = [
        Label("编号", "Id"),
        Label("指标", "Target"),
        Label("结果", "Value"),
        Label("目标", "Asked"),
        Label("是否达标", "Met"),
        Label("性质", "Kind"),
        Label("文件与条目", "Document, item"),
    ]
    return Table(columns, rows, figures=frozenset({2, 3}))


def coverage_table(plan: Plan) -> Table | None:
    """Return the four shares of each subdistrict side by side."""
    if plan.coverage is None:
        return None
    shares = ["community_share", "population_share", "area_share", "street_share"]
    columns = [
        Label("街道(乡镇)", "Subdistrict"),
        Label("人口", "People"),
        Label("社区达标", "Communities"),
        Label("覆盖社区", "Communities"),
        Label("覆盖人口", "People"),
        Label("覆盖面积", "Area"),
        Label("覆盖道路", "Streets"),
    ]
    if plan.coverage.total["elderly"] > 0:
        shares.append("elderly_share")
        columns.append(Label("老年人", "Older people"))

    def cells(name: str, row: pd.Series) -> list[Cell]:
        met = f"{count(row['communities_covered'])} / {count(row['communities'])}"
        return [name, count(row["people"]), met, *(_share(row[share]) for share in shares)]

    rows = [cells(str(row["name"]), row) for _, row in plan.coverage.subdistricts.iterrows()]
    figures = frozenset(range(1, len(columns)))
    return Table(columns, rows, cells(_all(), plan.coverage.total), figures=figures)


def response_table(plan: Plan) -> Table | None:
    """Return each subdistrict's response, now and planned, minutes."""
    stages = [
        (label, response)
        for label, response in (
            (Label("现状", "now"), plan.before),
            (Label("方案", "plan"), plan.after),
        )
        if response is not None
    ]
    if not stages:
        return None
    first = stages[0][1]
    columns = [
        Label("街道(乡镇)", "Subdistrict"),
        Label("呼叫", "Calls") if plan.weight == "calls" else Label("人口", "People"),
    ]
    for text in (Label("平均", "Mean"), Label("中位", "Median"), Label("90 分位", "P90"), Label("达标比例", "Within")):
        columns += [Label(f"{text.zh}({label.zh})", f"{text.en}, {label.en}") for label, _ in stages]

    def cells(name: str, weight: float, rows: list[pd.Series]) -> list[Cell]:
        times = [minutes(row[column]) for column in ("mean_s", "median_s", "p90_s") for row in rows]
        return [name, count(weight), *times, *(_share(row["share_within_target"]) for row in rows)]

    units = [
        cells(str(row["name"]), row["weight"], [response.subdistricts.iloc[place] for _, response in stages])
        for place, (_, row) in enumerate(first.subdistricts.iterrows())
    ]
    total = cells(_all(), first.total["weight"], [response.total for _, response in stages])
    return Table(columns, units, total, figures=frozenset(range(1, len(columns))))


def stations_table(plan: Plan) -> Table | None:
    """Return the plan's stations by subdistrict: when they open, whom they serve, what each adds."""
    stations = plan.stations
    if stations.empty:
        return None
    service = plan.area.targets.service.get(plan.siting_service)
    rules = None if service is None else service.siting
    tiers = {tier.name: str(Label(tier.label_zh or tier.name, tier.label_en)) for tier in rules.tiers} if rules else {}
    columns = {
        "id": Label("编号", "Id"),
        "name": Label("名称", "Name"),
        "subdistrict": Label("街道(乡镇)", "Subdistrict"),
        "status": Label("状态", "Status"),
        "tier": Label("级别", "Tier"),
        "by": Label("开放", "Open by"),
        "people": Label("服务人口", "People served"),
        "mean": Label("平均反应", "Mean, min"),
        "gained": Label("唯一覆盖", "Only it covers"),
        "leader": Label("上级", "Led by"),
    }
    if not tiers:
        del columns["tier"], columns["leader"]
    rows: list[list[Cell]] = []
    ordered = stations.rename_axis("site_id").reset_index().sort_values(["phase", "subdistrict_id", "site_id"])
    for row in ordered.to_dict("records"):
        cells = {
            "id": row["site_id"],
            "name": row["name"],
            "subdistrict": row["subdistrict"] if row["subdistrict_id"] else str(OUTSIDE),
            "status": str(STATUSES.get(row["status"], row["status"])),
            "tier": tiers.get(row["tier"], row["tier"]),
            "by": NOTHING if row["status"] == "existing" else row["by"] or NOTHING,
            "people": count(row["people"]),
            "mean": minutes(row["mean_s"]),
            "gained": count(row["people_gained"]),
            "leader": stations["name"].get(row["leader_id"], row["leader_id"]) or NOTHING,
        }
        rows.append([str(cells[column]) for column in columns])
    figures = frozenset(i for i, column in enumerate(columns) if column in {"by", "people", "mean", "gained"})
    return Table(list(columns.values()), rows, figures=figures)


def phases_table(plan: Plan) -> Table | None:
    """Return what each phase reaches."""
    solution = plan.solution
    if solution is None or solution.phases.empty or not solution.found:
        return None
    columns = [
        Label("期", "Phase"),
        Label("截止", "By"),
        Label("站点", "Stations"),
        Label("全部站址", "All sites"),
        Label("标准内人口", "People within"),
        Label("平均反应", "Mean, min"),
        Label("一小时外人口", "Beyond the hour"),
        Label("尚缺(按街道)", "Short of quota"),
    ]
    people = plan.area.people - solution.unreachable
    rows: list[list[Cell]] = [
        [
            str(phase["phase"]),
            phase["by"] or NOTHING,
            count(phase["stations"]),
            count(phase["open_sites"]),
            count(phase["covered"]),
            minutes(phase["person_seconds"] / people if people and not phase["beyond"] else None),
            count(phase["beyond"]),
            count(phase["missing_quota"]),
        ]
        for phase in solution.phases.rename_axis("phase").reset_index().to_dict("records")
    ]
    return Table(columns, rows, figures=frozenset(range(2, 8)))


def levels_table(solution: Solution) -> Table | None:
    """Return each level's objective beside its bound: where they meet, the plan is proven."""
    if not solution.levels:
        return None
    names = {
        "covered": Label("标准内人口(各期合计)", "People within the standard, summed over phases"),
        "response": Label("反应时间(人·分钟,各期合计)", "Response, person-minutes summed over phases"),
        "worst": Label("最长反应时间(秒)", "Worst response, seconds"),
        "sites": Label("站点数", "Stations"),
        "backup": Label("双重覆盖人口(各期合计)", "People covered twice, summed over phases"),
        "weighed": Label("加权覆盖人口(各期合计)", "Covered and backed up people, weighed"),
        "expected": Label("期望覆盖人口(各期合计)", "People expected to find a free vehicle"),
        "reliable": Label("可靠覆盖人口(各期合计)", "People reliably covered, summed over phases"),
        "closed": Label("关停站点数", "Existing stations closed"),
    }
    columns = [
        Label("目标层", "Level"),
        Label("目标值", "Objective"),
        Label("界", "Bound"),
        Label("差距", "Gap"),
        Label("状态", "Status"),
    ]
    rows: list[list[Cell]] = []
    for number, level in enumerate(solution.levels, start=1):
        scale = 60.0 if level.name == "response" else 1.0
        name = names.get(level.name, Label(level.name, ""))
        gap = "0" if level.gap == 0 else f"{level.gap:.4%}"
        status = str(VERDICTS.get(level.status, level.status))
        rows.append([f"{number}. {name}", count(level.objective / scale), count(level.bound / scale), gap, status])
    return Table(columns, rows, figures=frozenset({1, 2, 3}))


def quota_tables(plan: Plan) -> list[Table]:
    """Return what each quota rule asks of each subdistrict, beside what there is."""
    tables = []
    for name, checked in plan.quotas.items():
        quota = plan.area.targets.quota.get(name)
        caption = Label(quota.label_zh, quota.label_en) if quota else Label(name, "")
        rows: list[list[Cell]] = []
        for row in checked.to_dict("records"):
            asked = (
                count(row["least"])
                if pd.isna(row["most"]) or row["most"] == row["least"]
                else f"{count(row['least'])} – {count(row['most'])}"
            )
            rows.append([row["name"], count(row["have"]), asked, Mark(bool(row["met"]))])
        total: list[Cell] = [
            _all(),
            count(checked["have"].sum()),
            count(checked["least"].sum()),
            f"{checked['met'].sum()} / {len(checked)}",
        ]
        columns = [
            Label("街道(乡镇)", "Subdistrict"),
            Label("现有", "There are"),
            Label("应有", "Asked"),
            Label("是否达标", "Met"),
        ]
        tables.append(Table(columns, rows, total, caption, frozenset({1, 2})))
    return tables


def rejected_table(plan: Plan) -> Table | None:
    """Return how many rows of each file could not be used, by reason."""
    rejected = plan.area.rejected
    if rejected.empty:
        return None
    groups = rejected.groupby(["file", "reason"], sort=True)
    rows: list[list[Cell]] = [
        [str(file), str(reason), count(len(part)), ", ".join(str(row) for row in part["id"].head(5))]
        for (file, reason), part in groups
    ]
    columns = [Label("文件", "File"), Label("原因", "Reason"), Label("行数", "Rows"), Label("例", "Such as")]
    return Table(columns, rows, figures=frozenset({2}))


def provenance_table(plan: Plan) -> Table | None:
    """Return where each layer comes from."""
    rows: list[list[Cell]] = [
        [str(LAYERS.get(name, name)), str(PROVENANCE[row.status]), row.source, row.date or NOTHING]
        for name, row in sorted(plan.area.provenance.items())
    ]
    columns = [Label("图层", "Layer"), Label("性质", "Status"), Label("来源", "Source"), Label("日期", "Date")]
    return Table(columns, rows, figures=frozenset({3})) if rows else None


def unreachable(response: Response | None) -> float:
    """Return the people or calls that no station reaches within the hour."""
    return 0.0 if response is None else float(response.total["unreachable"])
