"""The metrics of data validation."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, SHARE_CHANGE, MetricSpec

METRICS: tuple[MetricSpec, ...] = (
    MetricSpec(
        name="critical_failures", better="lower", range=NOT_NEGATIVE, unit="expectations",
        meaning="Expectations of severity critical that are not met: the model must not be given these rows.",
    ),
    MetricSpec(
        name="warning_failures", better="lower", range=NOT_NEGATIVE, unit="expectations",
        meaning="Expectations of severity warning that are not met: somebody should look at them, the model may run.",
    ),
    MetricSpec(
        name="info_failures", better="lower", range=NOT_NEGATIVE, unit="expectations",
        meaning="Expectations of severity info that are not met: recorded for information only.",
    ),
    MetricSpec(
        name="expectations", better="neither", range=NOT_NEGATIVE, unit="expectations",
        meaning="Evaluated expectations; every one of the policy, none dropped.",
    ),
    MetricSpec(
        name="success_share", title="expectations that hold", better="higher", range=SHARE, unit="share", meaning="Share of the expectations that the rows meet, from 0 to 1."
    ),
    MetricSpec(name="rows", better="neither", range=NOT_NEGATIVE, unit="rows", meaning="Validated rows, without sampling."),
    MetricSpec(
        name="unexpected_share", title="rows that do not meet an expectation", better="lower", range=SHARE, unit="share", per="expectation",
        meaning="Share of the examined rows (those with a value) that do not meet one expectation, from 0 to 1.",
    ),
    MetricSpec(
        name="duplicate_share", title="repeated rows", better="lower", range=SHARE, unit="share",
        meaning="Share of the current rows that repeat an earlier one in every feature, from 0 to 1; identifiers do not count.",
    ),
    MetricSpec(
        name="duplicate_share_increase", title="increase of repeated rows", better="lower", range=SHARE_CHANGE, unit="share",
        meaning="Share of repeated rows less that of the reference, both among as many rows as the smaller dataset has.",
    ),
    MetricSpec(
        name="missing_moment_share", better="lower", range=SHARE, unit="share",
        meaning="Share of the moments of a regular time axis (columns.time) that no row has, from 0 to 1.",
    ),
    MetricSpec(
        name="missing_moment_share_increase", better="lower", range=SHARE_CHANGE, unit="share",
        meaning="Share of missing moments less that of the reference.",
    ),
    MetricSpec(
        name="lag_mismatch_share", better="lower", range=SHARE, unit="share",
        meaning="Share of the values of lagged columns that differ from what they repeat, by the lags that hold in the reference.",
    ),
)  # fmt: skip
