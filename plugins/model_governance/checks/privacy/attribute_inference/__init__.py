"""Attribute inference: does the model tell a secret about people to whoever knows the rest about them?

AML.T0024.001 (invert ML model, infer data) of MITRE ATLAS; ML03:2023 of the OWASP Machine Learning Security Top Ten. An attack that
names an attribute of four people in five proves nothing: other features may say as much without any model. So every
attack stands beside imputation, on the same rows, and members beside non-members (Jayaraman and Evans, 2022).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.access import restrict_outputs
from model_governance.attacks.art_toolbox import DISTRIBUTION
from model_governance.attacks.schedule import plan_attacks, plan_lookback
from model_governance.checks.privacy.attribute_inference.attacks import Attacker
from model_governance.checks.privacy.attribute_inference.params import AttributeParams
from model_governance.checks.privacy.attribute_inference.people import draw_people, target_of
from model_governance.checks.privacy.attribute_inference.pictures import picture_of
from model_governance.checks.privacy.attribute_inference.report import Attacked, highlights_of, numbers_of, tables_of
from model_governance.checks.privacy.attribute_inference.telling_model import recognise
from model_governance.checks.privacy.attribute_inference.vocabulary import METRICS
from model_governance.contract.check import Check, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, versions_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.schedule import Plan
    from model_governance.checks.privacy.attribute_inference.people import Rows
    from model_governance.contract.subject import Columns, Subject

__all__ = ["CHECK", "AttributeParams"]

FEW, MANY = 2, 10


def measure(subject: Subject, params: AttributeParams, seed: int) -> CheckResult:
    """Try to learn each sensitive attribute of the people in train, with the model and without it.

    Non-members are rows of `population` where given, otherwise of `reference`; half of those at most are the
    attacker's own, and he is never scored on them.

    Raises:
        CheckError: an attribute has one value only, a side has too few rows, an attack cannot run.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    import numpy as np

    plan = plan_attacks(params.attacks, params.effort, subject)
    generator = np.random.default_rng(seed)
    people = draw_people(subject, params, generator)
    found = [_attacked(subject, people, one, plan, params, generator, seed) for one in params.sensitive]
    measured = tuple(CHECK.declared(number) for one in found for number in numbers_of(one))
    return CheckResult(
        kind="attribute_inference",
        seed=seed,
        metrics=(*measured, *plan.carried(CHECK.metrics)),
        tables=(*tables_of(found), plan.table()),
        artifacts=(*(picture_of(one) for one in found), plan.artifact(measured)),
        highlights=highlights_of(found),
        notes=_notes(found, params),
        tools=versions_of(DISTRIBUTION, "numpy", "pandas", "scikit-learn", "scipy"),
    )


def _attacked(
    subject: Subject, people: Mapping[str, Rows], column: str, plan: Plan, params: AttributeParams,
    generator: np.random.Generator, seed: int,
) -> Attacked:  # fmt: skip
    target = target_of(subject, people, column, params=params, generator=generator)
    attacker = Attacker(target, restrict_outputs(subject.require_model(), params.attacker_access), seed=seed)
    return Attacked(
        target=target,
        majority=attacker.majority(),
        imputation=attacker.imputation(),
        attacks=tuple(attacker.attack(name, plan.effort(name)) for name in plan.due),
    )


def _notes(found: Sequence[Attacked], params: AttributeParams) -> tuple[str, ...]:
    """What the numbers stand for."""
    first = found[0].target
    members, others, own = (len(one.truth) for one in (first.members, first.others, first.attacker))
    role, hidden = first.others.rows.role, _unknown(params)
    notes = [
        f"Members are {members:,} rows of train, non-members {others:,} of {role}; the attacker has {own:,} more of those.",
        f"He knows their attribute, and of everybody the true label and every other feature{hidden}.",
        "Imputation and the attacks that learn are gradient boosting on the attacker's rows; more rows make both better.",
    ]
    notes.extend(params.attacker_access.limits)
    for one in found:
        if one.target.left_out:
            notes.append(
                f"{one.column}: {one.target.left_out:,} rows have none of its frequent values and are left out."
            )
        wanted = len(one.imputation.members)
        notes.extend(
            f"{attack.method} on {one.column} reached {len(attack.members):,} of {wanted:,} members with its queries."
            for attack in one.attacks
            if len(attack.members) < wanted
        )
    return tuple(notes)


def _unknown(params: AttributeParams) -> str:
    hidden = [f"{', '.join(others)} where {name} is attacked" for name, others in params.unknown.items()]
    return f", except {'; '.join(hidden)}" if hidden else ""


def suggest(frame: pd.DataFrame, columns: Columns) -> Suggestion:
    """Attributes with few values, those first that a person cannot change; the owner must choose."""
    few = [one for one in columns.names if FEW <= frame[one].nunique() <= MANY]
    fixed = [one for one in few if not columns.features[one].mutable]
    chosen = (fixed or few or list(columns.names))[:2]
    asking = [{"metric": "attack_gain", "key": f"bayes@{one}", "less_than": 0.1, "severity": "error"} for one in chosen]
    hearing = [
        {"metric": "attack_gain", "key": f"output@{one}", "less_than": 0.3, "severity": "warn"} for one in chosen
    ]
    return Suggestion(
        params={"sensitive": chosen},
        thresholds=({"metric": "member_gap", "less_than": 0.1, "severity": "error"}, *asking, *hearing),
        comment=(
            f"Attacks {', '.join(chosen)}, because few values can be told apart: name what your customers would not "
            "want told, and under unknown what gives it away but no attacker knows. member_gap is what the model "
            "remembers of single people, attack_gain what it gives away beyond imputation; ten points stop a night. An "
            "answer of many decimals tells much of every feature that it was made of (output): set "
            "attacker_access.decimals to what your endpoint gives. Non-members should be held-out rows of the training distribution: give them as "
            "datasets.population."
        ),
    )


CHECK = Check(
    kind="attribute_inference",
    title="Attribute inference",
    question="Does the model tell a secret about people to whoever knows the rest about them?",
    params=AttributeParams,
    metrics=METRICS,
    roles=("train", "reference"),
    optional_roles=("population",),
    tasks=("binary_classification", "multiclass_classification", "regression"),
    needs_labels=True,
    lookback=lambda params: plan_lookback(params.effort),
    measure=measure,
    self_test=SelfTest(
        description="a model that recognises every training row, and doubts once the region is changed",
        threshold={"metric": "attack_gain", "key": "confidence@region", "less_than": 0.25},
        apply=recognise,
        params={"sensitive": ["region"]},
    ),
    suggest=suggest,
)
