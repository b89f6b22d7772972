"""The share of rows that the model flags, and its change: what a rare event does to the model's answers, without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.predictions import PROFILE_ONLY
from model_governance.contract.result import Estimate
from model_governance.stats.limits import DifferenceOfShares, ExactShare, RatioOfShares

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from model_governance.checks.data.data_drift.predictions import Predictions

NAMES = ("flagged_share", "flagged_share_increase", "flagged_share_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """Flagged and predicted rows of each dataset; None where they were not predicted."""

    reference: tuple[int, int] | None
    current: tuple[int, int] | None


def count_flags(predictions: Predictions) -> Flags:
    """Rows whose probability of the positive class reaches the decision threshold, or whose label is positive."""

    def count(answers: np.ndarray | None) -> tuple[int, int] | None:
        if answers is None:
            return None
        if predictions.threshold is None:
            return sum(answer == predictions.positive for answer in answers.tolist()), len(answers)
        return int((answers >= predictions.threshold).sum()), len(answers)

    return Flags(reference=count(predictions.reference), current=count(predictions.current))


def flagged_estimates(predictions: Predictions) -> Iterator[Estimate]:
    """The share that is flagged and how it changed; nothing for a model that does not answer yes or no."""
    if predictions.positive is None:
        return
    flags = count_flags(predictions)
    if flags.current is None:
        for name in NAMES:
            yield Estimate(name=name, value=None, n=0, reason=predictions.reason)
        return
    count, n = flags.current
    detail = f"{count:,} of {n:,} rows" + (
        f" reach {predictions.threshold:g}" if predictions.threshold is not None else " are labelled positive"
    )
    if flags.reference is None:
        yield Estimate(name=NAMES[0], value=count / n, n=n, limits=ExactShare(successes=count, n=n), detail=detail)
        for name in NAMES[1:]:
            yield Estimate(name=name, value=None, n=n, reason=PROFILE_ONLY)
        return
    before, rows = flags.reference
    detail += f", {before:,} of {rows:,} in the reference"
    p_value = equal_shares_p(flags.reference, flags.current)
    difference = DifferenceOfShares(first=flags.reference, second=flags.current)
    ratio = RatioOfShares(first=flags.reference, second=flags.current)
    for name, value, limits in (
        (NAMES[0], count / n, ExactShare(successes=count, n=n)),
        (NAMES[1], difference.value, difference),
        (NAMES[2], ratio.value, ratio),
    ):
        yield Estimate(name=name, value=value, n=n, limits=limits, p_value=p_value, detail=detail)


def equal_shares_p(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Two-sided p-value of Fisher's exact test (1922) that two shares, (successes, rows), are equal."""
    from scipy.stats import fisher_exact

    table = [[count, rows - count] for count, rows in (first, second)]
    return min(1.0, float(fisher_exact(table).pvalue))
