"""Data drift: do tonight's rows and predictions look like the reference? Evidently's distances, column by column."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from model_governance.check import Check, CheckResult, MetricSpec, Plant, Suggestion, Table
from model_governance.checks.data_drift.distances import DISTANCES, DriftParams
from model_governance.checks.data_drift.evidently_report import Comparison, compare
from model_governance.checks.data_drift.pictures import draw_distributions, draw_scores
from model_governance.checks.data_drift.predictions import predictions
from model_governance.checks.data_drift.sides import CATEGORY_KINDS, SIDES, prepare
from model_governance.errors import CheckError
from model_governance.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.check import Metric
    from model_governance.checks.data_drift.pictures import Scored
    from model_governance.checks.data_drift.sides import Column
    from model_governance.subject import Columns, Role, Subject

__all__ = ["CHECK", "DriftParams", "measure"]

MOST_TOLD = 5
FEW_ROWS = 1000


def measure(subject: Subject, params: DriftParams, seed: int) -> CheckResult:
    """Compare current with reference: every chosen feature, and the model's predictions.

    Raises:
        SubjectError: a dataset has no rows, lacks a feature, or a feature holds no value.
        CheckError: a column cannot be compared (numbers that arrive as text, only infinities).
        ModelMisbehaved: the model fails on the reference.
    """
    columns, notes = _choose(subject, params)
    whole = prepare(subject, columns)
    rows, sampled = _rows(subject, params, seed)
    cut = [one.cut(rows) for one in whole]
    prediction, trouble = predictions(subject, rows)
    comparisons = [_comparison(one, params, subject.columns.features[one.name].kind) for one in cut]
    if prediction is not None:
        comparisons.append(_comparison(prediction, params, None))
    compared = compare(comparisons, seed=seed)
    scored = list(zip(comparisons, compared.scores, strict=True))
    features = scored[: len(cut)]
    n = min(len(one) for one in rows.values())
    return CheckResult(
        kind=CHECK.kind,
        seed=seed,
        metrics=(
            *_drift_metrics(features, n=n),
            _prediction_metric(scored[len(cut) :], trouble, n=n),
            *_quality_metrics(whole, n=min(subject.datasets[role].rows for role in SIDES)),
        ),
        tables=(_table(scored),),
        artifacts=(draw_scores(scored), draw_distributions(scored), *compared.artifacts),
        notes=(
            *notes,
            *sampled,
            *_warnings(features, n),
            *([f"prediction drift is absent: {trouble}"] if trouble else []),
        ),
        tools={name: version(name) for name in ("evidently", "pandas", "numpy", "scipy")},
    )


def _choose(subject: Subject, params: DriftParams) -> tuple[tuple[str, ...], list[str]]:
    """The features to compare, and a note on those that no distance here fits."""
    features = subject.columns.features
    comparable = {name for name, one in features.items() if one.kind in NUMBER_KINDS | CATEGORY_KINDS}
    unknown = [name for name in (*(params.columns or ()), *params.methods) if name not in features]
    if unknown:
        raise CheckError(
            f"columns and methods name {', '.join(unknown)}; the policy's features are {', '.join(features)}"
        )
    if params.columns is not None:
        odd = [f"{name} ({features[name].kind})" for name in params.columns if name not in comparable]
        if odd:
            raise CheckError(
                f"no distance compares {', '.join(odd)}; name numeric, integer, category or boolean columns"
            )
        return tuple(dict.fromkeys(params.columns)), []
    left_out = [f"{name} ({one.kind})" for name, one in features.items() if name not in comparable]
    if not comparable:
        raise CheckError(f"no feature can be compared: {', '.join(left_out)}; this check needs numbers or categories")
    notes = [f"not compared, because no distance fits their kind: {', '.join(left_out)}"] if left_out else []
    return tuple(name for name in features if name in comparable), notes


def _rows(subject: Subject, params: DriftParams, seed: int) -> tuple[dict[Role, np.ndarray], list[str]]:
    """Row numbers to compute distances on: all, or a seeded sample without replacement, in order."""
    import numpy as np

    rows: dict[Role, np.ndarray] = {}
    notes = []
    for number, role in enumerate(SIDES):
        count = subject.datasets[role].rows
        if count <= params.sample:
            rows[role] = np.arange(count)
            continue
        drawn = np.random.default_rng([seed, number]).choice(count, size=params.sample, replace=False)
        rows[role] = np.sort(drawn)
        notes.append(
            f"distances use a seeded sample of {params.sample:,} of {count:,} rows of {role}; shares use all rows"
        )
    return rows, notes


def _comparison(column: Column, params: DriftParams, kind: str | None) -> Comparison:
    method = params.prediction_method if kind is None else params.method_for(column.name, kind)
    if column.family not in DISTANCES[method]:
        fitting = ", ".join(name for name, families in DISTANCES.items() if column.family in families)
        field = "prediction_method" if kind is None else f"methods.{column.name}"
        raise CheckError(f"{field}: {method} does not compare {column.family}; there are {fitting}")
    return Comparison(column=column, method=method, limit=params.limit_for(method))


def _drift_metrics(scored: Sequence[Scored], *, n: int) -> list[Metric]:
    drifted = [one.column.name for one, score in scored if score >= one.limit]
    told = ", ".join(drifted[:MOST_TOLD]) + (
        f" and {len(drifted) - MOST_TOLD} more" if len(drifted) > MOST_TOLD else ""
    )
    share = f"{len(drifted)} of {len(scored)} columns" + (f": {told}" if told else "")
    metrics = [
        CHECK.metric("drift_share", len(drifted) / len(scored), n=n, detail=share),
        CHECK.metric("drifted_columns", len(drifted), n=n, detail=told),
    ]
    for method in ("psi", "jensenshannon", "wasserstein"):
        using = [(score, one.column.name) for one, score in scored if one.method == method]
        if using:
            score, name = max(using, key=lambda pair: pair[0])
            metrics.append(CHECK.metric(f"{method}_max", score, n=n, detail=f"largest at {name}"))
        else:
            metrics.append(CHECK.metric(f"{method}_max", None, n=n, reason=f"no column uses {method}"))
    hidden = [one.column.name for one, score in scored if score < one.limit and one.column.stretched]
    metrics.append(CHECK.metric("blinded_columns", len(hidden), n=n, detail=", ".join(hidden)))
    metrics.extend(
        CHECK.metric("drift_score", score, n=n, of=one.column.name, detail=one.method) for one, score in scored
    )
    return metrics


def _prediction_metric(scored: Sequence[Scored], trouble: str, *, n: int) -> Metric:
    if not scored:
        return CHECK.metric("prediction_drift", None, n=n, reason=trouble)
    ((one, score),) = scored
    return CHECK.metric("prediction_drift", score, n=n, detail=one.method)


def _quality_metrics(columns: Sequence[Column], *, n: int) -> list[Metric]:
    """What distances do not see: missing, infinite and never seen values, over all rows."""

    def largest(metric: str, value: Callable[[Column], float]) -> Metric:
        worst = max(columns, key=value)
        return CHECK.metric(metric, value(worst), n=n, detail=f"largest at {worst.name}" if value(worst) > 0 else "")

    metrics = [
        largest("missing_increase_max", lambda one: one.missing_increase),
        largest("nonfinite_share", lambda one: one.infinite),
        largest("new_category_share_max", lambda one: one.unseen),
    ]
    metrics.extend(CHECK.metric("missing_increase", one.missing_increase, n=n, of=one.name) for one in columns)
    return metrics


def _warnings(scored: Sequence[Scored], n: int) -> list[str]:
    notes = []
    if n < FEW_ROWS:
        notes.append(f"{n:,} rows on the smaller side: below {FEW_ROWS:,} every distance is also moved by chance")
    hidden = [one.column.name for one, score in scored if score < one.limit and one.column.stretched]
    if hidden:
        notes.append(f"extreme values stretch the bins of {', '.join(hidden)}: a low score there proves nothing")
    return notes


def _table(scored: Sequence[Scored]) -> Table:
    header = (
        "column", "method", "score", "counts as drifted", "missing in reference", "missing in current", "infinite in current",
        "new categories in current",
    )  # fmt: skip
    rows = tuple(
        (
            one.column.name, one.method, score, f"yes (from {one.limit:g})" if score >= one.limit else "no",
            one.column.missing_reference, one.column.missing_current, one.column.infinite, one.column.unseen,
        )
        for one, score in scored
    )  # fmt: skip
    return Table(name="columns", title="Columns", header=header, rows=rows)


def suggest(reference: pd.DataFrame, columns: Columns) -> Suggestion:
    """Usual starting values, the same for every model until nights without incident have calibrated them."""
    categories = columns.of_kind(*CATEGORY_KINDS)
    thresholds: list[dict[str, Any]] = [
        {"metric": "psi_max", "less_than": 0.2, "severity": "error"},
        {"metric": "psi_max", "less_than": 0.1, "severity": "warn"},
        {"metric": "drift_share", "less_than": 0.3, "severity": "error"},
        {"metric": "prediction_drift", "less_than": 0.1, "severity": "warn"},
        {"metric": "missing_increase_max", "less_than": 0.05, "severity": "error"},
        {"metric": "nonfinite_share", "equal_to": 0, "severity": "error"},
        {"metric": "blinded_columns", "equal_to": 0, "severity": "warn"},
    ]
    if categories:
        thresholds.append({"metric": "new_category_share_max", "less_than": 0.01, "severity": "warn"})
    few = (
        f" The reference has only {len(reference):,} rows: scores will also move by chance."
        if len(reference) < FEW_ROWS
        else ""
    )
    return Suggestion(
        params={"numeric_method": "psi", "categorical_method": "psi", "prediction_method": "psi"},
        thresholds=thresholds,
        comment=(
            "Starting values to be calibrated on nights without incident: PSI of 0.1 and 0.2 are the customary bounds of a "
            f"moderate and a large shift, the others are chosen cautiously.{few}"
        ),
    )


def _change_unit(subject: Subject) -> Subject:
    frame = subject.frame("current")
    numbers = list(subject.columns.of_kind(*NUMBER_KINDS))
    frame[numbers] = frame[numbers] * 12
    return subject.with_frame("current", frame)


def _spec(name: str, meaning: str, *, unit: str = "", per: str | None = None) -> MetricSpec:
    return MetricSpec(name=name, meaning=meaning, better="lower", unit=unit, per=per)


CHECK = Check(
    kind="data_drift",
    title="Data drift",
    question="Do tonight's rows and predictions look like the reference?",
    params=DriftParams,
    metrics=(
        _spec(
            "drift_share",
            "Share of the compared columns whose distribution moved further than the policy lets count, 0 to 1.",
        ),
        _spec("drifted_columns", "Number of columns behind drift_share.", unit="columns"),
        _spec(
            "psi_max",
            "Largest population stability index of a column: 0 means the same mix of values as in the reference; "
            "0.1 is customarily called a moderate shift, 0.2 a large one.",
        ),
        _spec(
            "jensenshannon_max",
            "Largest Jensen-Shannon distance of a column: 0 means the same mix of values, 0.83 nothing in common.",
        ),
        _spec(
            "wasserstein_max",
            "Largest distance by which a number's values moved on average, in standard deviations of the reference.",
        ),
        _spec(
            "blinded_columns",
            "Numeric columns in which a few extreme values stretch the comparison so far that an ordinary shift would not "
            "show; a low score there proves nothing.",
            unit="columns",
        ),
        _spec(
            "drift_score",
            "How far one column's values moved from the reference, by the distance named beside it.",
            per="column",
        ),
        _spec(
            "prediction_drift",
            "How far the model's answers moved from its answers on the reference: decisions change even if no single column did.",
        ),
        _spec(
            "missing_increase_max",
            "Largest increase of the share of missing values in a column, compared with the reference.",
        ),
        _spec(
            "nonfinite_share",
            "Largest share of infinite values in a numeric column tonight; they are left out of the distances.",
        ),
        _spec(
            "new_category_share_max",
            "Largest share of tonight's rows that hold a category the reference never had, so the model has not learnt it.",
        ),
        _spec(
            "missing_increase",
            "Share of missing values in one column tonight, less its share in the reference.",
            per="column",
        ),
    ),
    roles=("reference", "current"),
    needs_model=True,
    measure=measure,
    suggest=suggest,
    plant=Plant(
        description="Every number of the night arrives in another unit, twelve times as large (years sent as months).",
        threshold={"metric": "psi_max", "less_than": 0.5, "severity": "error"},
        apply=_change_unit,
    ),
)
