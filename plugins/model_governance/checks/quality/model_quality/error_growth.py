"""How the error of a metric changes with its value, so that what is detectable far from today's value is told rightly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.metrics import METRICS
from model_governance.contract.result import spec_of

if TYPE_CHECKING:
    from model_governance.contract.result import Estimate
    from model_governance.stats.limits import Scale

AREAS: dict[str, Scale] = {"roc_auc": "probit", "average_precision": "logit"}
"""Areas under curves; the errors of other numbers between 0 and 1 grow as those of shares do."""


def with_error_growth(estimate: Estimate) -> Estimate:
    """The estimate with limits that know how its error grows; itself where nothing is known or it has limits of its own."""
    from model_governance.stats.limits import GrowingError, Stretched

    grows, limits = growth_of(estimate.name), estimate.limits
    if grows is None or estimate.value is None:
        return estimate
    if limits is None and estimate.interval is not None:
        low, high = map(float, estimate.interval)
        return replace(estimate, limits=GrowingError(value=float(estimate.value), low95=low, high95=high, grows=grows))
    if type(limits) is Stretched and limits.scale == "plain":
        own = GrowingError(
            value=limits.value, low95=limits.low95, high95=limits.high95, shared=limits.shared, grows=grows
        )
        return replace(estimate, limits=own)
    return estimate


def growth_of(name: str) -> Scale | None:
    """The scale on which the error of a metric is about the same everywhere, from its range; None where none is known."""
    spec = spec_of(METRICS, name)
    # A Brier score has a largest value, but lies so far below it that its error grows as that of other losses does.
    if name == "brier_score" or spec.range == (0.0, None):
        return "log"
    if spec.range == (0.0, 1.0) and spec.better == "higher":
        return next((scale for words, scale in AREAS.items() if words in name), "arcsine")
    return "complement" if spec.range == (None, 1.0) else None
