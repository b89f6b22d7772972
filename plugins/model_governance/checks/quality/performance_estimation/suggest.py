"""What `policy init` proposes for `performance_estimation`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.quality.performance_estimation.params import MINIMUM_ROWS
from model_governance.contract.check import Suggestion
from model_governance.errors import GovernanceError

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns, Model, Task

MAX_CLASSES = 20  # more distinct whole numbers are taken for a regression's target
MOST_ROWS = 50_000
ABOVE_GUESSING = 0.05
RARE = 0.05
"""Share of a class up to which an error rate of a few points says nothing about it."""
OUTSIDE = {"metric": "outside_reference_share", "less_than": 0.1, "severity": "warn"}
PURPOSE = (
    "With an estimate beside it, drift need not fail a run: give the thresholds of data_drift severity warn and let "
    "the estimated loss decide. It cannot see a change of what rows mean (concept drift), so keep model_quality for "
    "the day the labels arrive."
)


def suggest(
    reference: pd.DataFrame, columns: Columns, *, task: Task | None = None, model: Model | None = None
) -> Suggestion:
    """Propose a floor on the estimate from the labels of the reference, and a limit on the estimated loss.

    Args:
        reference: Rows of the reference, shape (n, d).
        columns: The columns of the policy.
        task: What the model predicts; guessed from the labels where it is None.
        model: The loaded model; one that hardly beats guessing gets no floor that asks it to.
    """
    target = columns.target
    if target is None or target not in reference.columns or not reference[target].notna().any():
        return Suggestion(
            thresholds=(OUTSIDE,),
            comment="The reference holds no labels, and the estimate is learned from them: give one that does.",
        )
    labels = reference[target].dropna()
    if len(labels) < max(MINIMUM_ROWS, len(reference)):
        return Suggestion(
            comment=f"The estimate is learned from {MINIMUM_ROWS} reference rows or more, all of them labelled. There are "
            f"{len(reference):,} rows and {len(labels):,} labels: add the check when that is so."
        )
    is_regression = not _looks_like_classes(labels) if task is None else task == "regression"
    if is_regression:
        return _for_regression(labels)
    is_binary = labels.nunique() == 2 if task is None else task == "binary_classification"
    reached = _accuracy(reference.loc[labels.index], labels, columns, model)
    return _for_classification(labels, reached=reached, is_binary=is_binary)


def _accuracy(rows: pd.DataFrame, labels: pd.Series, columns: Columns, model: Model | None) -> float | None:
    """Share of labelled rows that the model gets right; None where it cannot be asked."""
    if model is None:
        return None
    rows, labels = rows.iloc[:MOST_ROWS], labels.iloc[:MOST_ROWS]
    try:
        return float((model.predict(rows[list(columns.names)]) == labels.to_numpy()).mean())
    except GovernanceError:
        return None


def _for_classification(labels: pd.Series, *, reached: float | None, is_binary: bool) -> Suggestion:
    shares = labels.value_counts(normalize=True)
    majority, rarest = round(float(shares.iloc[0]), 3), float(shares.iloc[-1])
    increase = 0.02 if rarest > RARE else float(f"{rarest / 4:.2g}")
    thresholds: list[dict[str, Any]] = [
        {"metric": "estimated_loss_increase", "less_than": increase},
        OUTSIDE,
        {"metric": "reference_calibration_error", "less_than": 0.05, "severity": "warn"},
    ]
    comment = "Two more errors in a hundred rows than on the reference fail the run."
    if rarest <= RARE:
        comment = (
            f"The rarest class is {rarest:.2%} of the rows: the error rate may rise by a quarter of that, because two in a "
            "hundred could never be exceeded."
        )
        if is_binary:
            thresholds.insert(1, {"metric": "estimated_recall_change", "geq_to": -0.1})
            comment += " Recall, which sees the rare class, may fall by ten points."
    if majority <= 0.8 and (reached is None or reached > majority + ABOVE_GUESSING):
        thresholds.insert(0, {"metric": "estimated_accuracy", "greater_than": majority})
        comment = f"The estimate must beat always naming the largest class ({majority:.1%}). " + comment
    return Suggestion(thresholds=tuple(thresholds), comment=f"{comment} {PURPOSE}")


def _for_regression(labels: pd.Series) -> Suggestion:
    deviation = float(labels.astype(float).std(ddof=0))
    increase = {"metric": "estimated_loss_increase", "less_than": float(f"{0.05 * deviation:.3g}") or 1e-12}
    comment = f"The mean absolute error may grow by a twentieth of the target's standard deviation ({deviation:.4g})."
    return Suggestion(thresholds=(increase, OUTSIDE), comment=f"{comment} {PURPOSE}")


def _looks_like_classes(labels: pd.Series) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not is_numeric_dtype(labels) or is_bool_dtype(labels):
        return True
    return bool((labels.astype(float) % 1 == 0).all()) and labels.nunique() <= MAX_CLASSES
