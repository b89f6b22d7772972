"""Membership inference: do the model's answers betray which rows it was trained on?

ML04:2023 of the OWASP Machine Learning Security Top Ten, AML.T0024.000 of MITRE ATLAS. Read at few
false accusations, as Carlini et al. (2022) demand: an average over all rows hides the rows at risk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attack_library import DISTRIBUTION
from model_governance.check import Check, CheckResult, MetricSpec, Plant, Suggestion, versions_of
from model_governance.checks.membership_inference.attacks import score
from model_governance.checks.membership_inference.memorising_model import memorise
from model_governance.checks.membership_inference.params import MembershipParams
from model_governance.checks.membership_inference.rates import least_negatives
from model_governance.checks.membership_inference.report import metrics_of, pictures_of, tables_of
from model_governance.checks.membership_inference.sides import draw_sides, overlap
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.checks.membership_inference.sides import Side
    from model_governance.subject import Columns, Role, Subject

__all__ = ["CHECK", "MembershipParams"]


def measure(subject: Subject, params: MembershipParams, seed: int) -> CheckResult:
    """Try to tell rows of `train` from held-out rows by what the model says about them.

    Non-members are rows of `population` where given, otherwise of `reference`; they must come from
    the same distribution as the training rows and must not have been trained on, or the attack
    measures something else (`overlap_share` shows the obvious case).

    Raises:
        CheckError: the model has no probabilities, a side has too few rows, one class or labels
            that the model does not know.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    import numpy as np

    model = subject.require_model()
    if model.call_proba is None:
        raise CheckError(
            f"model {model.name!r} offers no class probabilities and these attacks read them; deploy it with "
            "predict_proba, or take membership_inference out of the policy"
        )
    role: Role = "population" if "population" in subject.datasets else "reference"
    members, others = draw_sides(subject, role, params.samples, np.random.default_rng(seed))
    shared = overlap(subject, role)
    scores = score(members, others, params, seed=seed)
    return CheckResult(
        kind="membership_inference",
        seed=seed,
        metrics=metrics_of(CHECK, members, others, scores, shared, params),
        tables=tables_of(members, others, scores, params),
        artifacts=pictures_of(members, others, scores, params),
        notes=_scope(members, others, shared, params),
        tools=versions_of(DISTRIBUTION, "numpy", "scikit-learn"),
    )


def _scope(members: Side, others: Side, shared: tuple[int, int], params: MembershipParams) -> tuple[str, ...]:
    """What the numbers stand for."""
    count, half = len(members.labels), len(members.labels) - len(members.labels) // 2
    notes = [
        f"non-members are rows of {others.role}: they must be held out and of the same distribution as train",
        f"seeded samples of {count:,} rows per side; every attack is scored on {half:,} of each that none was fitted on",
        "attack strength: weak (black box, no reference models); LiRA and RMIA find more, so a low value proves no privacy",
        "intervals of tpr_at_fpr take the threshold as given; rates below 0.01 deserve 5,000 non-members or more",
    ]
    if count < params.samples:
        notes.append(f"{count:,} rows per side instead of {params.samples:,}: the smaller side has no more")
    if shared[0]:
        notes.append(
            f"{shared[0]:,} of {shared[1]:,} non-member rows equal a training row in every column; no attack can tell "
            "those apart, which lowers every value here"
        )
    return tuple(notes)


def suggest(frame: pd.DataFrame, _columns: Columns) -> Suggestion:
    """Limits near what guessing gives, at the lowest false-positive rate that the rows allow."""
    samples = 5000
    fpr = 0.001 if min(len(frame), samples) // 2 >= least_negatives(0.001) else 0.01
    return Suggestion(
        params={"samples": samples, "fpr": [fpr] if fpr == 0.01 else [0.01, fpr]},
        thresholds=(
            {"metric": "tpr_at_fpr", "of": "black_box@0.01", "less_than": 0.05, "severity": "error"},
            {"metric": "attack_auc", "of": "black_box", "less_than": 0.6, "severity": "error"},
            {"metric": "accuracy_gap", "less_than": 0.1, "severity": "warn"},
            {"metric": "overlap_share", "less_than": 0.5, "severity": "warn"},
        ),
        comment=(
            "Guessing names 1% of the members at a false-positive rate of 1% and has an AUC of 0.5; the limits allow "
            "five times that and an AUC of 0.6, because these attacks are weak. A gap of accuracy is what every attack "
            "lives on. Half of the held-out rows being copies of training rows would blind the check. Non-members must "
            "be held-out rows of the training distribution: give them as datasets.population."
        ),
    )


CHECK = Check(
    kind="membership_inference",
    title="Membership inference",
    question="Do the model's answers betray which rows it was trained on?",
    params=MembershipParams,
    metrics=(
        MetricSpec(
            name="attack_auc", better="lower", unit="auc", per="attack",
            meaning="chance that a random member scores above a random non-member; 0.5 is guessing",
        ),
        MetricSpec(
            name="tpr_at_fpr", better="lower", unit="share", per="attack@false-positive rate",
            meaning="share of members named while at most the given share of non-members is accused",
        ),
        MetricSpec(
            name="advantage", better="lower", unit="share", per="attack",
            meaning="largest true- minus false-positive rate over all thresholds, on the rows that chose it",
        ),
        MetricSpec(
            name="accuracy_gap", better="lower", unit="share",
            meaning="accuracy on training rows minus accuracy on non-members",
        ),
        MetricSpec(
            name="overlap_share", better="lower", unit="share",
            meaning="share of all non-member rows that equal a training row in every feature and the label",
        ),
    ),
    roles=("train", "reference"),
    optional_roles=("population",),
    tasks=("binary_classification", "multiclass_classification"),
    measure=measure,
    plant=Plant(
        description="a model that is sure of the label of every training row and doubtful elsewhere",
        threshold={"metric": "attack_auc", "of": "black_box", "less_than": 0.7},
        apply=memorise,
        params={"samples": 400, "fpr": [0.05]},
    ),
    suggest=suggest,
)  # fmt: skip
