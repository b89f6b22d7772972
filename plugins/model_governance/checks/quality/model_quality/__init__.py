"""model_quality: does the model still predict what came true?

One module per task family (`binary`, `multiclass`, `regression`, `ranking`, `forecasting`); `labels`
finds the labelled rows, `paired` compares with the champion, `slices` and `search` look into parts of
the rows, `uncertainty`, `discrimination` and `calibration` hold the statistics. Numbers are
those of scikit-learn wherever it has them (tested against it); counts and means are taken here
because their intervals need them anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.binary import measure_binary
from model_governance.checks.quality.model_quality.forecasting import measure_forecasting
from model_governance.checks.quality.model_quality.labels import Immature, labelled_rows
from model_governance.checks.quality.model_quality.measurement import Exam
from model_governance.checks.quality.model_quality.multiclass import measure_multiclass
from model_governance.checks.quality.model_quality.params import QualityParams
from model_governance.checks.quality.model_quality.ranking import measure_ranking
from model_governance.checks.quality.model_quality.regression import measure_regression
from model_governance.checks.quality.model_quality.search import find_weak_slices
from model_governance.checks.quality.model_quality.slices import Sliced, measure_slices
from model_governance.checks.quality.model_quality.suggestion import suggest
from model_governance.checks.quality.model_quality.vocabulary import METRICS
from model_governance.contract.check import Advice, Check, SelfTest
from model_governance.contract.result import CheckResult, versions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.contract.result import Estimate, Metric
    from model_governance.contract.subject import Subject

FAMILIES = {
    "binary_classification": measure_binary,
    "multiclass_classification": measure_multiclass,
    "regression": measure_regression,
    "ranking": measure_ranking,
    "forecasting": measure_forecasting,
}

LEADING = {
    "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "roc_auc": "ROC AUC", "mae": "mean absolute error",
    "rmse": "RMSE", "ndcg": "nDCG", "mase": "MASE", "accuracy_gain": "gain over the champion",
}  # fmt: skip
TOOLS = ("matplotlib", "numpy", "pandas", "scikit-learn", "scipy")


def measure(subject: Subject, params: QualityParams, seed: int) -> CheckResult:
    """Quality of the model on the labelled rows of current, or of labelled_current where it is given.

    Where labels are not due yet and too few are there, the result is not applicable and shows their share.

    Raises:
        SubjectError: labels, keys or groups are not as the policy describes them.
        CheckError: labels and model do not fit, or too few rows are labelled.
        ModelMisbehaved: the model raised, or its answers cannot be used.
    """
    subject.require_model()
    skip = None if params.immature is None else params.immature == "skip"
    labelled = labelled_rows(subject, minimum_coverage=params.minimum_label_coverage, skip=skip)
    if isinstance(labelled, Immature):
        return CheckResult(
            kind=CHECK.kind,
            seed=seed,
            status="not_applicable",
            reason=labelled.reason,
            metrics=(_coverage(labelled.known, labelled.rows),),
            tools=versions_of(*TOOLS),
        )
    exam = Exam(subject=subject, labelled=labelled, params=params, seed=seed)
    found = FAMILIES[subject.task](exam)
    parts = measure_slices(found, labelled, params)
    weak = Sliced() if params.search is None else find_weak_slices(exam, found, params.search)
    estimates = found.estimates + parts.estimates + weak.estimates
    return CheckResult(
        kind=CHECK.kind,
        seed=seed,
        metrics=(_coverage(labelled.n, labelled.rows), *(CHECK.declared(one) for one in estimates)),
        tables=found.tables + parts.tables + weak.tables,
        artifacts=found.artifacts + parts.artifacts,
        highlights=(*_main(estimates, labelled.n), *parts.highlights, *weak.highlights),
        notes=labelled.notes + found.notes + parts.notes + weak.notes,
        tools=versions_of(*TOOLS),
    )


def _main(estimates: Sequence[Estimate], n: int) -> list[str]:
    """The numbers that a reader asks for first, in one sentence, and the worst slice of the policy in another."""
    metrics = [CHECK.declared(one) for one in estimates]
    told = [f"{LEADING[one.name]} {one.told}" for one in metrics if one.name in LEADING and one.told]
    sentences = [f"On {n:,} labelled rows: {', '.join(told)}."] if told else []
    slices = [one for one in metrics if one.name in ("slice_accuracy", "slice_mae") and one.value is not None]
    if slices:
        worst = min(slices, key=lambda one: float(one.value or 0) * (1 if one.better == "higher" else -1))
        sentences.append(f"Worst slice of the policy: {worst.key}, {worst.name.removeprefix('slice_')} {worst.told}.")
    return sentences


def _coverage(known: int, rows: int) -> Metric:
    return CHECK.metric("label_coverage", known / rows, n=rows)


def _swap_labels(subject: Subject) -> Subject:
    """Every label of current becomes the other one, as after an inverted encoding or a broken join."""
    target = str(subject.columns.target)
    frame = subject.frame("current")
    one, other = frame[target].unique()
    frame[target] = frame[target].map({one: other, other: one})
    return subject.with_frame("current", frame)


CHECK = Check(
    kind="model_quality",
    title="Model quality",
    question="Does the model still predict what came true?",
    params=QualityParams,
    metrics=METRICS,
    roles=("current",),
    optional_roles=("labels", "labelled_current", "history"),
    needs_model=True,
    needs_labels=True,
    compares_champion=True,
    measure=measure,
    self_test=SelfTest(
        description="the two labels of current are swapped",
        threshold={"metric": "accuracy", "geq_to": 0.6},
        apply=_swap_labels,
    ),
    suggest=suggest,
    advice=Advice(
        rank=40,
        title="Decide whether the model may stay in use.",
        text="It no longer performs as required on recent labels. Compare it with the champion, and return to the champion or retrain.",
    ),
    cost="Seconds; grows with the predictions of the current rows, and with `resamples` where an interval has no formula.",
)
