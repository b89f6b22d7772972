"""How `model_quality` measures: labelled rows, metrics of the task, slices of the policy, search for weak slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import report
from model_governance.checks.quality.model_quality.binary import evaluate_binary
from model_governance.checks.quality.model_quality.dependence import dependence_of
from model_governance.checks.quality.model_quality.error_growth import with_error_growth
from model_governance.checks.quality.model_quality.evaluation import Evaluation
from model_governance.checks.quality.model_quality.forecasting import evaluate_forecasting
from model_governance.checks.quality.model_quality.labels import ImmatureLabels, LabelsNotDue, labelled_rows
from model_governance.checks.quality.model_quality.metrics import METRICS
from model_governance.checks.quality.model_quality.multiclass import evaluate_multiclass
from model_governance.checks.quality.model_quality.ranking import evaluate_ranking
from model_governance.checks.quality.model_quality.regression import evaluate_regression
from model_governance.checks.quality.model_quality.slices import SliceMetrics, evaluate_slices
from model_governance.checks.quality.model_quality.weak_slices import find_weak_slices
from model_governance.contract.result import CheckResult, declared, make_metric, versions_of

if TYPE_CHECKING:
    from model_governance.checks.quality.model_quality.params import QualityParams
    from model_governance.contract.result import Metric
    from model_governance.contract.subject import Subject

TASKS = {
    "binary_classification": evaluate_binary,
    "multiclass_classification": evaluate_multiclass,
    "regression": evaluate_regression,
    "ranking": evaluate_ranking,
    "forecasting": evaluate_forecasting,
}
TOOLS = ("matplotlib", "numpy", "pandas", "scikit-learn", "scipy")


def measure(subject: Subject, params: QualityParams, seed: int) -> CheckResult:
    """Measure the quality of the model on the labelled rows of current, or of labelled_current where it is given.

    Args:
        subject: Model, dataset `current` with labels of its own or in `labels`, and the champion where there is one.
        params: Metrics, slices and how missing labels are treated.
        seed: Seed of resampling and of the search's two halves.

    Returns:
        The metrics of the task with intervals. Where no labels are due, or too few are known, the result is not
        applicable; in the second case it holds their share.

    Raises:
        SubjectError: Labels, keys or groups are not as the policy describes them.
        CheckError: Labels and model do not fit, or too few rows are labelled.
        ModelMisbehaved: The model raised, or its answers cannot be used.
    """
    subject.require_model()
    skip = None if params.immature is None else params.immature == "skip"
    labelled = labelled_rows(subject, minimum_coverage=params.minimum_label_coverage, skip=skip)
    if isinstance(labelled, (ImmatureLabels, LabelsNotDue)):
        return _without_quality(labelled, seed)
    evaluation = Evaluation(subject=subject, labelled=labelled, params=params, seed=seed)
    whole = TASKS[subject.task](evaluation)
    dependence = dependence_of(evaluation, whole)
    slices = evaluate_slices(whole, labelled, params, dependence=dependence, named=subject.keys_named("slice_"))
    weak = SliceMetrics() if params.search is None else find_weak_slices(evaluation, whole, params.search)
    estimates = (
        *map(dependence.widened, whole.estimates),
        *slices.estimates,
        *map(dependence.widened, weak.estimates),
    )
    metrics = tuple(declared(METRICS, with_error_growth(estimate)) for estimate in estimates)
    return CheckResult(
        kind="model_quality",
        seed=seed,
        metrics=(_label_coverage(labelled.n, labelled.rows), *metrics),
        tables=whole.tables + slices.tables + weak.tables,
        artifacts=whole.figures + slices.figures,
        highlights=(*report.highlights(metrics, labelled.n), *weak.highlights),
        notes=labelled.notes
        + whole.notes
        + ((dependence.note,) if dependence.note else ())
        + slices.notes
        + weak.notes,
        tools=versions_of(*TOOLS),
    )


def _without_quality(labels: ImmatureLabels | LabelsNotDue, seed: int) -> CheckResult:
    """Why quality is not measured, with the share of labelled rows where labels were due."""
    known = (_label_coverage(labels.known, labels.rows),) if isinstance(labels, ImmatureLabels) else ()
    return CheckResult(
        kind="model_quality", seed=seed, status="not_applicable", reason=labels.reason, metrics=known,
        tools=versions_of(*TOOLS),
    )  # fmt: skip


def _label_coverage(known: int, rows: int) -> Metric:
    return make_metric(METRICS, "label_coverage", known / rows, n=rows)
