"""Infer each sensitive attribute of the rows in train, with the model and without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.access import restrict_outputs
from model_governance.attacks.art_toolbox import DISTRIBUTION
from model_governance.attacks.schedule import schedule_attacks
from model_governance.checks.privacy.attribute_inference import report
from model_governance.checks.privacy.attribute_inference.attacks import Attacker
from model_governance.checks.privacy.attribute_inference.comparison import AttributeResult, estimates
from model_governance.checks.privacy.attribute_inference.metrics import METRICS
from model_governance.checks.privacy.attribute_inference.targets import build_target, draw_samples
from model_governance.contract.result import CheckResult, declared, versions_of

if TYPE_CHECKING:
    from model_governance.attacks.schedule import AttackSchedule
    from model_governance.checks.privacy.attribute_inference.params import AttributeParams
    from model_governance.checks.privacy.attribute_inference.targets import AttributeTarget
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: AttributeParams, seed: int) -> CheckResult:
    """Infer each sensitive attribute of the rows in train, with the model and without it.

    Args:
        subject: model and datasets. Non-members are rows of `population` where given, otherwise of `reference`; at
            most half of those are the attacker's own rows, which are never scored.
        params: attributes, attacks and what the attacker knows and sees.
        seed: of every random draw.

    Returns:
        Gain over imputation and gap between members and non-members, for each attack and attribute.

    Raises:
        CheckError: an attribute has one value only, a group has too few rows, an attack cannot run.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    import numpy as np

    schedule = schedule_attacks(params.attacks, params.budget, subject)
    generator = np.random.default_rng(seed)
    samples = draw_samples(subject, params, generator)
    results = []
    for column in params.sensitive:
        target = build_target(subject, samples, column, params=params, generator=generator)
        results.append(_attack(subject, target, schedule, params, seed))
    measured = tuple(declared(METRICS, estimate) for result in results for estimate in estimates(result))
    return CheckResult(
        kind="attribute_inference",
        seed=seed,
        metrics=(*measured, *schedule.carried_forward(METRICS)),
        tables=(*report.tables(results), schedule.table()),
        artifacts=(*(report.figure(result) for result in results), schedule.artifact(measured)),
        highlights=report.highlights(results),
        notes=report.notes(results, params),
        tools=versions_of(DISTRIBUTION, "numpy", "pandas", "scikit-learn", "scipy"),
    )


def _attack(
    subject: Subject, target: AttributeTarget, schedule: AttackSchedule, params: AttributeParams, seed: int
) -> AttributeResult:
    """Run the baselines and every attack that is due on one attribute."""
    model = restrict_outputs(subject.require_model(), params.attacker_access)
    attacker = Attacker(target, model, seed=seed)
    return AttributeResult(
        target=target,
        majority=attacker.majority(),
        imputation=attacker.imputation(),
        attacks=tuple(attacker.attack(name, schedule.budget(name)) for name in schedule.due),
    )
