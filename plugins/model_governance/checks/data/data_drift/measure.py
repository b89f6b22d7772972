"""Measures data drift: choose the columns, open both datasets, compare every column and the predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.aggregation import drift_estimates, drifted_columns
from model_governance.checks.data.data_drift.column_drift import compare_columns, row_statistics
from model_governance.checks.data.data_drift.comparison import choose_features, open_comparison
from model_governance.checks.data.data_drift.flagged_share import flagged_estimates
from model_governance.checks.data.data_drift.joint_drift import joint_estimates, joint_notes, joint_tables, tell_apart
from model_governance.checks.data.data_drift.metrics import METRICS
from model_governance.checks.data.data_drift.params import PROFILE
from model_governance.checks.data.data_drift.predictions import compare_predictions, predict
from model_governance.checks.data.data_drift.report import (
    columns_table,
    drift_artifacts,
    highlights,
    limitations,
    sampling_notes,
)
from model_governance.checks.data.data_drift.row_dependence import row_dependence
from model_governance.checks.data.data_drift.windows import last_run, read_previous, window_reference
from model_governance.contract.result import Artifact, CheckResult, declared, versions_of
from model_governance.engine.publishing import publishable_profile

if TYPE_CHECKING:
    from collections.abc import Collection

    from model_governance.checks.data.data_drift.column_drift import ColumnDrift
    from model_governance.checks.data.data_drift.comparison import Comparison
    from model_governance.checks.data.data_drift.params import DriftParams
    from model_governance.checks.data.data_drift.predictions import PredictionDrift
    from model_governance.checks.data.data_drift.windows import PreviousProfiles
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: DriftParams, seed: int) -> CheckResult:
    """Compare current with the reference over all rows: every chosen feature, and the model's predictions.

    Args:
        subject: holds `current`, `reference` (unless `params.profile` replaces it), the model, and the profiles of
            previous runs where the window asks for them.
        params: which columns, distances, limits and window.
        seed: of the sample that the model predicts, and of joint drift. Noise behind intervals follows from the counts.

    Returns:
        The metrics of `metrics.METRICS`, a table of the columns, figures, Evidently's report, and the current profile.

    Raises:
        SubjectError: a dataset was not given, has no rows, lacks a feature, or a feature holds no value.
        CheckError: a column cannot be compared (numbers that arrive as text, only infinities), or a profile is none.
        ModelMisbehaved: the model fails on the reference.
    """
    families, notes = choose_features(subject, params)
    comparison = open_comparison(subject, params, families)
    previous = read_previous(subject.earlier)
    columns, consecutive, window_notes = _compare(subject, params, comparison, previous)
    answers = predict(subject, comparison, max_rows=params.prediction_rows, seed=seed)
    predictions = compare_predictions(answers, previous)
    entity = subject.columns.entity
    joint = tell_apart(comparison, max_rows=params.joint_rows, seed=seed, entity=entity) if params.joint else None
    drifted = drifted_columns(columns, params)
    displayed = [*columns, *([predictions.drift] if predictions.drift else [])]
    estimates = drift_estimates(columns, params, drifted=drifted, predictions=predictions, consecutive=consecutive)
    together = [*flagged_estimates(answers), *(joint_estimates(joint) if joint else [])]
    rows: dict[str, int] = {role: dataset.rows for role, dataset in subject.datasets.items()}
    return CheckResult(
        kind="data_drift",
        seed=seed,
        metrics=tuple(declared(METRICS, estimate) for estimate in (*estimates, *together)),
        tables=(columns_table(displayed, drifted), *(joint_tables(joint) if joint else ())),
        artifacts=(
            *drift_artifacts(displayed, drifted, limit=params.limit_for("psi"), seed=seed),
            _profile_artifact(comparison, predictions, model=answers.model, disclosed=subject.disclose),
        ),
        highlights=highlights(columns, drifted, predictions),
        notes=(
            *notes,
            *window_notes,
            *sampling_notes(predictions, rows),
            *(joint_notes(joint, rows) if joint else ()),
            *limitations(columns, predictions),
        ),
        tools=versions_of("evidently", "numpy", "pandas", "scikit-learn", "scipy"),
    )


def _compare(
    subject: Subject, params: DriftParams, comparison: Comparison, previous: PreviousProfiles
) -> tuple[tuple[ColumnDrift, ...], tuple[ColumnDrift, ...] | None, list[str]]:
    """The current profile against the reference that the window asks for, and against the last run; with notes."""
    window = window_reference(params.window, previous, comparison)
    statistics = (
        {}
        if comparison.reference is None
        else row_statistics(comparison.reference, comparison.current, comparison.families)
    )
    unseen_only = {name: column.unseen_only() for name, column in statistics.items()}
    dependence = row_dependence(subject, comparison, window, previous=previous)
    columns = compare_columns(
        window.reference,
        window.current,
        statistics=statistics | {name: unseen_only[name] for name in window.runs if name in unseen_only},
        dependence=dependence,
    )
    consecutive = None
    last = last_run(previous, comparison) if params.consecutive else None
    if last is not None:
        consecutive = compare_columns(
            last.reference, last.current, statistics=unseen_only, dependence=replace(dependence, missing={})
        )
    notes = [*previous.notes, *window.notes, *dependence.notes]
    if comparison.reference is None:
        notes.append(
            f"a profile replaces the reference ({comparison.frozen.rows:,} rows): Kolmogorov-Smirnov distances are lower "
            "bounds on a grid of at most 500 quantile cells; the error is at most the share of one cell"
        )
    return columns, consecutive, notes


def _profile_artifact(
    comparison: Comparison, predictions: PredictionDrift, *, model: str, disclosed: Collection[str]
) -> Artifact:
    profile = publishable_profile(
        comparison.current_profile, comparison.current, reference=comparison.frozen, disclosed=disclosed
    )
    if predictions.stored is not None:
        profile = replace(profile, predictions=predictions.stored, model=model)
    return Artifact(
        name=PROFILE,
        media_type="application/json",
        title="Profile of the current data: counts per cell, no rows",
        content=profile.to_bytes(),
    )
