r"""Siting models: what is sought. Rules are the problem's.

Symbols: demand *i* of weight :math:`w_i` (people); sites *j*, open where :math:`x_j = 1`; times
:math:`c_{ij}` (ms, at most the problem's cutoff); :math:`N_i(r) = \{j : c_{ij} ≤ r\}`; *N* stations, the problem's.
With several phases *k* an objective is summed over them (a worst time is that of the last). Vehicles
:math:`y_j ∈ \{1, …, m\}` stand at every open site, *V* in the last phase and :math:`⌈V n_k / n_K⌉` in earlier
ones, where :math:`n_k` sites are open. A time that is None is the problem's standard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from careshed.errors import InputError

__all__ = [
    "BACOP1",
    "BACOP2",
    "DSM",
    "LSCP",
    "LSCPB",
    "MALP",
    "MCLP",
    "MEXCLP",
    "CapacitatedMCLP",
    "CapacitatedPMedian",
    "Lexicographic",
    "Model",
    "PCenter",
    "PMedian",
    "Relocation",
]


@dataclass(frozen=True, slots=True)
class MCLP:
    r"""Maximal covering location problem (Church, ReVelle 1974), also gradual (Berman, Krass, Drezner 2003).

    .. math:: \max Σ_i w_i \max_{j: x_j = 1} f(c_{ij}), \quad Σ_j x_j = N

    where :math:`f = 1` within `within_ms`, and 0 beyond, or, where `none_ms` is given, falls in a straight line to 0
    at `none_ms` (in whole thousandths of a person). Level ``covered``, people.

    Attributes
    ----------
    within_ms
        Full cover up to this time.
    none_ms
        No cover from this time on; None: from `within_ms` on.

    Examples
    --------
    >>> MCLP(within_ms=720_000)
    MCLP(within_ms=720000, none_ms=None)
    """

    within_ms: int | None = None
    none_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PMedian:
    r"""p-median (Hakimi 1964): least response in all.

    .. math:: \min Σ_i w_i \min(\text{cutoff}, \min_{j: x_j = 1} c_{ij}), \quad Σ_j x_j = N

    Level ``response``, person-seconds; demand that no site reaches within the cutoff is left out and counted.
    """


@dataclass(frozen=True, slots=True)
class Lexicographic:
    """Several objectives, each under the best value of those before it.

    The plan of the city's documents is ``Lexicographic((MCLP(), PMedian()))``: first most people within the minutes,
    then least response; it is what :func:`careshed.siting.site` takes without a model.

    Attributes
    ----------
    models
        :class:`MCLP` and :class:`PMedian` objects, in order.
    """

    models: tuple[MCLP | PMedian, ...] = (MCLP(), PMedian())

    def __post_init__(self) -> None:
        """Refuse what can't be put in order."""
        if not self.models or not all(isinstance(model, MCLP | PMedian) for model in self.models):
            raise InputError("a lexicographic model is made of MCLP and PMedian objects, one at least")


@dataclass(frozen=True, slots=True)
class PCenter:
    r"""p-center (Hakimi 1964): the least worst time.

    .. math:: \min \max_{i: w_i > 0} \min_{j: x_j = 1} c_{ij}, \quad Σ_j x_j = N

    Level ``worst``, seconds, in the last phase. Demand that no site reaches within the cutoff is left out and counted.
    """


@dataclass(frozen=True, slots=True)
class LSCP:
    r"""Location set covering problem (Toregas, Swain, ReVelle, Bergman 1971): the fewest stations.

    .. math:: \min Σ_j x_j, \quad Σ_{j ∈ N_i(r)} x_j ≥ 1 \; ∀ i: w_i > 0

    Level ``sites``. The number of stations is the answer, so the problem's own number and its phases are not asked.

    Attributes
    ----------
    within_ms
        The time *r*.
    reachable_only
        Leave out demand that no site reaches within *r*; else the problem is infeasible, and says whom.
    """

    within_ms: int | None = None
    reachable_only: bool = False


