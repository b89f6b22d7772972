"""Model inversion: can rows of training be rebuilt from the model's answers?

AML.T0024.001 of MITRE ATLAS, ML03:2023 of the OWASP Machine Learning Security Top Ten. A model of broad classes gives back an average, which
anybody can compute from public rows; a model that memorises gives single rows back; a model whose class is one
person gives that person back without remembering a row. The two numbers here tell these apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.access import restrict_outputs
from model_governance.attacks.art_toolbox import DISTRIBUTION
from model_governance.attacks.schedule import metered, plan_attacks, plan_lookback
from model_governance.checks.privacy.model_inversion.attempts import search
from model_governance.checks.privacy.model_inversion.confidence import Confidence
from model_governance.checks.privacy.model_inversion.ground import survey
from model_governance.checks.privacy.model_inversion.memory import gain, nearness
from model_governance.checks.privacy.model_inversion.miface import miface
from model_governance.checks.privacy.model_inversion.params import InversionParams
from model_governance.checks.privacy.model_inversion.report import (
    Rebuilt,
    highlights_of,
    numbers_of,
    picture_of,
    table_of,
)
from model_governance.checks.privacy.model_inversion.returning_model import give_back
from model_governance.checks.privacy.model_inversion.vocabulary import METRICS
from model_governance.contract.check import Check, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, versions_of
from model_governance.stats.intervals import bootstrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.model_inversion.attempts import Attempts
    from model_governance.checks.privacy.model_inversion.ground import Ground
    from model_governance.contract.subject import Columns, Model, Subject

__all__ = ["CHECK", "InversionParams"]


def measure(subject: Subject, params: InversionParams, seed: int) -> CheckResult:
    """Rebuild rows of every class, and see how near they come to rows of train, of others, and to a public average.

    Half of `population` where given, otherwise of `reference`, is public and the attacker's; the other half is held
    out to compare with.

    Raises:
        CheckError: too few rows, no class with enough training rows, or an attack that cannot run.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    import numpy as np

    plan = plan_attacks(params.attacks, params.effort, subject)
    ground = survey(subject, params, np.random.default_rng(seed))
    model = restrict_outputs(subject.require_model(), params.attacker_access)
    found: list[Rebuilt] = []
    for name in plan.due:
        counted, _ = metered(model, plan.effort(name), attack=name)
        # Each attack draws for itself, so that one that rests changes nothing for another.
        attempts = _attempt(name, counted, ground, params, seed)
        found.extend(_compare(name, attempts, ground, params, seed))
    measured = tuple(CHECK.declared(one) for one in numbers_of(found))
    return CheckResult(
        kind="model_inversion",
        seed=seed,
        metrics=(*measured, *plan.carried(CHECK.metrics)),
        tables=(table_of(found), plan.table()),
        artifacts=(picture_of(found), plan.artifact(measured)),
        highlights=highlights_of(found),
        notes=_notes(found, ground, params),
        tools=versions_of(DISTRIBUTION, "numpy", "pandas", "scipy"),
    )


def _attempt(name: str, model: Model, ground: Ground, params: InversionParams, seed: int) -> Attempts:
    import numpy as np

    generator, confidence = np.random.default_rng(seed), Confidence(model, ground.measure, seed=seed)
    if name == "miface":
        return miface(ground, confidence, params, generator, seed=seed)
    return search(ground, confidence, params, generator)


def _compare(name: str, attempts: Attempts, ground: Ground, params: InversionParams, seed: int) -> list[Rebuilt]:
    import numpy as np

    found = []
    for one in ground.classes:
        own = np.flatnonzero(attempts.wanted == one.number)
        rows, reached = attempts.rows.iloc[own].reset_index(drop=True), attempts.reached[own]
        generator = np.random.default_rng(seed)
        near = nearness(rows, one, ground.measure, resamples=params.resamples, generator=generator)
        value, interval = gain(rows, one, ground.measure, resamples=params.resamples, generator=generator)
        mean, limits = _mean(reached, resamples=params.resamples, seed=seed)
        found.append(
            Rebuilt(
                attack=name, one=one, restarts=len(own), reached=mean, reached_interval=limits,
                nearness=near, gain=value, gain_interval=interval, cut=attempts.cut,
            )
        )  # fmt: skip
    return found


def _mean(values: np.ndarray, *, resamples: int, seed: int) -> tuple[float, tuple[float, float]]:
    """Mean over restarts with its bootstrap interval."""
    mean = float(values.mean())
    limits = bootstrap(lambda rows: float(values[rows].mean()), len(values), seed=seed, resamples=resamples)
    return mean, limits or (mean, mean)


def _notes(found: Sequence[Rebuilt], ground: Ground, params: InversionParams) -> tuple[str, ...]:
    public, role = len(ground.public), ground.role
    notes = [
        f"{params.restarts} reconstructions of each class start from {public:,} public rows of {role} and their average.",
        "Their values stay within those of public rows.",
        "Distances are Gower's: the mean over columns of differences between 0 and 1.",
    ]
    notes.extend(params.attacker_access.limits)
    notes.extend(
        f"{name} was cut by its budget of queries; what it had reached counts."
        for name in sorted({one.attack for one in found if one.cut})
    )
    return tuple(notes)


def suggest(_frame: pd.DataFrame, _columns: Columns) -> Suggestion:
    """Limits on rows that come back, and on classes that can be rebuilt."""
    return Suggestion(
        params={"attacks": ["search"]},
        thresholds=(
            {"metric": "nearest_training_distance_ratio", "geq_to": 0.5, "severity": "error"},
            {"metric": "inversion_gain", "less_than": 0.25, "severity": "warn"},
        ),
        comment=(
            "1 is the ratio of a model that remembers no single row; at one half its rows come back. A gain above a "
            "quarter says that a class looks like its reconstructions: fine for wheat and barley, not for a class "
            "that is one person. Held-out rows must be of the training distribution: give them as datasets.population."
        ),
    )


CHECK = Check(
    kind="model_inversion",
    title="Model inversion",
    question="Can rows of training be rebuilt from the model's answers?",
    params=InversionParams,
    metrics=METRICS,
    roles=("train", "reference"),
    optional_roles=("population",),
    tasks=("binary_classification", "multiclass_classification"),
    needs_labels=True,
    lookback=lambda params: plan_lookback(params.effort),
    measure=measure,
    self_test=SelfTest(
        description="a model that is the surer, the nearer a row lies to one that it was trained on",
        threshold={"metric": "nearest_training_distance_ratio", "geq_to": 0.4},
        apply=give_back,
    ),
    suggest=suggest,
)
