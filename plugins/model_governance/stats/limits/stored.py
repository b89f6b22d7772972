"""Reads limits that a record holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.stats.limits.areas import RocArea
from model_governance.stats.limits.chi_square import NoncentralChiSquare
from model_governance.stats.limits.counts import PartialConjunction
from model_governance.stats.limits.extremes import LargestOf, RangeOf
from model_governance.stats.limits.orders import RankAgreement
from model_governance.stats.limits.ratio_of_shares import RatioOfShares
from model_governance.stats.limits.ratios import SmallestRatio
from model_governance.stats.limits.share_factor import LargestShareFactor
from model_governance.stats.limits.shares import AbsoluteDifference, DifferenceOfShares, ExactShare, PartlyKnownShare
from model_governance.stats.limits.stretched import Forecast, GrowingError, Stretched
from model_governance.stats.limits.student import StudentT
from model_governance.stats.limits.wasserstein import WassersteinLimits
from model_governance.stats.limits.weighted_difference import WeightedDifference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.stats.limits.confidence import Limits

FAMILIES: dict[str, type[Limits]] = {
    family.family: family
    for family in (
        AbsoluteDifference,
        DifferenceOfShares,
        ExactShare,
        Forecast,
        GrowingError,
        LargestOf,
        LargestShareFactor,
        NoncentralChiSquare,
        PartialConjunction,
        PartlyKnownShare,
        RangeOf,
        RankAgreement,
        SmallestRatio,
        RatioOfShares,
        RocArea,
        Stretched,
        StudentT,
        WassersteinLimits,
        WeightedDifference,
    )
}


def read_limits(record: Mapping[str, Any]) -> Limits:
    """The limits that `Limits.record` wrote.

    Raises:
        ValueError: the family is none of this release.
        TypeError: its numbers are others.
    """
    family = FAMILIES.get(str(record.get("family")))
    if family is None:
        raise ValueError(f"limits are of family {record.get('family')!r}; this release has {', '.join(FAMILIES)}")
    return family(**{name: _frozen(value) for name, value in record.items() if name != "family"})


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return read_limits(value)
    return tuple(_frozen(part) for part in value) if isinstance(value, (list, tuple)) else value
