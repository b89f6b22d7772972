"""Data drift: do tonight's rows and predictions look like the reference? Exact distances over all rows, with evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.column_drift import compare_columns, from_rows
from model_governance.checks.data.data_drift.evidently_report import render
from model_governance.checks.data.data_drift.measurement import Measured, drifted
from model_governance.checks.data.data_drift.params import PROFILE, DriftParams, lookback
from model_governance.checks.data.data_drift.pictures import draw_distributions, draw_forest
from model_governance.checks.data.data_drift.predictions import compare_predictions
from model_governance.checks.data.data_drift.sides import choose, open_sides
from model_governance.checks.data.data_drift.suggestion import suggest
from model_governance.checks.data.data_drift.telling import highlights, limits, sampled, table_of_columns
from model_governance.checks.data.data_drift.windows import read_earlier, windowed
from model_governance.contract.check import Advice, Check, SelfTest
from model_governance.contract.result import Artifact, CheckResult, MetricSpec, versions_of
from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.data.data_drift.column_drift import Compared
    from model_governance.checks.data.data_drift.sides import Sides
    from model_governance.contract.subject import Subject

__all__ = ["CHECK", "DriftParams", "measure"]


def measure(subject: Subject, params: DriftParams, seed: int) -> CheckResult:
    """Compare current with the reference over all rows: every chosen feature, and the model's predictions.

    Raises:
        SubjectError: a dataset was not given, has no rows, lacks a feature, or a feature holds no value.
        CheckError: a column cannot be compared (numbers that arrive as text, only infinities), or a profile is none.
        ModelMisbehaved: the model fails on the reference.
    """
    families, notes = choose(subject, params)
    sides = open_sides(subject, params, families)
    level = params.evidence_level / len(families)
    columns, consecutive, told = _compare(subject, params, sides, seed=seed, level=level)
    predictions = compare_predictions(
        subject, sides, most_rows=params.prediction_rows, seed=seed, level=params.evidence_level
    )
    moved = drifted(columns, params)
    shown = [*columns, *([predictions.compared] if predictions.compared else [])]
    rows: dict[str, int] = {role: one.rows for role, one in subject.datasets.items()}
    return CheckResult(
        kind=CHECK.kind,
        seed=seed,
        metrics=Measured(CHECK, columns, params, moved=moved).all(predictions, consecutive),
        tables=(table_of_columns(shown, moved),),
        artifacts=(*_artifacts(shown, moved, limit=params.limit_for("psi"), seed=seed), _kept(sides)),
        highlights=highlights(columns, moved, predictions),
        notes=(*notes, *told, *sampled(predictions, rows), *limits(columns, predictions, level=level)),
        tools=versions_of("evidently", "numpy", "pandas", "scipy"),
    )  # fmt: skip


def _artifacts(columns: Sequence[Compared], drifted: frozenset[str], *, limit: float, seed: int) -> list[Artifact]:
    """Pictures and Evidently's page; columns with too few rows to tell are drawn, and scored nowhere."""
    told = [one for one in columns if one.comparable]
    scored = [draw_forest(told, drifted=drifted, limit=limit)] if told else []
    rendered = render(told, drifted=drifted, limit=limit, seed=seed) if told else ()
    return [draw_distributions(columns), *scored, *rendered]


def _kept(sides: Sides) -> Artifact:
    title = "Tonight's profile: counts per cell, no rows"
    return Artifact(name=PROFILE, media_type="application/json", title=title, content=sides.current_profile.to_bytes())


def _compare(
    subject: Subject, params: DriftParams, sides: Sides, *, seed: int, level: float
) -> tuple[tuple[Compared, ...], tuple[Compared, ...] | None, list[str]]:
    """Tonight against the reference that the window asks for, and against last night; with notes."""
    earlier = read_earlier(subject.earlier, sides.fixed)
    merged, note = windowed(params.window, earlier)
    known = {} if sides.reference is None else from_rows(sides.reference, sides.current, sides.families)
    rows = known if merged is None else {name: one.labels_only() for name, one in known.items()}
    columns = compare_columns(merged or sides.fixed, sides.current_profile, rows=rows, seed=seed, level=level)
    consecutive = None
    if params.consecutive and earlier.runs:
        last = {name: one.labels_only() for name, one in known.items()}
        consecutive = compare_columns(earlier.runs[0][1], sides.current_profile, rows=last, seed=seed, level=level)
    notes = [*earlier.notes, *([note] if note else [])]
    if sides.reference is None:
        notes.append(
            f"a profile stands for the reference ({sides.fixed.rows:,} rows): Kolmogorov-Smirnov distances are lower bounds "
            "on a grid of at most 500 quantile cells, which miss no more than the share of one cell"
        )
    return columns, consecutive, notes


