"""Evasion: can small, possible changes of a row flip the model's answer?

A test-time attack in the sense of Biggio et al. (2013); ML01:2023 (Input Manipulation Attack) of the
OWASP Machine Learning Security Top Ten and AML.T0015 of MITRE ATLAS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attack_library import DISTRIBUTION
from model_governance.check import Check, CheckResult, MetricSpec, Plant, Suggestion, versions_of
from model_governance.checks.evasion import gradient, hopskipjump
from model_governance.checks.evasion.fragile_model import make_fragile
from model_governance.checks.evasion.outcome import Outcome, conclude, metrics_of
from model_governance.checks.evasion.params import EvasionParams
from model_governance.checks.evasion.queries import Queries
from model_governance.checks.evasion.report import pictures_of, tables_of
from model_governance.checks.evasion.row_space import row_space
from model_governance.checks.evasion.sample import draw_donors, draw_sample, real_rows
from model_governance.checks.evasion.starts import find_starts
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.evasion.row_space import RowSpace
    from model_governance.checks.evasion.sample import Sample
    from model_governance.subject import Columns, Subject

__all__ = ["CHECK", "EvasionParams"]


def measure(subject: Subject, params: EvasionParams, seed: int) -> CheckResult:
    """Attack a seeded sample of `current` inside the policy's threat model.

    Rows that the model gets right (all rows without labels) are attacked with every attack of
    `params.attacks` that fits the model. A success is a valid row (on its grid, in its range,
    nothing immutable changed) within the budget whose prediction differs.

    Raises:
        CheckError: no row can be attacked, or the model answers one class whatever is asked.
        SubjectError, ModelMisbehaved: as `Subject.features` and `Model.predict`.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    sample = draw_sample(subject, params.samples, generator)
    frames = real_rows(subject)
    space = row_space(subject.columns, frames, categories=params.categories)
    if space.width == 0:
        return _nothing_may_move(space, seed)
    donors = draw_donors(frames[0][1], generator)
    outcomes, notes = _attack(subject, params, space, sample, donors, generator, seed)
    if not outcomes:
        return CheckResult(kind="evasion", seed=seed, status="not_applicable", reason="; ".join(notes))
    return CheckResult(
        kind="evasion",
        seed=seed,
        metrics=metrics_of(CHECK, sample, outcomes, params, seed),
        tables=tables_of(subject.columns, space, outcomes, params),
        artifacts=pictures_of(space, outcomes, params),
        notes=(*_scope(params, space), *sample.notes, *notes),
        tools=versions_of(DISTRIBUTION, "numpy", "pandas"),
    )


def _attack(
    subject: Subject, params: EvasionParams, space: RowSpace, sample: Sample, donors: pd.DataFrame,
    generator: np.random.Generator, seed: int,
) -> tuple[list[Outcome], list[str]]:  # fmt: skip
    """The outcome of every attack that fits the model, and why the others do not."""
    import numpy as np

    model = subject.require_model()
    attacked = sample.attacked
    origins = space.place(sample.frame.iloc[attacked].reset_index(drop=True))
    outcomes: list[Outcome] = []
    notes: list[str] = []
    for name in params.attacks:
        queries = Queries(model, space, origins, sample.predicted[attacked], params.norm)
        startless = np.zeros(len(attacked), dtype=bool)
        if name == "hopskipjump":
            encoded = space.place(donors).encoded
            starts = find_starts(queries, encoded, tries=params.initial_size, generator=generator)
            startless = np.isnan(starts).any(axis=1)
            if startless.all():
                _refuse_constant_model(subject, sample, donors)
            hopskipjump.attack(queries, starts, params, seed=seed)
        else:
            margins, reason = gradient.margins_of(model, origins.frame)
            if margins is None or not space.axes:
                notes.append(f"the gradient attack was left out: {reason or 'only categories may move'}")
                continue
            gradient.attack(queries, margins, params, seed=seed)
        outcomes.append(conclude(queries, name, startless))
    return outcomes, notes


def _nothing_may_move(space: RowSpace, seed: int) -> CheckResult:
    """Not applicable where the policy says so; an error where it is the data that leaves no room.

    Raises:
        CheckError: features may move, and the data show one value only.
    """
    stuck = [f"{name} ({why})" for name, why in space.fixed if why.startswith(("no range", "one value"))]
    if stuck:
        raise CheckError(
            f"no feature has room to move: {', '.join(stuck)}; state minimum and maximum in columns.features, "
            "or mark the features as not mutable"
        )
    reason = "no feature that may change: none is mutable and numeric, and categories are fixed"
    return CheckResult(kind="evasion", seed=seed, status="not_applicable", reason=reason)


