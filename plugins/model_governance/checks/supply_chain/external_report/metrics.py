"""The metrics of `external_report`: shares with exact intervals, counts, and values as the other tool computed them."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, MetricSpec

METRICS = (
    MetricSpec(
        name="failed_share", title="share of items that failed", better="lower", range=SHARE, unit="share", per="category",
        meaning="share of the decided attempts of a category (probe, plugin, suite) that failed, with its exact interval",
    ),
    MetricSpec(
        name="failed_items", better="lower", range=NOT_NEGATIVE, meaning="items with at least one failed attempt",
    ),
    MetricSpec(
        name="skipped_attempts", better="lower", range=NOT_NEGATIVE,
        meaning="attempts that the tool counted and did not decide: skipped, not answered, not judged",
    ),
    MetricSpec(
        name="findings", better="lower", range=NOT_NEGATIVE, per="severity",
        meaning="findings of a severity, in the tool's own words",
    ),
    MetricSpec(name="items", better="higher", range=NOT_NEGATIVE, meaning="items and values that the report holds"),
    MetricSpec(
        name="reported_value", better="neither", per="name",
        meaning="a number that the tool computed itself; with an interval only where it is a share of counted rows",
    ),
)  # fmt: skip
