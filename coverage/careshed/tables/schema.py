"""What a planner's sheets hold: one table of layers, columns, headings and values.

The reader looks headings up in it, and the blank sheets and the data
dictionary are written from it, so that the two can't drift apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["FIELDS", "KINDS", "LAYERS", "STATUSES", "Field", "Layer", "canonical", "match_headings", "plain"]

KINDS: Mapping[str, tuple[str, ...]] = {
    "community_health_centre": ("社区卫生服务中心", "社区卫生中心", "community health center", "chc"),
    "community_health_station": ("社区卫生服务站", "社区卫生站", "chs"),
    "hospital": ("医院", "综合医院", "专科医院", "中医医院", "三级医院", "二级医院", "一级医院"),
    "clinic": ("诊所", "门诊", "门诊部", "卫生所", "doctors"),
    "village_clinic": ("村卫生室", "村卫生所", "卫生室"),
    "first_aid_station": (
        "急救站",
        "急救工作站",
        "急救点",
        "急救站点",
        "急救分站",
        "急救中心站",
        "急救中心",
        "院前急救站",
        "院前急救站点",
        "ambulance station",
        "ems station",
    ),
    "aed": ("自动体外除颤器", "自动体外除颤仪", "除颤器", "defibrillator"),
    "supervision_branch": ("卫生监督所", "卫生监督站", "卫生监督分所", "卫生监督分站", "卫生监督派出机构"),
    "fever_sentinel": ("发热筛查哨点", "发热哨点", "哨点"),
    "blood_donation_point": ("采血点", "献血点", "街头采血点"),
}
"""Kinds of facilities and what else they are called in a sheet. Other kinds are taken as written."""

STATUSES: Mapping[str, tuple[str, ...]] = {
    "existing": ("现有", "现状", "已有", "已建", "在用"),
    "required": ("必建", "必选", "必须", "规划", "fixed"),
    "candidate": ("候选", "备选", "拟选", "可选"),
    "excluded": ("排除", "不选", "停用", "禁用", "closed"),
}
"""Statuses of facilities and sites and what else they are called in a sheet."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its name, its Chinese heading, what else it is called, and what it holds."""

    name: str
    zh: str
    aliases: tuple[str, ...]
    holds: Literal["text", "count", "number", "degrees", "choice"]
    en: str
    about: str
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    free: bool = True
    """Whether a value that is not among the choices is taken as written."""

    @property
    def accepted(self) -> tuple[str, ...]:
        """Every heading that names this column, its own first."""
        return (self.name, self.zh, *self.aliases)


