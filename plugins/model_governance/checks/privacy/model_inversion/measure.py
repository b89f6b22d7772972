"""Reconstruct rows of every class, and compare their distances to training rows, held-out rows and a public centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.access import restrict_outputs
from model_governance.attacks.art_toolbox import DISTRIBUTION
from model_governance.attacks.schedule import limit_queries, require_full_questions, schedule_attacks
from model_governance.checks.privacy.model_inversion import report
from model_governance.checks.privacy.model_inversion.candidates import draw_candidates
from model_governance.checks.privacy.model_inversion.confidence import ClassConfidence
from model_governance.checks.privacy.model_inversion.leakage import compare, estimates
from model_governance.checks.privacy.model_inversion.metrics import METRICS
from model_governance.checks.privacy.model_inversion.miface import miface
from model_governance.checks.privacy.model_inversion.reconstruction import search
from model_governance.contract.result import CheckResult, declared, versions_of

if TYPE_CHECKING:
    from model_governance.checks.privacy.model_inversion.candidates import Candidates
    from model_governance.checks.privacy.model_inversion.leakage import ClassLeakage
    from model_governance.checks.privacy.model_inversion.params import InversionParams
    from model_governance.checks.privacy.model_inversion.reconstruction import Reconstructions
    from model_governance.contract.subject import Model, Subject


def measure(subject: Subject, params: InversionParams, seed: int) -> CheckResult:
    """Reconstruct rows of every class, and compare their distances to training rows, held-out rows and a public centre.

    Args:
        subject: model and datasets. A random half of `population` where given, otherwise of `reference`, is public:
            the attacker has it. The other half is held out to compare with.
        params: attacks, their settings and what the attacker sees.
        seed: of every random draw.

    Returns:
        Distance ratio, gain and confidence for each attack and class.

    Raises:
        CheckError: too few rows, no class with enough training rows, or an attack that cannot run or was cut short.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    import numpy as np

    schedule = schedule_attacks(params.attacks, params.budget, subject)
    candidates = draw_candidates(subject, params, np.random.default_rng(seed))
    model = restrict_outputs(subject.require_model(), params.attacker_access)
    leaks: list[ClassLeakage] = []
    for attack in schedule.due:
        counted, queries = limit_queries(model, schedule.budget(attack), attack=attack)
        # Each attack has its own generator, so that one that is not due changes nothing for another.
        reconstructions = _reconstruct(attack, counted, candidates, params, seed)
        require_full_questions(
            queries, unasked=reconstructions.unasked, rows=len(reconstructions.classes), per_row=reconstructions.per_row
        )
        leaks.extend(compare(attack, reconstructions, candidates, resamples=params.resamples, seed=seed))
    measured = tuple(declared(METRICS, estimate) for estimate in estimates(leaks))
    return CheckResult(
        kind="model_inversion",
        seed=seed,
        metrics=(*measured, *schedule.carried_forward(METRICS)),
        tables=(report.table(leaks), schedule.table()),
        artifacts=(report.figure(leaks), schedule.artifact(measured)),
        highlights=report.highlights(leaks),
        notes=report.notes(leaks, candidates, params),
        tools=versions_of(DISTRIBUTION, "numpy", "pandas", "scipy"),
    )


def _reconstruct(
    attack: str, model: Model, candidates: Candidates, params: InversionParams, seed: int
) -> Reconstructions:
    import numpy as np

    generator = np.random.default_rng(seed)
    confidence = ClassConfidence(model, candidates.distance, seed=seed, relations=candidates.relations)
    if attack == "miface":
        return miface(candidates, confidence, params, generator, seed=seed)
    return search(candidates, confidence, params, generator)
