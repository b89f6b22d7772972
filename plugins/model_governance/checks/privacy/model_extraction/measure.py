"""Copy the model from its outputs with every query budget, and compare surrogates with it on held-out rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.access import predicted_labels, restrict_outputs
from model_governance.attacks.art_toolbox import DISTRIBUTION
from model_governance.attacks.schedule import limit_queries, schedule_attacks
from model_governance.checks.privacy.model_extraction import report
from model_governance.checks.privacy.model_extraction.comparison import HeldOut, compare, estimates
from model_governance.checks.privacy.model_extraction.extraction import extract, train_on_labels
from model_governance.checks.privacy.model_extraction.metrics import METRICS
from model_governance.checks.privacy.model_extraction.query_data import split_query_data
from model_governance.contract.result import CheckResult, declared, versions_of

if TYPE_CHECKING:
    from model_governance.checks.privacy.model_extraction.params import ExtractionParams
    from model_governance.checks.privacy.model_extraction.query_data import QueryData
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: ExtractionParams, seed: int) -> CheckResult:
    """Copy the model from its outputs with every query budget, and compare surrogates with it on held-out rows.

    Args:
        subject: model and datasets; public rows are `population` where given, otherwise `reference`. At most half of
            them is held out.
        params: attacks, query budgets and what the attacker sees.
        seed: of every random draw.

    Returns:
        Fidelity and its gain over true labels for each attack and query budget.

    Raises:
        CheckError: too few rows, labels that the model does not know, or an attack that cannot run.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    import numpy as np

    schedule = schedule_attacks(params.attacks, params.budget, subject)
    data = split_query_data(subject, params, np.random.default_rng(seed))
    model = restrict_outputs(subject.require_model(), params.attacker_access)
    held_out = _held_out(subject, data, params, seed)
    baselines = {
        rows: train_on_labels(data, rows, classes=len(model.classes), seed=seed) for rows in params.query_budgets
    }
    extractions = []
    for attack in schedule.due:
        counted, query_budget = limit_queries(model, schedule.budget(attack), attack=attack)
        extractions.extend(extract(attack, counted, query_budget, data, query_budgets=params.query_budgets, seed=seed))
    comparisons = compare(extractions, baselines, held_out)
    measured = tuple(declared(METRICS, estimate) for estimate in estimates(comparisons, baselines, held_out))
    return CheckResult(
        kind="model_extraction",
        seed=seed,
        metrics=(*measured, *schedule.carried_forward(METRICS)),
        tables=(report.table(comparisons, baselines, held_out), schedule.table()),
        artifacts=(report.figure(comparisons, baselines, held_out), schedule.artifact(measured)),
        highlights=report.highlights(comparisons, held_out),
        notes=report.notes(data, params),
        tools=versions_of(DISTRIBUTION, "numpy", "pandas", "scikit-learn", "scipy"),
    )


def _held_out(subject: Subject, data: QueryData, params: ExtractionParams, seed: int) -> HeldOut:
    """The held-out rows with the model's most probable class where the attacker sees probabilities, else its label."""
    model = subject.require_model()
    if model.call_proba is not None and params.attacker_access.outputs == "probabilities":
        predictions = model.predict_proba(data.held_out).argmax(axis=1)
    else:
        predictions = predicted_labels(model, data.held_out)
    return HeldOut(
        matrix=data.design.matrix(data.held_out), predictions=predictions, classes=len(model.classes),
        resamples=params.resamples, seed=seed,
    )  # fmt: skip
