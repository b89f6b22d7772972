"""Corruption: does the model survive ordinary dirt?

No attacker is needed: a feed that sends months for years, a gap, a stale value. Graded severities and the mean over
kinds follow Hendrycks and Dietterich (2019), "Benchmarking neural network robustness to common corruptions".
ML01:2023 of the OWASP Machine Learning Security Top Ten in its unintended form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.robustness.corruption.exam import prepare
from model_governance.checks.robustness.corruption.losses import estimates_of, mean_drop
from model_governance.checks.robustness.corruption.params import CorruptionParams
from model_governance.checks.robustness.corruption.report import highlights_of, pictures_of, tables_of
from model_governance.checks.robustness.corruption.rote_model import learn_by_rote
from model_governance.checks.robustness.corruption.survey import survey
from model_governance.contract.check import Advice, Check, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, Estimate, MetricSpec, versions_of
from model_governance.contract.slices import SHOWN_FROM, slice_masks

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.checks.robustness.corruption.exam import Exam
    from model_governance.checks.robustness.corruption.survey import Survey
    from model_governance.contract.subject import Columns, Subject

__all__ = ["CHECK", "CorruptionParams"]


def measure(subject: Subject, params: CorruptionParams, seed: int) -> CheckResult:
    """Make a seeded sample of `current` dirty in graded ways and compare with the clean answers of the same rows.

    Raises:
        CheckError: a param names what is not there, the model is not deterministic, or nothing could show.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model.predict`.
    """
    import numpy as np

    exam = prepare(subject, params, np.random.default_rng(seed))
    found = survey(exam, subject.columns, params, seed)
    notes = _scope(exam, found)
    estimates = [*estimates_of(exam, found), *_slices(subject, exam, found, params, notes)]
    metrics = tuple(CHECK.declared(one) for one in estimates)
    return CheckResult(
        kind="corruption",
        seed=seed,
        metrics=metrics,
        tables=tables_of(metrics, found),
        artifacts=pictures_of(exam, metrics, found),
        highlights=highlights_of(metrics),
        notes=tuple(notes),
        tools=versions_of("numpy", "pandas", "scipy"),
    )


def _slices(subject: Subject, exam: Exam, found: Survey, params: CorruptionParams, notes: list[str]) -> list[Estimate]:
    if not params.slices:
        return []

    def column(name: str) -> pd.Series:
        return subject.frame("current", columns=[name])[name].iloc[exam.order].reset_index(drop=True)

    estimates = []
    for name, rows in slice_masks(column, params.slices, notes=notes, what="sampled rows").items():
        count = int(rows.sum())
        if count < params.minimum_slice_rows:
            few = f"fewer than {params.minimum_slice_rows} rows (minimum_slice_rows)"
            n = count if count >= SHOWN_FROM else 0
            estimates.append(Estimate(name="slice_drop", value=None, n=n, key=name, reason=few))
        else:
            estimates.append(mean_drop(exam, found.grid, name="slice_drop", key=name, rows=rows))
    return estimates


def _scope(exam: Exam, found: Survey) -> list[str]:
    """What the numbers stand for."""
    truth = "the labels" if exam.measure in ("accuracy", "mae") else "the model's own answers to the clean rows"
    notes = [
        f"a seeded sample of {exam.n:,} rows of current, compared with {truth}; {exam.asked:,} rows shown to the model",
        "a refused row gets no answer and counts as wrong (a number: as far off as the best constant); see refused_share",
        "dirt of a higher severity contains that of a lower one; table severities says what each means",
    ]
    if not exam.classes:
        notes.append(
            "losses are shares of the mean absolute error of the best constant answer: 1 is as bad as no model"
        )
    if found.left_out:
        notes.append(f"no feature can show {', '.join(found.left_out)}")
    return notes


def suggest(_frame: pd.DataFrame, columns: Columns) -> Suggestion:
    """Limits for the dirt of a bad week, and a demand on change that no first night has to know."""
    thresholds = [
        {"metric": "worst_drop", "key": "2", "less_than": 0.1, "severity": "warn"},
        {"metric": "mean_drop", "min_absolute_change": -0.05, "severity": "error"},
        {"metric": "refused_share", "key": "missing", "less_than": 0.05, "severity": "warn"},
    ]
    return Suggestion(
        params={"samples": 1000},
        thresholds=tuple(thresholds),
        comment=(
            f"Severity 2 hits 5% of all {len(columns.names)} x n cells, what a bad week of a feed looks like: ten points "
            "of loss are a warning. A first night cannot know how much dirt a model must bear, so the error compares with the "
            "last accepted night. A model that refuses a row with a gap may be meant to: then drop that line."
        ),
    )


CHECK = Check(
    kind="corruption",
    title="Corruption robustness",
    question="Does the model survive ordinary dirt in its input?",
    params=CorruptionParams,
    metrics=(
        MetricSpec(
            name="clean_accuracy", better="higher", unit="share", meaning="share of sampled clean rows answered correctly"
        ),
        MetricSpec(name="clean_mae", better="lower", meaning="mean absolute error on the sampled clean rows"),
        MetricSpec(
            name="accuracy", better="higher", unit="share", per="dirt@severity",
            meaning="share of sampled rows answered correctly although dirty; refused rows count as wrong",
        ),
        MetricSpec(
            name="agreement", better="higher", unit="share", per="dirt@severity",
            meaning="share of sampled rows with the same answer dirty as clean; refused rows count as changed",
        ),
        MetricSpec(
            name="mae", better="lower", per="dirt@severity", meaning="mean absolute error on the sampled rows when dirty"
        ),
        MetricSpec(
            name="shift", better="lower", per="dirt@severity",
            meaning="mean absolute difference between the answers to a row dirty and clean",
        ),
        MetricSpec(
            name="drop", better="lower", unit="share", per="dirt@severity",
            meaning="loss against the clean rows, paired: points of accuracy or agreement, or error as a share of a constant's",
        ),
        MetricSpec(
            name="worst_drop", better="lower", unit="share", per="severity",
            meaning="largest loss over the kinds of dirt at one severity, with limits that hold for all kinds together",
        ),
        MetricSpec(
            name="mean_drop", better="lower", unit="share", meaning="loss averaged over the kinds of dirt and the severities"
        ),
        MetricSpec(
            name="column_drop", better="lower", unit="share", per="column",
            meaning="largest loss when this column alone is dirty on every row",
        ),
        MetricSpec(
            name="refused_share", better="lower", unit="share", per="dirt",
            meaning="share of dirty rows to which the model gives no answer at all",
        ),
        MetricSpec(
            name="slice_drop", better="lower", unit="share", per="slice",
            meaning="loss averaged over kinds of dirt and severities, on the rows of a slice",
        ),
    ),
    roles=("current",),
    tasks=("binary_classification", "multiclass_classification", "regression"),
    measure=measure,
    self_test=SelfTest(
        description="a model that knows rows by heart and answers any other row with one class",
        threshold={"metric": "drop", "key": "noise@2", "less_than": 0.1},
        apply=learn_by_rote,
        params={"samples": 300, "severities": [1, 2, 3]},
    ),
    suggest=suggest,
    advice=Advice(rank=140, title="Clean the feed, then harden the model.", text="The table names the columns that one wrong unit or gap ruins: validate them first, or train with missing values and noise."),
    cost="Seconds; asks for one prediction per sampled row, kind of corruption, severity and column.",
)  # fmt: skip