def _refuse_constant_model(subject: Subject, sample: Sample, donors: pd.DataFrame) -> None:
    """Raise CheckError where the model gave one answer to everything it was ever asked."""
    import numpy as np

    model = subject.require_model()
    seen = np.unique(np.concatenate([sample.predicted, model.predict(donors)]))
    if len(seen) == 1:
        raise CheckError(
            f"model {model.name!r} answers {seen[0]!r} for all {len(sample.frame) + len(donors):,} rows and for every row "
            "the search made of them: a constant model cannot be attacked and is not robust; check the model file"
        )


def _scope(params: EvasionParams, space: RowSpace) -> tuple[str, ...]:
    """What the numbers stand for."""
    moving = f"{len(space.axes)} numeric and {len(space.choices)} category features"
    notes = [
        f"budget {params.epsilon:g} in {params.norm} over {moving}; distances are shares of the ranges in threat_model",
        "an attack that fails proves nothing: success rates are lower bounds, robust shares upper bounds",
    ]
    if params.categories == "free":
        notes.append("changed categories cost nothing of the budget; the gradient attack moves numbers only")
    observed = [one.feature for one in space.axes if one.source != "policy"]
    if observed:
        notes.append(f"ranges taken from the data, not from the policy: {', '.join(observed)}")
    return tuple(notes)


def suggest(_frame: pd.DataFrame, columns: Columns) -> Suggestion:
    """A budget of a tenth of each range, and demands that no first night can know better."""
    moving = [name for name, one in columns.features.items() if one.mutable]
    return Suggestion(
        params={"epsilon": 0.1, "samples": 100, "norm": "linf"},
        thresholds=(
            {"metric": "attack_success_rate", "less_than": 0.5, "severity": "warn"},
            {"metric": "unattacked_share", "less_than": 0.5, "severity": "warn"},
            {"metric": "robust_share", "min_absolute_change": -0.2, "severity": "error"},
        ),
        comment=(
            "There is no universal limit for robustness: the first demand only warns, the third compares with the last "
            "accepted night and leaves room for the interval of 100 rows. unattacked_share keeps a blind attack from "
            f"looking like a robust model. First say in columns.features which of {', '.join(moving[:5])}"
            f"{' ...' if len(moving) > 5 else ''} people can really change (mutable) and between which limits."
        ),
    )


CHECK = Check(
    kind="evasion",
    title="Evasion",
    question="Can small, possible changes of a row flip the model's answer?",
    params=EvasionParams,
    metrics=(
        MetricSpec(
            name="attack_success_rate", better="lower", unit="share", per="attack",
            meaning="share of attacked rows flipped within the budget; rows without any start found count as not flipped",
        ),
        MetricSpec(
            name="robust_share", better="higher", unit="share",
            meaning="share of attacked rows whose prediction survives every attack within the budget (upper bound)",
        ),
        MetricSpec(
            name="robust_accuracy", better="higher", unit="share",
            meaning="share of all sampled rows that are classified correctly and survive every attack (upper bound)",
        ),
        MetricSpec(
            name="clean_accuracy", better="higher", unit="share",
            meaning="share of all sampled rows that are classified correctly before any attack",
        ),
        MetricSpec(
            name="median_distance", better="higher", unit="share of range", per="attack",
            meaning="median size of the smallest flip found, over the rows that were flipped at any distance",
        ),
        MetricSpec(
            name="unattacked_share", better="lower", unit="share",
            meaning="share of attacked rows for which no adversarial start was found at any distance: failed, not robust",
        ),
        MetricSpec(
            name="queries_per_row", better="neither", unit="rows", per="attack",
            meaning="rows shown to the model per attacked row",
        ),
    ),
    roles=("current",),
    optional_roles=("reference",),
    tasks=("binary_classification", "multiclass_classification"),
    measure=measure,
    plant=Plant(
        description="a model whose answer flips at a push of a five-hundredth of one feature's range",
        threshold={"metric": "attack_success_rate", "of": "hopskipjump", "less_than": 0.5},
        apply=make_fragile,
        params={"attacks": ["hopskipjump"], "samples": 24, "epsilon": 0.02, "max_iterations": 3, "max_evaluations": 30},
    ),
    suggest=suggest,
)  # fmt: skip
