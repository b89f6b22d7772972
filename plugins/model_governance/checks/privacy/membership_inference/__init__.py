"""Membership inference: do the model's answers betray which rows it was trained on?

ML04:2023 of the OWASP Machine Learning Security Top Ten, AML.T0024.000 of MITRE ATLAS. Read at few
false accusations, as Carlini et al. (2022) demand: an average over all rows hides the rows at risk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.art_toolbox import DISTRIBUTION
from model_governance.attacks.schedule import schedule_attacks, schedule_lookback
from model_governance.checks.privacy.membership_inference import kept_answers, metrics, pictures, tables
from model_governance.checks.privacy.membership_inference.attacks import WITH_REFERENCES, allow, default_attacks
from model_governance.checks.privacy.membership_inference.audit import draw_audit
from model_governance.checks.privacy.membership_inference.declared import METRICS
from model_governance.checks.privacy.membership_inference.memorising_model import memorise
from model_governance.checks.privacy.membership_inference.params import MembershipParams
from model_governance.checks.privacy.membership_inference.rates import least_negatives
from model_governance.checks.privacy.membership_inference.rounds import run_attacks
from model_governance.checks.privacy.membership_inference.words import highlights, notes
from model_governance.contract.check import Advice, Check, Lookback, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, versions_of
from model_governance.contract.slices import slice_masks

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.contract.result import Estimate
    from model_governance.contract.subject import Columns, Subject

__all__ = ["CHECK", "MembershipParams"]


def measure(subject: Subject, params: MembershipParams, seed: int) -> CheckResult:
    """Try to tell rows of `train` from held-out rows by what the model says about them.

    Non-members are rows of `population` where given, otherwise of `reference`; they must come from
    the same distribution as the training rows and must not have been trained on, or the attack
    measures something else (`overlap_share` shows the obvious case).

    `seed` only names the run: every draw follows from the model, the rows and `params.draw`, so that a second
    night on the same model finds the same numbers and need not train the reference models again.

    Raises:
        CheckError: an attack that the policy names cannot run on this model or within its budget; a side has too
            few rows, one class, or labels that the model does not know.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    model = subject.require_model()
    attacks = params.attacks or default_attacks(model)
    allow(model, attacks, models=params.reference_models)
    schedule = schedule_attacks(attacks, params.budgets, subject)
    audit = draw_audit(subject, params)
    scores, copies = run_attacks(subject, audit, params, schedule)
    remarks: list[str] = []
    found = [CHECK.declared(one) for one in _estimates(subject, audit, scores, params, attacks[0], remarks)]
    exposed = tables.exposed_rows(scores[0], audit, params) if scores and scores[0].attack == attacks[0] else None
    kept = [kept_answers.keep(copies.answers)] if copies.answers else []
    return CheckResult(
        kind="membership_inference",
        seed=seed,
        metrics=(
            *found,
            *schedule.carried_forward(CHECK.metrics),
            *(CHECK.declared(one) for one in metrics.of_sides(audit)),
        ),
        tables=(
            tables.attacks_table(scores, decides=attacks[0]),
            tables.operating_points(scores, params),
            *([exposed] if exposed else []),
            tables.sides_table(audit),
            *([schedule.table()] if schedule.rotates or params.budget else []),
        ),
        artifacts=(
            *([pictures.roc_picture(scores, params)] if scores else []),
            pictures.sureness_picture(audit),
            *kept,
            *([schedule.artifact(found)] if schedule.rotates else []),
        ),
        highlights=highlights(scores, params, decides=attacks[0]),
        notes=(*notes(audit, scores, copies, params, decides=attacks[0]), *remarks),
        tools=versions_of(DISTRIBUTION, "numpy", "scikit-learn"),
    )


def _estimates(
    subject: Subject, audit: Audit, scores: list[Scores], params: MembershipParams, decides: str, remarks: list[str]
) -> Iterator[Estimate]:
    """What every attack of tonight found, and what only the deciding one is asked."""
    for one in scores:
        yield from metrics.of_attack(one, params)
        if one.attack == decides:
            yield from metrics.of_decider(one, audit, params)
            yield from metrics.of_slices(one, _slices(subject, audit, one, params, remarks), params)


def _slices(
    subject: Subject, audit: Audit, one: Scores, params: MembershipParams, remarks: list[str]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Which scored members and non-members fall into each slice."""
    import pandas as pd

    sides = (audit.members, audit.others)

    def column(name: str) -> pd.Series:
        parts = [subject.frame(side.role, columns=[name])[name].iloc[side.positions] for side in sides]
        return pd.concat(parts, ignore_index=True)

    count = len(audit.members)
    masks = slice_masks(column, params.slices, notes=remarks, what="audited rows")
    return {
        name: (mask[:count][one.places[0]], mask[count:][one.places[1]]) for name, mask in masks.items()
    }  # fmt: skip


def look_back(params: MembershipParams) -> tuple[Lookback, ...]:
    """What reference models said on an earlier night, and the schedule of the attacks that rest on some nights."""
    wanted: list[Lookback] = []
    if params.attacks is None or set(params.attacks) & set(WITH_REFERENCES):
        # A night that stopped trained its copies no worse.
        wanted.append(Lookback(artifact=kept_answers.FILE, runs=1, accepted=False))
    rotation = schedule_lookback(params.budgets)
    return (*wanted, *([rotation] if rotation else []))


def suggest(frame: pd.DataFrame, _columns: Columns) -> Suggestion:
    """Limits near what guessing gives, at the lowest false-positive rate that the rows allow."""
    samples = 5000
    half = min(len(frame), samples) // 2  # what the attack that learns leaves to be scored
    fpr = next((one for one in (0.01, 0.05, 0.1) if half >= least_negatives(one)), 0.2)
    return Suggestion(
        params={"samples": samples, "fpr": [fpr]},
        thresholds=(
            {"metric": "tpr_at_fpr", "less_than": min(0.9, 5 * fpr), "severity": "error"},
            {"metric": "attack_auc", "less_than": 0.6, "severity": "error"},
            {"metric": "overlap_share", "less_than": 0.5, "severity": "warn"},
        ),
        comment=(
            f"Guessing names {fpr:.0%} of the members at a false-positive rate of {fpr:.0%} and has an AUC of 0.5; the limits "
            "allow five times that and an AUC of 0.6. They hold for every attack that the model allows: give a limit for "
            "one with of, such as rmia@0.01. Half of the held-out rows being copies of training rows would blind the "
            "check. Non-members must be held-out rows of the training distribution: give them as datasets.population."
        ),
    )


CHECK = Check(
    kind="membership_inference",
    title="Membership inference",
    question="Do the model's answers betray which rows it was trained on?",
    params=MembershipParams,
    metrics=METRICS,
    roles=("train", "reference"),
    optional_roles=("population",),
    tasks=("binary_classification", "multiclass_classification", "regression", "forecasting"),
    measure=measure,
    lookback=look_back,
    self_test=SelfTest(
        description="a model that is sure of the label of every training row and doubtful elsewhere",
        threshold={"metric": "attack_auc", "key": "black_box", "less_than": 0.7},
        apply=memorise,
        params={"samples": 400, "fpr": [0.05]},
    ),
    suggest=suggest,
    advice=Advice(
        rank=90,
        title="Keep the model's scores internal.",
        text="They reveal who was in the training data. Publish labels only, or retrain with stronger regularisation.",
    ),
    cost="Minutes; trains `reference_models` copies of the model, and grows with `samples`; a budget per attack spreads them over runs.",
    not_calibrated="an attack costs minutes per window, and measures the model's training, not the data of one run",
)