FIELDS: Mapping[str, Field] = {
    entry.name: entry
    for entry in (
        Field(
            "id",
            "编号",
            ("代码", "编码", "序号", "code", "uid"),
            "text",
            "Unique text. Left out, it is made from the layer and the row's number.",
            "唯一文本；留空时按图层与行号自动编号。",
        ),
        Field(
            "name",
            "名称",
            ("名字", "机构名称", "单位名称", "单位", "站点名称", "title"),
            "text",
            "Name, as it shall stand on the map.",
            "名称，按此显示在地图上。",
        ),
        Field("name_en", "英文名", ("英文名称", "english name", "name:en"), "text", "Name in English.", "英文名称。"),
        Field(
            "longitude",
            "经度",
            ("lng", "lon", "long", "x", "东经", "经度坐标", "wgs84_lng", "gcj02_lng", "bd09_lng"),
            "degrees",
            "Degrees east, -180 to 180. The datum is named with the file: FILE:wgs84, FILE:gcj02, FILE:bd09.",
            "东经度数；坐标系随文件名给出，例如 文件.csv:gcj02（高德）、:bd09（百度）、:wgs84。",
        ),
        Field(
            "latitude",
            "纬度",
            ("lat", "y", "北纬", "纬度坐标", "wgs84_lat", "gcj02_lat", "bd09_lat"),
            "degrees",
            "Degrees north, -90 to 90.",
            "北纬度数。",
        ),
        Field(
            "population",
            "人口",
            ("常住人口", "人口数", "人数", "总人口", "居民数", "pop", "people", "residents"),
            "count",
            "Residents, a whole number, 0 or more.",
            "常住人口，非负整数。",
        ),
        Field(
            "population_est",
            "人口估计",
            ("估计人口", "人口估算", "推算人口", "pop_est", "population_estimated", "estimated_population"),
            "number",
            "Residents where the figure is an estimate; it is marked so wherever it stands.",
            "估计的常住人口；凡使用处均标明为估计值。",
        ),
        Field(
            "elderly",
            "老年人口",
            ("老年人", "老年人数", "65岁以上", "65岁及以上", "65岁及以上人口", "pop65", "aged"),
            "count",
            "Residents of 65 years and more, a whole number, not above the population.",
            "65 岁及以上常住人口，非负整数，不大于人口。",
        ),
        Field(
            "subdistrict",
            "街道",
            ("乡镇", "街道乡镇", "街道(乡镇)", "所属街道", "街镇", "镇", "subdistrict_id", "subdistric", "township"),
            "text",
            "Name or id of the subdistrict or township. Left out, it is found from the coordinates.",
            "所属街道（乡镇）的名称或编号；留空时按坐标判定。",
        ),
        Field(
            "community",
            "社区",
            ("社区名称", "村", "社区村", "社区(村)", "居委会", "community_id", "village"),
            "text",
            "Name or id of the community or village.",
            "所属社区（村）的名称或编号。",
        ),
        Field(
            "kind",
            "类型",
            ("类别", "机构类型", "机构类别", "设施类型", "type", "category"),
            "choice",
            "What it is; other kinds than these are taken as written and must be named in targets.toml to count.",
            "设施类型；其他类型照原文保留，须在 targets.toml 中列出才参与计算。",
            KINDS,
        ),
        Field(
            "status",
            "状态",
            ("现状或规划", "state"),
            "choice",
            "existing, required (must be built or kept), candidate, excluded.",
            "现有、必建、候选、排除。",
            STATUSES,
            free=False,
        ),
        Field(
            "tier",
            "层级",
            ("级别", "等级", "level"),
            "text",
            "Tier of a first-aid station, as targets.toml names it; blank: any.",
            "急救站层级，名称与 targets.toml 一致；留空表示不限。",
        ),
        Field(
            "capacity",
            "容量",
            ("规模", "床位", "床位数", "车辆数", "beds"),
            "number",
            "What it can serve, in the unit of its service; 0 or more.",
            "服务能力，非负数。",
        ),
        Field(
            "owner",
            "权属",
            ("产权单位", "举办主体", "举办单位", "所有者", "operator"),
            "text",
            "Who owns or runs it; siting rules may limit how many sites one owner has.",
            "产权或举办单位；选址规则可限定各权属的站点数。",
        ),
        Field(
            "cost",
            "费用",
            ("建设费用", "投资", "造价", "成本"),
            "count",
            "What it costs to have a station here, in whole units of money of the budget in targets.toml.",
            "设站费用，整数，单位与 targets.toml 中的预算一致。",
        ),
        Field(
            "closing_cost",
            "关停费用",
            ("撤站费用", "closing cost"),
            "count",
            "What it costs to close it, in whole units of money of the budget in targets.toml.",
            "关停费用，整数，单位与 targets.toml 中的预算一致。",
        ),
        Field("address", "地址", ("详细地址", "位置", "addr"), "text", "Postal address.", "地址。"),
        Field(
            "calls",
            "呼叫量",
            ("呼叫数", "呼叫次数", "次数", "急救呼叫", "count", "n"),
            "number",
            "Emergency calls at this point; left out, each row is one call.",
            "该点的急救呼叫次数；无此列时每行计一次呼叫。",
        ),
    )
}
"""Every column, by name."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A sheet: its columns in order, those it can't do without, and headings that mean something else in it."""

    name: str
    zh: str
    index: str
    prefix: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    polygons: bool
    en: str
    about: str
    own: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[str, ...] = ()