def _change_unit(subject: Subject) -> Subject:
    frame = subject.frame("current")
    numbers = list(subject.columns.of_kind(*NUMBER_KINDS))
    frame[numbers] = frame[numbers] * 12
    return subject.with_frame("current", frame)


def _spec(name: str, meaning: str, *, unit: str = "", per: str | None = None) -> MetricSpec:
    return MetricSpec(name=name, meaning=meaning, better="lower", unit=unit, per=per)


PSI = "population stability index over 10 quantile bins frozen with the reference, corrected for chance"

MAXIMA = (
    _spec(
        "drift_share", "Share of the compared columns that moved, 0 to 1: by an effect that matters, and with evidence."
    ),
    _spec("drifted_columns", "Number of columns behind drift_share.", unit="columns"),
    _spec("psi_max", f"Largest {PSI}: 0 means the same mix of values as in the reference."),
    _spec(
        "jensenshannon_max",
        "Largest Jensen-Shannon distance of a column: 0 the same mix of values, 0.83 nothing in common.",
    ),
    _spec(
        "total_variation_max",
        "Largest share of a column's rows that would have to change cell to restore the reference.",
    ),
    _spec(
        "ks_max",
        "Largest Kolmogorov-Smirnov distance of a number: the largest gap between the cumulative shares, 0 to 1.",
    ),
    _spec(
        "wasserstein_max",
        "Largest distance by which a number's values moved on average, in robust standard deviations of the reference.",
    ),
    _spec(
        "blinded_columns",
        "Numeric columns in which extreme values blind Evidently's equal-width bins; the verdict's own bins are not blinded.",
        unit="columns",
    ),
    _spec(
        "prediction_drift",
        "How far the model's answers moved from its answers on the reference: decisions change even if no single column did.",
    ),
    _spec("consecutive_psi_max", "Largest population stability index of a column against the newest accepted night."),
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
        "smallest_visible_shift_max",
        "The PSI that tonight's rows would have shown in every column with probability 0.95: smaller changes may hide.",
    ),
)

PER_COLUMN = (
    _spec("drift_score", "The distance of one column that counts in drift_share, named beside it.", per="column"),
    _spec("psi", f"One column's {PSI}.", per="column"),
    _spec("ks", "Kolmogorov-Smirnov distance of one column of numbers, over all values.", per="column"),
    _spec("jensenshannon", "Jensen-Shannon distance of one column, over the cells of its PSI.", per="column"),
    _spec(
        "total_variation",
        "Total variation of one column, over the cells of its PSI, corrected for chance.",
        per="column",
    ),
    _spec("wasserstein", "Mean distance that one column's values moved, in robust standard deviations.", per="column"),
    _spec(
        "equal_width_psi",
        "PSI by Evidently's definition: equal-width bins, not corrected. Shown, never decisive.",
        per="column",
    ),
    _spec(
        "missing_increase",
        "Share of missing values in one column tonight, less its share in the reference.",
        per="column",
    ),
    _spec(
        "smallest_visible_shift", "The PSI that tonight's rows would have shown with probability 0.95.", per="column"
    ),
)

CHECK = Check(
    kind="data_drift",
    title="Data drift",
    question="Do tonight's rows and predictions look like the reference?",
    params=DriftParams,
    metrics=MAXIMA + PER_COLUMN,
    roles=("reference", "current"),
    stand_ins={"reference": "profile"},
    file_params=("profile",),
    lookback=lookback,
    needs_model=True,
    measure=measure,
    suggest=suggest,
    self_test=SelfTest(
        description="Every number of the night arrives in another unit, twelve times as large (years sent as months).",
        threshold={"metric": "psi_max", "less_than": 0.5, "severity": "error"},
        apply=_change_unit,
    ),
    advice=Advice(
        rank=30,
        title="Find out what changed.",
        text="Start with the column named first. If its source changed, repair the source; if the population changed, retrain.",
    ),
    cost="Seconds for a million rows and some twenty columns; grows with rows times columns, and needs no more memory for more rows.",
)
