"""The share of rows that the model flags, and its change: what a rare event does to the model's answers, without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.predictions import PROFILE_ONLY
from model_governance.contract.result import Estimate
from model_governance.engine.dependence import design_effect
from model_governance.stats.limits import DifferenceOfShares, ExactShare, RatioOfShares

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from model_governance.checks.data.data_drift.predictions import Predictions

NAMES = ("flagged_share", "flagged_share_increase", "flagged_share_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """Flagged and predicted rows of each dataset; None where they were not predicted.

    `design_effects` is the factor of rows that belong together on the variance of either share, at least 1.
    """

    reference: tuple[int, int] | None
    current: tuple[int, int] | None
    design_effects: tuple[float, float] = (1.0, 1.0)


def count_flags(predictions: Predictions) -> Flags:
    """Rows whose probability of the positive class reaches the decision threshold, or whose label is positive."""
    import numpy as np

    def flagged(answers: np.ndarray) -> np.ndarray:
        if predictions.threshold is None:
            return np.array([answer == predictions.positive for answer in answers.tolist()])
        return np.asarray(answers >= predictions.threshold)

    counts: dict[str, tuple[int, int] | None] = {}
    effects = []
    for role, answers in (("reference", predictions.reference), ("current", predictions.current)):
        flags = None if answers is None else flagged(answers)
        counts[role] = None if flags is None else (int(flags.sum()), len(flags))
        clusters = predictions.clusters.get(role)
        if flags is None or clusters is None:
            effects.append(1.0)
        else:
            effects.append(design_effect(flags.astype("int64"), clusters).mean)
    return Flags(reference=counts["reference"], current=counts["current"], design_effects=(effects[0], effects[1]))


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
    now = _effective(flags.current, flags.design_effects[1])
    share = ExactShare(successes=now[0], n=now[1])
    if flags.reference is None:
        yield Estimate(name=NAMES[0], value=count / n, n=n, limits=share, detail=detail)
        for name in NAMES[1:]:
            yield Estimate(name=name, value=None, n=n, reason=PROFILE_ONLY)
        return
    detail += f", {flags.reference[0]:,} of {flags.reference[1]:,} in the reference"
    before = _effective(flags.reference, flags.design_effects[0])
    p_value = equal_shares_p(before, now)
    # The values are those of the rows as they are; only the limits know how many of them are independent.
    increase = DifferenceOfShares(first=flags.reference, second=flags.current).value
    ratio = RatioOfShares(first=flags.reference, second=flags.current).value
    shared = now[1] / (before[1] + now[1])
    for name, value, limits in (
        (NAMES[0], count / n, share),
        (NAMES[1], increase, DifferenceOfShares(first=before, second=now, shared=shared)),
        (NAMES[2], ratio, RatioOfShares(first=before, second=now, shared=shared)),
    ):
        yield Estimate(name=name, value=value, n=n, limits=limits, p_value=p_value, detail=detail)


def _effective(counts: tuple[int, int], design_effect: float) -> tuple[float, float]:
    """Flagged and all rows, as many as independent rows would have to be to say as much."""
    count, n = counts
    return count / design_effect, n / design_effect


def equal_shares_p(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Two-sided p-value of Fisher's exact test (1922) that two shares, (successes, rows), are equal."""
    from scipy.stats import fisher_exact

    table = [[round(count), round(rows) - round(count)] for count, rows in (first, second)]
    return min(1.0, float(fisher_exact(table).pvalue))
