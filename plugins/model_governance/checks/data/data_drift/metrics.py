"""The metrics of data drift: one value per column of each distance, and shares of columns."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, SHARE_CHANGE, MetricSpec, Range

TITLES = {
    "drift_share": "share of columns that drifted",
    "prediction_drift": "drift of the predictions",
    "psi": "drift (PSI)",
    "ks": "drift (Kolmogorov-Smirnov)",
    "jensenshannon": "drift (Jensen-Shannon)",
    "total_variation": "drift (total variation)",
    "wasserstein": "drift (Wasserstein)",
    "equal_width_psi": "drift (PSI over equal-width bins)",
    "consecutive_psi": "drift since the run before (PSI)",
    "joint_drift_auc": "joint drift (ROC AUC)",
    "missing_increase": "increase of missing values",
    "nonfinite_share": "infinite values",
    "new_category_share": "values never seen before",
    "out_of_range_share": "values outside the reference",
    "category_share_ratio": "growth of a category",
}


def _spec(
    name: str, meaning: str, *, unit: str = "", per: str | None = None, within: Range = NOT_NEGATIVE
) -> MetricSpec:
    return MetricSpec(
        name=name, meaning=meaning, better="lower", unit=unit, per=per, range=within, title=TITLES.get(name, "")
    )


PSI_RANGE: Range = (0.0, 100.0)
"""Half a row is added to every cell, so that the logarithm of a ratio of shares stays below 50 for any table there is."""
PSI = "population stability index over 10 quantile bins frozen with the reference, corrected for chance"

OVERALL = (
    _spec(
        "drift_share",
        "Share of the compared columns that drifted, 0 to 1: the effect reaches its limit and there is evidence for it.",
        within=SHARE,
        unit="share",
    ),
    _spec("drifted_columns", "Number of columns behind drift_share.", unit="columns"),
    _spec(
        "blinded_columns",
        "Numeric columns in which extreme values blind Evidently's equal-width bins; the verdict's own bins are not blinded.",
        unit="columns",
    ),
    _spec(
        "prediction_drift",
        "How far the model's predictions moved from its predictions on the reference, even if no single column moved.",
        within=PSI_RANGE,
    ),
    _spec(
        "joint_drift_auc",
        "ROC AUC of a classifier that tells current from reference rows it was not trained on: 0.5 no difference, 1 all told apart.",
        within=SHARE,
    ),
    MetricSpec(
        name="flagged_share",
        title="flagged rows",
        better="neither",
        range=SHARE,
        unit="share",
        meaning="Share of the current rows that the model flags: the positive class reaches the decision threshold, 0 to 1.",
    ),
    MetricSpec(
        name="flagged_share_increase",
        title="increase of flagged rows",
        better="neither",
        range=SHARE_CHANGE,
        unit="share",
        meaning="Share of current rows that the model flags, less the share of reference rows that it flags.",
    ),
    MetricSpec(
        name="flagged_share_ratio",
        title="flagged rows, times those of the reference",
        better="neither",
        range=NOT_NEGATIVE,
        meaning="Share of current rows that the model flags, divided by that of the reference: 1 no change, 2 twice as many.",
    ),
)

PER_COLUMN = (
    _spec(
        "drift_score",
        "The distance of one column that counts in drift_share, named beside it.",
        per="column",
        within=PSI_RANGE,
    ),
    _spec(
        "psi",
        f"One column's {PSI}: 0 means the same mix of values as in the reference.",
        per="column",
        within=PSI_RANGE,
    ),
    _spec(
        "ks",
        "Kolmogorov-Smirnov distance of one column of numbers, over all values: the largest gap between the cumulative "
        "shares, 0 to 1.",
        per="column",
        within=SHARE,
    ),
    _spec(
        "jensenshannon",
        "Jensen-Shannon distance of one column, over the cells of its PSI: 0 the same mix of values, 0.83 nothing in common.",
        per="column",
        within=(0.0, 0.84),
    ),
    _spec(
        "total_variation",
        "Total variation of one column, over the cells of its PSI, corrected for chance: the share of rows that would "
        "have to change cell to restore the reference, 0 to 1.",
        per="column",
        within=SHARE,
    ),
    _spec("wasserstein", "Mean distance that one column's values moved, in robust standard deviations.", per="column"),
    _spec(
        "equal_width_psi",
        "PSI by Evidently's definition: equal-width bins, not corrected. Shown, never decisive.",
        per="column",
        within=PSI_RANGE,
    ),
    _spec(
        "consecutive_psi",
        "Population stability index of one column against the last accepted run.",
        per="column",
        within=PSI_RANGE,
    ),
    _spec(
        "missing_increase",
        "Share of missing values in one column of the current data, less its share in the reference, -1 to 1.",
        per="column",
        within=SHARE_CHANGE,
        unit="share",
    ),
    _spec(
        "nonfinite_share",
        "Share of infinite values in one numeric column of the current data, 0 to 1; the distances exclude them.",
        per="column",
        within=SHARE,
        unit="share",
    ),
    _spec(
        "new_category_share",
        "Share of current rows that hold a category the reference never had, so the model has not learnt it, beyond the "
        "share that the reference's own rare categories predict (Good and Turing, 1953), -1 to 1.",
        per="column",
        within=SHARE_CHANGE,
        unit="share",
    ),
    _spec(
        "out_of_range_share",
        "Share of current rows that hold a number below the smallest or above the largest of the reference, beyond the share "
        "that two extreme values of so many rows predict, -1 to 1: a wrong unit or a placeholder in a few rows.",
        per="column",
        within=SHARE_CHANGE,
        unit="share",
    ),
    _spec(
        "category_share_ratio",
        "Largest factor by which the share of one category grew or shrank, over the 50 most frequent categories of a "
        "column: 1 no change, 3 three times as many rows or a third of them, however rare it is.",
        per="column",
        within=(1.0, None),
    ),
)

METRICS: tuple[MetricSpec, ...] = OVERALL + PER_COLUMN
