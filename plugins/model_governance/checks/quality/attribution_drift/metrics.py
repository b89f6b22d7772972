"""Metrics of `attribution_drift`, the names that its thresholds may use."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, MetricSpec

METRICS = (
    MetricSpec(
        name="attribution_ndcg",
        title="agreement of what the model relies on (nDCG)",
        meaning="how well current keeps the reference's order of features, as normalised discounted cumulative gain "
        "of the reference's attributions; 1 is the same order",
        better="higher",
        range=SHARE,
    ),
    MetricSpec(
        name="attribution",
        title="what the model relies on",
        meaning="mean absolute change of the answer on current when the feature takes values of the reference",
        better="neither",
        range=NOT_NEGATIVE,
        unit="of the answer",
        per="column",
    ),
    MetricSpec(
        name="attribution_change",
        meaning="attribution on current minus attribution on the reference",
        better="neither",
        unit="of the answer",
        per="column",
    ),
)
