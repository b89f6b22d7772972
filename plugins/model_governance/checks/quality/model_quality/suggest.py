"""What `policy init` proposes for `model_quality`: bounds that the model reaches on the reference, and allowed losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.quality.model_quality.params import QualityParams
from model_governance.checks.quality.model_quality.reference_bounds import (
    band_of,
    ceiling_of,
    floor_of,
    quality_on_reference,
    told,
)  # fmt: skip
from model_governance.checks.quality.model_quality.suggest_params import (
    MAX_CLASSES,
    forecasting_params,
    ranking_params,
)  # fmt: skip
from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.checks.quality.model_quality.reference_bounds import Measured
    from model_governance.contract.subject import Columns, Model, Task

    Thresholds = list[dict[str, Any]]

RARE_EVENTS = 0.8  # share of the largest class from which on accuracy says little
COVERAGE = {"metric": "label_coverage", "geq_to": 0.9, "severity": "warn"}
WORSE_THAN_NAIVE = 1.0
SPARE_ERROR = 0.5
"""Share by which the error of a forecast may grow at least: years differ more than an interval within one year shows."""
SPARE_COVERAGE = 0.1


def suggest(
    reference: pd.DataFrame, columns: Columns, *, task: Task | None = None, model: Model | None = None
) -> Suggestion:
    """Propose thresholds from what the model reaches on the reference, else from the labels of the reference.

    Args:
        reference: Rows of the reference, shape (n, d).
        columns: The columns of the policy.
        task: What the model predicts; guessed from the labels where it is None.
        model: The loaded model; asked for the labelled rows where it is given.
    """
    target = columns.target
    if target is None or target not in reference.columns or not reference[target].notna().any():
        return Suggestion(
            thresholds=(COVERAGE,),
            comment="The reference holds no labels, so no quality was suggested: add thresholds for your task.",
        )
    labelled = reference[reference[target].notna()]
    labels = labelled[target]
    task = task or _guessed_task(labelled, labels, columns)
    params: dict[str, Any] = {}
    if task == "ranking":
        params = ranking_params(labelled, columns)
    if task == "forecasting":
        params = forecasting_params(labelled, columns)
    measured, obstacle = quality_on_reference(
        labelled, columns, task=task, model=model, params=QualityParams.model_validate(params)
    )
    note = "" if model is None or not obstacle else f" Not measured: {obstacle}."
    if task == "ranking":
        thresholds, comment = _for_ranking(labelled, columns, measured, top_k=params["top_k"])
    elif task == "forecasting":
        thresholds, comment = _for_forecasting(measured, params)
    elif task == "regression":
        thresholds, comment = _for_regression(labels, measured)
    else:
        thresholds, comment = _for_classification(labels, measured, is_binary=task == "binary_classification")
    return Suggestion(params=params, thresholds=(*thresholds, COVERAGE), comment=comment + note)


def _for_classification(labels: pd.Series, measured: Measured, *, is_binary: bool) -> tuple[Thresholds, str]:
    majority = float(labels.value_counts(normalize=True).iloc[0])
    is_rare = majority > RARE_EVENTS
    names = ["average_precision", "recall"] if is_rare else ["accuracy", "roc_auc"]
    names = names if is_binary else ["roc_auc_ovr"] if is_rare else ["accuracy", "roc_auc_ovr"]
    thresholds, reasons = _floors(measured, [*names, "balanced_accuracy"])
    if not measured:
        thresholds, reasons = _floors_by_labels(labels, majority=majority, is_binary=is_binary)
    band = _flagged_share(measured, labels) if is_rare and is_binary else None
    if band is not None:
        thresholds.append({"metric": "predicted_positive_share", "between": band})
        reasons.append("The flagged share (predicted_positive_share) may halve or double.")
    if is_rare:
        reasons.append(
            f"The largest class holds {majority:.1%} of the reference: no floor on accuracy, which a model that finds "
            "the rare class may well miss."
        )
    thresholds += [
        {"metric": "balanced_accuracy", "min_absolute_change": -0.02},
        {"metric": "recall" if is_binary else "recall_macro", "min_absolute_change": -0.05, "severity": "warn"},
    ]
    reasons.append("Losses of 2 and 5 points against the approved run are starts: set them to what errors cost.")
    return thresholds, " ".join(reasons)


def _floors(measured: Measured, names: list[str]) -> tuple[Thresholds, list[str]]:
    found = {name: bound for name in names if (bound := floor_of(measured, name)) is not None}
    reasons = [f"On the reference: {told(measured, *found)}; the floors lie two half intervals below."] if found else []
    return [{"metric": name, "geq_to": bound} for name, bound in found.items()], reasons


def _floors_by_labels(labels: pd.Series, *, majority: float, is_binary: bool) -> tuple[Thresholds, list[str]]:
    """Better than guessing, which is all that labels alone can say."""
    count = max(2, labels.nunique())
    thresholds: Thresholds = [{"metric": "balanced_accuracy", "greater_than": round(1 / count, 3)}]
    reasons = [f"Recall averaged over {count} classes must beat guessing."]
    if majority <= RARE_EVENTS:
        thresholds.insert(0, {"metric": "accuracy", "greater_than": round(majority, 3)})
        reasons.append(f"Accuracy must beat always naming the largest class of the reference ({majority:.1%}).")
    elif is_binary:
        prevalence = round(1 - majority, 4)
        thresholds.insert(0, {"metric": "average_precision", "greater_than": prevalence, "severity": "warn"})
        reasons.append(
            f"Average precision must beat the share of the rarer label ({prevalence:.2%} of {len(labels):,})."
        )
    return thresholds, reasons


def _flagged_share(measured: Measured, labels: pd.Series) -> list[float] | None:
    metric = measured.get(("predicted_positive_share", None))
    share = float(metric.value) if metric is not None and metric.value is not None else 0.0
    if not 0 < share * len(labels) < len(labels):
        return None
    below, above = band_of(measured, "predicted_positive_share", spare=share / 2) or (0.0, 1.0)
    return [below, min(1.0, max(above, round(2 * share, 4)))]


def _for_regression(labels: pd.Series, measured: Measured) -> tuple[Thresholds, str]:
    deviation = float(labels.astype(float).std(ddof=0))
    bias = 0.1 * deviation
    thresholds: Thresholds = [{"metric": "r2", "greater_than": 0.0}]
    reasons = ["r2 above 0 means better than always predicting the mean."]
    if measured:
        thresholds, reasons = _floors(measured, ["r2"])
        ceilings = {name: bound for name in ("mae", "rmse") if (bound := ceiling_of(measured, name)) is not None}
        thresholds += [{"metric": name, "leq_to": bound} for name, bound in ceilings.items()]
        reasons.append(f"{told(measured, *ceilings)} there; two half intervals more are allowed.".capitalize())
        metric = measured.get(("bias", None))
        if metric is not None and metric.value is not None and metric.high is not None:
            bias = max(bias, abs(float(metric.value)) + 4 * float(metric.high - metric.value))
    bias = float(f"{bias:.3g}")
    if bias > 0:
        thresholds.append({"metric": "bias", "between": [-bias, bias], "severity": "warn"})
        reasons.append(
            f"The mean error may reach {bias:g} (the target's standard deviation in the reference is {deviation:.4g})."
        )
    thresholds.append({"metric": "rmse", "min_relative_change": -0.1})
    reasons.append("The RMSE may grow by 10% against the approved run: a start, set it to what an error costs.")
    return thresholds, " ".join(reasons)


def _for_ranking(
    reference: pd.DataFrame, columns: Columns, measured: Measured, *, top_k: int
) -> tuple[Thresholds, str]:
    thresholds, reasons = _floors(measured, ["ndcg", "hit_rate"])
    coverage = measured.get(("catalogue_coverage", None))
    if coverage is not None and coverage.value:
        half = float(f"{float(coverage.value) / 2:.2g}")
        thresholds.append({"metric": "catalogue_coverage", "geq_to": half, "severity": "warn"})
        reasons.append(
            f"Half of the share of the catalogue that the reference shows ({float(coverage.value):.3g}) warns."
        )
    if not any(threshold["metric"] == "ndcg" for threshold in thresholds):
        floor = _random_ndcg(reference, columns, top_k=top_k)
        thresholds.insert(0, {"metric": "ndcg", "greater_than": floor})
        reasons.append(
            f"A random order of the reference reaches an NDCG of {floor:.3g} at {top_k}; a model must beat it."
        )
    thresholds += [
        {"metric": "ndcg", "min_absolute_change": -0.02},
        {"metric": "hit_rate", "min_absolute_change": -0.05, "severity": "warn"},
    ]
    reasons.append("Losses against the approved run are starts.")
    return thresholds, " ".join(reasons)


def _random_ndcg(reference: pd.DataFrame, columns: Columns, *, top_k: int) -> float:
    """NDCG of equal scores, the mean over all orders: the value of a model without information."""
    import numpy as np

    from model_governance.checks.quality.model_quality.ranking import score_groups

    if columns.group is None or columns.group not in reference.columns:
        return 0.0
    relevance = np.maximum(reference[str(columns.target)].to_numpy(dtype=np.float64), 0.0)
    ndcg = score_groups(reference[columns.group].to_numpy(), np.zeros(len(relevance)), relevance, top_k=top_k).ndcg
    return min(0.999, round(float(ndcg.mean()), 3)) if len(ndcg) else 0.0


def _for_forecasting(measured: Measured, params: dict[str, Any]) -> tuple[Thresholds, str]:
    thresholds: Thresholds = []
    naive = "MASE below 1 means better than repeating the value of a season before"
    bound = ceiling_of(measured, "mase", spare=SPARE_ERROR)
    if bound is None:
        thresholds.append({"metric": "mase", "less_than": WORSE_THAN_NAIVE})
        reasons = [f"{naive}."]
    else:
        thresholds.append({"metric": "mase", "leq_to": bound})
        reasons = [
            f"{naive}; on the reference: {told(measured, 'mase')}, and {SPARE_ERROR:.0%} more are allowed at least."
        ]
    thresholds.append({"metric": "mase", "min_relative_change": -0.1})
    for (name, key), metric in measured.items():
        if name == "pinball_loss":
            thresholds.append(
                {"metric": name, "key": key, "leq_to": ceiling_of(measured, name, key, spare=SPARE_ERROR)}
            )
        if name == "interval_coverage" and (band := band_of(measured, name, key, spare=SPARE_COVERAGE)):
            thresholds.append({"metric": name, "key": key, "between": band})
            reasons.append(f"The interval {key} covers {metric.formatted} of the reference.")
    if not params.get("quantile_columns"):
        reasons.append(
            "Publish quantile forecasts as columns and name them in quantile_columns ({0.1: q10, 0.9: q90}) to judge "
            "pinball_loss and interval_coverage."
        )
    reasons.append(
        f"season_length {params['season_length']} is the rows of a season by the spacing of the moments. The loss of 10% "
        "against the approved run is a start."
    )
    return thresholds, " ".join(reasons)


def _guessed_task(reference: pd.DataFrame, labels: pd.Series, columns: Columns) -> Task:
    if _looks_like_series(reference, labels, columns):
        return "forecasting"
    if columns.group is not None and columns.group in reference.columns and _is_number(labels):
        return "ranking"
    if not _looks_like_classes(labels):
        return "regression"
    return "binary_classification" if labels.nunique() == 2 else "multiclass_classification"


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