@dataclass(frozen=True, slots=True)
class LSCPB:
    r"""LSCP with backup (Daskin, Stern 1981): the fewest stations, then most people covered twice.

    .. math:: \max Σ_i w_i u_i, \quad Σ_{j ∈ N_i(r)} x_j - u_i ≥ 1, \; u_i ∈ \{0, 1\}, \; Σ_j x_j \text{ least}

    Levels ``sites`` and ``backup`` (people). Attributes as :class:`LSCP`.
    """

    within_ms: int | None = None
    reachable_only: bool = False


@dataclass(frozen=True, slots=True)
class BACOP1:
    r"""Backup coverage with all covered once (Hogan, ReVelle 1986).

    .. math:: \max Σ_i w_i u_i, \quad Σ_{j ∈ N_i(r)} x_j - u_i ≥ 1, \; u_i ∈ \{0, 1\}, \; Σ_j x_j = N

    Level ``backup``, people covered twice. Attributes as :class:`LSCP`; all are covered in the last phase.
    """

    within_ms: int | None = None
    reachable_only: bool = False


@dataclass(frozen=True, slots=True)
class BACOP2:
    r"""First and backup coverage, weighed (Hogan, ReVelle 1986).

    .. math:: \max Σ_i w_i (θ y_i + (1 - θ) u_i), \quad Σ_{j ∈ N_i(r)} x_j ≥ y_i + u_i, \; u_i ≤ y_i, \; Σ_j x_j = N

    Level ``weighed``, people.

    Attributes
    ----------
    within_ms
        The time *r*.
    first
        Weight θ of being covered at all, 0 to 1, with at most four decimals.
    """

    within_ms: int | None = None
    first: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a weight that can't be meant."""
        _check_share(self.first, "first")


@dataclass(frozen=True, slots=True)
class DSM:
    r"""Double standard model (Gendreau, Laporte, Semet 1997).

    .. math::

        \max Σ_i w_i u_i, \quad Σ_{j ∈ N_i(r_2)} y_j ≥ 1, \; Σ_i w_i z_i ≥ α Σ_i w_i, \;
        Σ_{j ∈ N_i(r_1)} y_j ≥ z_i + u_i, \; u_i ≤ z_i, \; Σ_j y_j = V

    Level ``backup``, people with two vehicles within :math:`r_1`. Both standards hold in the last phase.

    Attributes
    ----------
    vehicles
        *V*.
    within_ms, within2_ms
        :math:`r_1` and :math:`r_2`, the second at least the first.
    share
        α, 0 to 1.
    per_site
        At most so many vehicles at a site.
    reachable_only
        As in :class:`LSCP`, for :math:`r_2`.
    """

    vehicles: int
    within2_ms: int
    within_ms: int | None = None
    share: float = 0.9
    per_site: int = 2
    reachable_only: bool = False

    def __post_init__(self) -> None:
        """Refuse figures that can't be meant."""
        _check_share(self.share, "share")
        _check_fleet(self.vehicles, self.per_site)
        if self.within_ms is not None and self.within2_ms < self.within_ms:
            raise InputError(f"within2_ms={self.within2_ms} is less than within_ms={self.within_ms}: exchange them")


@dataclass(frozen=True, slots=True)
class MEXCLP:
    r"""Maximal expected covering (Daskin 1983): a vehicle is busy with probability *q*, independently.

    .. math:: \max Σ_i w_i Σ_k (1 - q) q^{k-1} z_{ik}, \quad Σ_k z_{ik} ≤ Σ_{j ∈ N_i(r)} y_j, \; Σ_j y_j = V

    Level ``expected``, people. A person's worth of the k-th vehicle is rounded to whole millionths.

    Attributes
    ----------
    vehicles
        *V*.
    busy
        *q*, above 0 and below 1.
    within_ms
        The time *r*.
    per_site
        At most so many vehicles at a site.
    """

    vehicles: int
    busy: float
    within_ms: int | None = None
    per_site: int = 2

    def __post_init__(self) -> None:
        """Refuse figures that can't be meant."""
        _check_busy(self.busy)
        _check_fleet(self.vehicles, self.per_site)


