"""The measurement of the corruption check: corrupt a seeded sample of `current` in graded ways, compare predictions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from model_governance.attacks.relations import bind_relations
from model_governance.checks.robustness.corruption.estimates import estimates_of, mean_drop
from model_governance.checks.robustness.corruption.evaluation import prepare
from model_governance.checks.robustness.corruption.image_corruptions import sweep_images
from model_governance.checks.robustness.corruption.metrics import METRICS
from model_governance.checks.robustness.corruption.relations import NOTE
from model_governance.checks.robustness.corruption.report import figures_of, highlights_of, tables_of
from model_governance.checks.robustness.corruption.sweep import run_sweep
from model_governance.contract.result import CheckResult, Estimate, declared, versions_of
from model_governance.contract.slices import SHOWN_FROM, absence_of, slice_masks, too_small

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from model_governance.checks.robustness.corruption.evaluation import Evaluation
    from model_governance.checks.robustness.corruption.params import CorruptionParams
    from model_governance.checks.robustness.corruption.sweep import Sweep
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: CorruptionParams, seed: int) -> CheckResult:
    """Corrupt a seeded sample of `current` in graded ways and compare with the predictions of the same clean rows.

    Raises:
        CheckError: a param names what is not there, the model is not deterministic, or no corruption could show.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model.predict`.
    """
    import numpy as np

    evaluation = prepare(subject, params, np.random.default_rng(seed))
    rows: list[tuple[str, pd.DataFrame]] = [("current", evaluation.frame)]
    relations = bind_relations(subject.threat_model.relations, subject.columns, rows)
    image = subject.columns.image
    if image is None:
        sweep = run_sweep(evaluation, subject.columns, params, seed, relations)
    else:
        sweep = sweep_images(evaluation, image, params, seed)
    notes = _scope(evaluation, sweep) + ([NOTE] if relations and image is None else [])
    estimates = [*estimates_of(evaluation, sweep), *_slices(subject, evaluation, sweep, params, notes)]
    metrics = tuple(declared(METRICS, estimate) for estimate in estimates)
    return CheckResult(
        kind="corruption",
        seed=seed,
        metrics=metrics,
        tables=tables_of(metrics, sweep),
        artifacts=figures_of(evaluation, metrics, sweep),
        highlights=highlights_of(metrics),
        notes=tuple(notes),
        tools=versions_of("numpy", "pandas", "scipy"),
    )


def _slices(
    subject: Subject, evaluation: Evaluation, sweep: Sweep, params: CorruptionParams, notes: list[str]
) -> list[Estimate]:
    if not params.slices:
        return []

    def whole(name: str) -> pd.Series:
        return subject.frame("current", columns=[name])[name]

    def column(name: str) -> pd.Series:
        return whole(name).iloc[evaluation.order].reset_index(drop=True)

    def masks(values: Callable[[str], pd.Series], remarks: list[str]) -> dict[str, np.ndarray]:
        return slice_masks(
            values, params.slices, notes=remarks, what="sampled rows", allow_empty=True,
            named=subject.keys_named("slice_"),
        )  # fmt: skip

    # A sample may lack what current holds; all of it is read only where a slice of the sample is empty.
    everywhere = cache(lambda: masks(whole, []))
    estimates = []
    for name, rows in masks(column, notes).items():
        count = int(rows.sum())
        if count < params.minimum_slice_rows:
            few = f"{too_small(count, needed=params.minimum_slice_rows, what='sampled rows')} (minimum_slice_rows)"
            n = count if count >= SHOWN_FROM else 0
            empty = count == 0 and not everywhere()[name].any()
            absence = absence_of(name, params.slices, empty=empty)
            estimates.append(Estimate(name="slice_drop", value=None, n=n, key=name, reason=few, absence=absence))
        else:
            estimates.append(mean_drop(evaluation, sweep.grid, name="slice_drop", key=name, rows=rows))
    return estimates


def _scope(evaluation: Evaluation, sweep: Sweep) -> list[str]:
    """What the numbers are valid for."""
    labelled = evaluation.measure in ("accuracy", "mae")
    truth = "the labels" if labelled else "the model's own predictions of the clean rows"
    notes = [
        f"a seeded sample of {evaluation.n:,} rows of current, compared with {truth}",
        f"{evaluation.asked:,} rows sent to the model",
        "a refused row has no prediction and counts as wrong (a number: as far off as the best constant); see refused_share",
        "table severities defines each severity"
        if not sweep.columns
        else "the corrupted cells of a higher severity contain those of a lower one; table severities defines each",
    ]
    if not evaluation.classes:
        notes.append("losses are shares of the mean absolute error of the best constant: 1 is as bad as no model")
    if sweep.inapplicable:
        notes.append(f"no feature fits {', '.join(sweep.inapplicable)}")
    return notes