LAYERS: Mapping[str, Layer] = {
    layer.name: layer
    for layer in (
        Layer(
            "subdistricts",
            "街道",
            "subdistrict_id",
            "subdistrict",
            ("id", "name", "name_en", "population", "population_est", "elderly"),
            ("name",),
            True,
            "Subdistricts or townships. Outlines need a map format; this sheet gives their totals (--population).",
            "街道（乡镇）。边界须用地图格式；本表仅给出各单元总数（--population）。",
            dict.fromkeys(("街道", "乡镇", "街道名称", "街道乡镇", "镇", "subdistrict"), "name")
            | {"subdistrict_id": "id"},
        ),
        Layer(
            "communities",
            "社区",
            "community_id",
            "community",
            ("id", "name", "subdistrict", "longitude", "latitude", "population", "population_est", "elderly"),
            ("name", "longitude", "latitude"),
            True,
            "Communities and villages, points or polygons (--communities).",
            "社区（村），点或面（--communities）。",
            dict.fromkeys(("社区", "社区名称", "村", "社区村", "居委会", "community"), "name") | {"community_id": "id"},
        ),
        Layer(
            "facilities",
            "设施",
            "facility_id",
            "facility",
            (
                "id",
                "name",
                "kind",
                "status",
                "tier",
                "capacity",
                "subdistrict",
                "address",
                "longitude",
                "latitude",
                "owner",
                "cost",
                "closing_cost",
            ),
            ("kind", "longitude", "latitude"),
            False,
            "Health facilities and first-aid stations that exist or must be built (--facilities).",
            "现有或必建的卫生设施与急救站（--facilities）。",
            {"facility_id": "id"},
            ("existing", "required", "excluded"),
        ),
        Layer(
            "candidates",
            "候选点",
            "site_id",
            "site",
            ("id", "name", "status", "tier", "subdistrict", "longitude", "latitude", "owner", "cost"),
            ("longitude", "latitude"),
            False,
            "Sites where a station may be built (--candidates, careshed score).",
            "可建站的候选点（--candidates 与 careshed score）。",
            {"site_id": "id", "candidate_id": "id"},
            ("candidate", "required", "excluded"),
        ),
        Layer(
            "population",
            "人口点",
            "demand_id",
            "population",
            ("id", "subdistrict", "longitude", "latitude", "population", "population_est", "elderly"),
            ("longitude", "latitude"),
            False,
            "Where people live, as points; or, without coordinates, totals by subdistrict (--population).",
            "人口分布点；无坐标时为各街道（乡镇）总数（--population）。",
            {"demand_id": "id"},
        ),
        Layer(
            "calls",
            "呼叫",
            "call_id",
            "call",
            ("id", "longitude", "latitude", "calls"),
            ("longitude", "latitude"),
            False,
            "Emergency calls of some period, as weights of response (--calls).",
            "某时期的急救呼叫，用作反应时间的权重（--calls）。",
            {"call_id": "id"},
        ),
    )
}
"""Every sheet, by name."""

_BRACKETS = re.compile(r"[(\[][^)\]]*[)\]]")
_JOINTS = re.compile(r"[\s_\-:./]+")


def plain(text: object) -> str:
    """Return a heading or value without width, case, spaces and joints, for comparison."""
    return _JOINTS.sub("", unicodedata.normalize("NFKC", str(text)).casefold())


def match_headings(headings: Iterable[str], layer: Layer) -> tuple[dict[str, str], list[str]]:
    """Find which heading holds which column of `layer`.

    A heading is compared in full and then without a unit in brackets, as in
    ``人口（人）``. Where two headings name one column, the earlier alias wins.

    Returns
    -------
    found
        Heading by column.
    notes
        A sentence for each heading that names a column already found.
    """
    by_plain: dict[str, str] = {}
    for heading in headings:
        normal = unicodedata.normalize("NFKC", str(heading))
        for form in (normal, _BRACKETS.sub("", normal)):
            by_plain.setdefault(plain(form), heading)
    found: dict[str, str] = {}
    notes: list[str] = []
    own = {plain(alias): column for alias, column in layer.own.items()}
    for column in layer.columns:
        names = [plain(name) for name in FIELDS[column].accepted if own.get(plain(name), column) == column]
        names += [name for name, target in own.items() if target == column]
        hits = list(dict.fromkeys(by_plain[name] for name in names if name in by_plain))
        if hits:
            found[column] = hits[0]
        notes += [f"column {other!r} is not read: {hits[0]!r} is the {column}" for other in hits[1:]]
    return found, notes


def canonical(value: str, choices: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return the choice that `value` names, or None."""
    wanted = plain(value)
    for choice, aliases in choices.items():
        if wanted in {plain(choice), *(plain(alias) for alias in aliases)}:
            return choice
    return None
