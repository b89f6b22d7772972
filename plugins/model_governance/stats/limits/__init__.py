"""Confidence limits of an estimate at any level, by the family of its sampling distribution."""

from __future__ import annotations

from model_governance.stats.limits.areas import RocArea
from model_governance.stats.limits.chi_square import NoncentralChiSquare
from model_governance.stats.limits.confidence import AT_95, MISSED, TAIL, Limits, quantile_of, tail_of
from model_governance.stats.limits.counts import PartialConjunction
from model_governance.stats.limits.extremes import LargestOf, RangeOf
from model_governance.stats.limits.orders import RankAgreement
from model_governance.stats.limits.ratio_of_shares import RatioOfShares
from model_governance.stats.limits.ratios import SmallestRatio
from model_governance.stats.limits.share_factor import LargestShareFactor
from model_governance.stats.limits.shares import AbsoluteDifference, DifferenceOfShares, ExactShare, PartlyKnownShare
from model_governance.stats.limits.stored import read_limits
from model_governance.stats.limits.stretched import Forecast, GrowingError, Scale, Stretched
from model_governance.stats.limits.student import StudentT
from model_governance.stats.limits.wasserstein import WassersteinLimits
from model_governance.stats.limits.weighted_difference import WeightedDifference

__all__ = [
    "AT_95",
    "MISSED",
    "TAIL",
    "AbsoluteDifference",
    "DifferenceOfShares",
    "ExactShare",
    "Forecast",
    "GrowingError",
    "LargestOf",
    "LargestShareFactor",
    "Limits",
    "NoncentralChiSquare",
    "PartialConjunction",
    "PartlyKnownShare",
    "RangeOf",
    "RankAgreement",
    "RatioOfShares",
    "RocArea",
    "Scale",
    "SmallestRatio",
    "Stretched",
    "StudentT",
    "WassersteinLimits",
    "WeightedDifference",
    "quantile_of",
    "read_limits",
    "tail_of",
]
