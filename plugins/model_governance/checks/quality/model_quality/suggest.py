"""What `policy init` proposes for `model_quality`: floors that the reference justifies, and allowed losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns

MAX_CLASSES = 20  # more distinct whole numbers are taken for a regression's target
RARE_EVENTS = 0.8  # share of the largest class from which on accuracy says little
TOP_K = 10
COVERAGE = {"metric": "label_coverage", "geq_to": 0.9, "severity": "warn"}


def suggest(reference: pd.DataFrame, columns: Columns) -> Suggestion:
    """Propose thresholds from the labels of the reference, without asking the model.

    Args:
        reference: Rows of the reference, shape (n, d).
        columns: The columns of the policy.
    """
    target = columns.target
    if target is None or target not in reference.columns or not reference[target].notna().any():
        return Suggestion(
            thresholds=(COVERAGE,),
            comment="The reference holds no labels, so no quality was suggested: add thresholds for your task.",
        )
    labels = reference[target].dropna()
    if _looks_like_series(reference.loc[labels.index], labels, columns):
        return _for_forecasting()
    if columns.group is not None and columns.group in reference.columns and _is_number(labels):
        return _for_ranking(reference.loc[labels.index], labels, columns.group)
    if _looks_like_classes(labels):
        return _for_classification(labels)
    return _for_regression(labels)


def _for_classification(labels: pd.Series) -> Suggestion:
    majority = float(labels.value_counts(normalize=True).iloc[0])
    count = labels.nunique()
    thresholds: list[dict[str, Any]] = [
        {"metric": "balanced_accuracy", "greater_than": round(1 / count, 3)},
        {"metric": "balanced_accuracy", "min_absolute_change": -0.02},
        {"metric": "recall" if count == 2 else "recall_macro", "min_absolute_change": -0.05, "severity": "warn"},
        COVERAGE,
    ]
    reasons = [f"Recall averaged over {count} classes must beat guessing."]
    if majority <= RARE_EVENTS:
        thresholds.insert(0, {"metric": "accuracy", "greater_than": round(majority, 3)})
        reasons.append(f"Accuracy must beat always naming the largest class of the reference ({majority:.1%}).")
    else:
        reasons.append(
            f"The largest class holds {majority:.1%} of the reference: no floor on accuracy, which a model that finds "
            "the rare class may well miss."
        )
    reasons.append("Losses of 2 and 5 points against the approved run are starts: set them to what errors cost.")
    return Suggestion(thresholds=tuple(thresholds), comment=" ".join(reasons))


def _for_regression(labels: pd.Series) -> Suggestion:
    deviation = float(labels.astype(float).std(ddof=0))
    bias = float(f"{0.1 * deviation:.3g}")
    thresholds: list[dict[str, Any]] = [{"metric": "r2", "greater_than": 0.0}]
    if bias > 0:
        thresholds.append({"metric": "bias", "between": [-bias, bias], "severity": "warn"})
    thresholds += [{"metric": "rmse", "min_relative_change": -0.1}, COVERAGE]
    comment = (
        "r2 above 0 means better than always predicting the mean. The mean error may reach a tenth of the target's "
        f"standard deviation in the reference ({deviation:.4g}), the RMSE may grow by 10% against the approved run: "
        "starts, set them to what an error costs."
    )
    return Suggestion(thresholds=tuple(thresholds), comment=comment)


def _for_ranking(reference: pd.DataFrame, labels: pd.Series, group: str) -> Suggestion:
    import numpy as np

    from model_governance.checks.quality.model_quality.ranking import score_groups

    relevance = np.maximum(labels.to_numpy(dtype=np.float64), 0.0)
    # Equal scores give the mean over all orders: the value of a model without information.
    random_order = score_groups(reference[group].to_numpy(), np.zeros(len(labels)), relevance, top_k=TOP_K).ndcg
    floor = round(float(random_order.mean()), 3) if len(random_order) else 0.0
    thresholds = (
        {"metric": "ndcg", "greater_than": floor},
        {"metric": "ndcg", "min_absolute_change": -0.02},
        {"metric": "hit_rate", "min_absolute_change": -0.05, "severity": "warn"},
        COVERAGE,
    )
    comment = (
        f"A random order of the reference reaches an NDCG of {floor:.3g} at {TOP_K}; a model must beat it. Losses "
        "against the approved run are starts."
    )
    return Suggestion(params={"top_k": TOP_K}, thresholds=thresholds, comment=comment)


def _for_forecasting() -> Suggestion:
    thresholds = (
        {"metric": "mase", "less_than": 1.0},
        {"metric": "mase", "min_relative_change": -0.1},
        COVERAGE,
    )
    comment = (
        "MASE below 1 means better than repeating the value of a season before: set season_length to the rows of a season "
        "(7 for days and weeks) and give the history in datasets.history. The loss of 10% against the approved run "
        "is a start."
    )
    return Suggestion(params={"season_length": 1}, thresholds=thresholds, comment=comment)


def _looks_like_series(reference: pd.DataFrame, labels: pd.Series, columns: Columns) -> bool:
    """Numbers with at most one row per moment in each series."""
    keys = [name for name in (columns.group, columns.time) if name is not None and name in reference.columns]
    if columns.time not in keys or columns.item is not None or _looks_like_classes(labels):
        return False
    return not bool(reference.duplicated(subset=keys).any())


def _looks_like_classes(labels: pd.Series) -> bool:
    if not _is_number(labels):
        return True
    whole = bool((labels.astype(float) % 1 == 0).all())
    return whole and labels.nunique() <= MAX_CLASSES


def _is_number(labels: pd.Series) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(labels) and not is_bool_dtype(labels))