@dataclass(frozen=True, slots=True)
class MALP:
    r"""Maximal availability (ReVelle, Hogan 1989, with one busy fraction for all): people served with reliability α.

    .. math:: \max Σ_i w_i z_{ib}, \quad Σ_{k ≤ b} z_{ik} ≤ Σ_{j ∈ N_i(r)} y_j, \; z_{i,k+1} ≤ z_{ik}, \; Σ_j y_j = V

    with :math:`b = ⌈\ln(1 - α) / \ln q⌉` vehicles, of which one is free with probability α. Level ``reliable``, people.

    Attributes
    ----------
    vehicles
        *V*.
    busy
        *q*, above 0 and below 1.
    reliability
        α, above 0 and below 1.
    within_ms
        The time *r*.
    per_site
        At most so many vehicles at a site.
    """

    vehicles: int
    busy: float
    reliability: float = 0.9
    within_ms: int | None = None
    per_site: int = 2

    def __post_init__(self) -> None:
        """Refuse figures that can't be meant."""
        _check_busy(self.busy)
        _check_fleet(self.vehicles, self.per_site)
        if not 0 < self.reliability < 1:
            raise InputError(f"reliability={self.reliability:g}: expected a number above 0 and below 1, such as 0.9")


@dataclass(frozen=True, slots=True)
class CapacitatedPMedian:
    r"""p-median with capacities (Mulvey, Beck 1984).

    .. math::

        \min Σ_{ij} w_i c_{ij} a_{ij}, \quad Σ_j a_{ij} = 1, \; Σ_i w_i a_{ij} ≤ K_j x_j, \; Σ_j x_j = N

    Level ``response``, person-seconds; only pairs within the cutoff. Demand that no site reaches is left out and
    counted.

    Attributes
    ----------
    capacity
        People whom a site serves at most: one figure, or one for each site.
    whole
        Each demand point is served by one site (*a* is 0 or 1); else its people may be shared out.
    """

    capacity: int | Mapping[str, int]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class CapacitatedMCLP:
    r"""Maximal covering with capacities (Current, Storbeck 1988).

    .. math::

        \max Σ_{i,\, j ∈ N_i(r)} w_i a_{ij}, \quad Σ_j a_{ij} ≤ 1, \; Σ_i w_i a_{ij} ≤ K_j x_j, \; Σ_j x_j = N

    Level ``covered``, people served within *r*.

    Attributes
    ----------
    capacity, whole
        As in :class:`CapacitatedPMedian`.
    within_ms
        The time *r*.
    """

    capacity: int | Mapping[str, int]
    within_ms: int | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Relocation:
    r"""Least change: keep as many ``closable`` sites as a loss of coverage allows.

    Levels ``covered`` as :class:`MCLP`, whose best is C; then ``closed``, the fewest closable sites closed in the last
    phase with at least :math:`⌈(1 - \text{loss}) C⌉` people covered, summed over phases; then ``covered`` again.

    Attributes
    ----------
    loss
        Share of the best coverage that may be given up, 0 to 1.
    within_ms
        The time.
    """

    loss: float = 0.0
    within_ms: int | None = None

    def __post_init__(self) -> None:
        """Refuse a loss that can't be meant."""
        _check_share(self.loss, "loss")


Model = (
    MCLP
    | PMedian
    | Lexicographic
    | PCenter
    | LSCP
    | LSCPB
    | BACOP1
    | BACOP2
    | DSM
    | MEXCLP
    | MALP
    | CapacitatedPMedian
    | CapacitatedMCLP
    | Relocation
)


def _check_share(share: float, name: str) -> None:
    """Refuse a share outside 0 to 1."""
    if not 0 <= share <= 1:
        raise InputError(f"{name}={share:g}: expected 0 to 1")


def _check_busy(busy: float) -> None:
    """Refuse a busy fraction with which nothing is expected."""
    if not 0 < busy < 1:
        raise InputError(
            f"busy={busy:g}: expected the share of time a vehicle is busy, above 0 and below 1, such as 0.3"
        )


def _check_fleet(vehicles: int, per_site: int) -> None:
    """Refuse a fleet without vehicles."""
    if vehicles < 1 or per_site < 1:
        raise InputError(f"vehicles={vehicles} and per_site={per_site}: expected whole numbers from 1 up")
