"""Model extraction: how good a copy of the model do its answers make, and how many does it take?

ML05:2023 of the OWASP Machine Learning Security Top Ten (model theft), AML.T0024.002 of MITRE ATLAS. A simple model is
always copied well, and whoever has labelled rows needs no model to learn the same thing: so every copy stands beside
one that learnt from the true labels of as many rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.attacks.access import predicted_labels, restrict_outputs
from model_governance.attacks.art_toolbox import DISTRIBUTION
from model_governance.attacks.schedule import metered, plan_attacks, plan_lookback
from model_governance.checks.privacy.model_extraction.comparison import HeldOut
from model_governance.checks.privacy.model_extraction.params import LEAST_BUDGET, ExtractionParams
from model_governance.checks.privacy.model_extraction.public_rows import draw_public
from model_governance.checks.privacy.model_extraction.report import (
    compare,
    highlights_of,
    numbers_of,
    picture_of,
    table_of,
)
from model_governance.checks.privacy.model_extraction.theft import learn_from_labels, steal
from model_governance.checks.privacy.model_extraction.vocabulary import METRICS
from model_governance.contract.check import Check, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, versions_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.model_extraction.public_rows import Public
    from model_governance.contract.subject import Columns, Subject

__all__ = ["CHECK", "ExtractionParams"]


def measure(subject: Subject, params: ExtractionParams, seed: int) -> CheckResult:
    """Copy the model from its answers at every budget, and compare copies on held-out rows.

    Public rows are `population` where given, otherwise `reference`; half of them at most is held out.

    Raises:
        CheckError: too few rows, labels that the model does not know, or an attack that cannot run.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    import numpy as np

    plan = plan_attacks(params.attacks, params.effort, subject)
    public = draw_public(subject, params, np.random.default_rng(seed))
    model = restrict_outputs(subject.require_model(), params.attacker_access)
    held_out = _held_out(subject, public, params, seed)
    classes = len(model.classes)
    baselines = {one: learn_from_labels(public, one, classes=classes, seed=seed) for one in params.budgets}
    stolen = []
    for name in plan.due:
        counted, meter = metered(model, plan.effort(name), attack=name)
        stolen.extend(steal(name, counted, meter, public, budgets=params.budgets, seed=seed))
    found = compare(stolen, baselines, held_out)
    measured = tuple(CHECK.declared(one) for one in numbers_of(found, baselines, held_out))
    return CheckResult(
        kind="model_extraction",
        seed=seed,
        metrics=(*measured, *plan.carried(CHECK.metrics)),
        tables=(table_of(found, baselines, held_out), plan.table()),
        artifacts=(picture_of(found, baselines, held_out), plan.artifact(measured)),
        highlights=highlights_of(found, held_out),
        notes=_notes(public, params),
        tools=versions_of(DISTRIBUTION, "numpy", "pandas", "scikit-learn", "scipy"),
    )


def _held_out(subject: Subject, public: Public, params: ExtractionParams, seed: int) -> HeldOut:
    """What the model says of the held-out rows: its likeliest class where it has probabilities, else its prediction."""
    model = subject.require_model()
    graded = model.call_proba is not None and params.attacker_access.outputs == "probabilities"
    decisions = (
        model.predict_proba(public.held_out).argmax(axis=1) if graded else predicted_labels(model, public.held_out)
    )
    return HeldOut(
        matrix=public.design.matrix(public.held_out), decisions=decisions, classes=len(model.classes),
        resamples=params.resamples, seed=seed,
    )  # fmt: skip


def _notes(public: Public, params: ExtractionParams) -> tuple[str, ...]:
    compared, own, role = len(public.held_out), len(public.labels), public.role
    notes = [
        f"Copies are compared with the model on {compared:,} rows of {role} that nobody asked about.",
        f"An attacker has {own:,} other rows of {role}; synthetic rows are made of single columns of those.",
        "A surrogate is linear or gradient boosting, whichever agrees better with a third of the answers held back.",
    ]
    notes.extend(params.attacker_access.limits)
    return tuple(notes)


def suggest(frame: pd.DataFrame, _columns: Columns) -> Suggestion:
    """Budgets that the rows allow, and a limit on what answers give away beyond labels."""
    pool = len(frame) - len(frame) // 2
    budgets = [one for one in (100, 300, 1000) if one <= pool] or [max(LEAST_BUDGET, pool)]
    return Suggestion(
        params={"budgets": budgets},
        thresholds=(
            {"metric": "fidelity_gain", "key": f"public@{budgets[-1]}", "less_than": 0.25, "severity": "warn"},
        ),
        comment=(
            "fidelity says how well a copy agrees with the model: above 90% for every simple model, so it makes no "
            f"limit. What {budgets[-1]:,} answers give away beyond as many true labels does: a quarter of all "
            "decisions is a custom, not a law. Fewer decimals, labels alone and a limit on questions bring it down; "
            "attacker_access says what your endpoint returns."
        ),
    )


def _keep_a_secret_rule(subject: Subject) -> Subject:
    """A model that decides by age alone, which the labels of the world do not follow."""
    model = subject.require_model()

    def chances(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        sure = np.where(frame["age"].to_numpy() > 54, 0.95, 0.05)
        return np.column_stack([1 - sure, sure])

    def answer(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        return np.array(model.classes)[chances(frame).argmax(axis=1)]

    return replace(subject, model=replace(model, native=None, call=answer, call_proba=chances))


CHECK = Check(
    kind="model_extraction",
    title="Model extraction",
    question="How good a copy of the model do its answers make?",
    params=ExtractionParams,
    metrics=METRICS,
    roles=("reference",),
    optional_roles=("population",),
    tasks=("binary_classification", "multiclass_classification", "regression"),
    needs_labels=True,
    lookback=lambda params: plan_lookback(params.effort),
    measure=measure,
    self_test=SelfTest(
        description="a secret rule on age that no label follows, and a hundred answers give away",
        threshold={"metric": "fidelity_gain", "key": "public@100", "less_than": 0.25},
        apply=_keep_a_secret_rule,
        params={"budgets": [100]},
    ),
    suggest=suggest,
)
