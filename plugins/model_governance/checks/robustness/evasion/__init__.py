"""Evasion: can small, possible changes of a row flip the model's answer?

A test-time attack in the sense of Biggio et al. (2013); ML01:2023 (Input Manipulation Attack) of the
OWASP Machine Learning Security Top Ten and AML.T0015 of MITRE ATLAS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.schedule import schedule_attacks, schedule_lookback
from model_governance.attacks.trees import NoExactAnswer, read_ensemble
from model_governance.checks.robustness.evasion.answers import Answers
from model_governance.checks.robustness.evasion.capability import row_space
from model_governance.checks.robustness.evasion.declaration import METRICS, SELF_TEST, suggest
from model_governance.checks.robustness.evasion.measured import Measured
from model_governance.checks.robustness.evasion.metrics import estimates_of
from model_governance.checks.robustness.evasion.params import EvasionParams
from model_governance.checks.robustness.evasion.pictures import pictures_of
from model_governance.checks.robustness.evasion.report import tables_of
from model_governance.checks.robustness.evasion.roster import carry_out, chosen
from model_governance.checks.robustness.evasion.sample import draw_donors, draw_sample, real_rows
from model_governance.checks.robustness.evasion.target import Target
from model_governance.checks.robustness.evasion.words import cheapest_changes
from model_governance.contract.check import Advice, Check
from model_governance.contract.result import CheckResult, versions_of
from model_governance.contract.slices import slice_masks
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.attacks.trees import TreeModel
    from model_governance.checks.robustness.evasion.outcome import Outcome
    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.checks.robustness.evasion.sample import Sample
    from model_governance.checks.robustness.evasion.words import Change
    from model_governance.contract.subject import Subject

__all__ = ["CHECK", "EvasionParams"]


def measure(subject: Subject, params: EvasionParams, seed: int) -> CheckResult:
    """Attack a seeded sample of `current` inside the policy's threat model.

    Rows that the model gets right (all rows without labels, and all of a regression) are attacked with every
    attack of `params.attacks` that is due, by default with all that fit the model. A success is a valid row within
    the budget whose answer flips.

    Raises:
        CheckError: no row can be attacked, an attack that the policy names does not fit the model, or the model answers
            the same whatever is asked.
        SubjectError, ModelMisbehaved: as `Subject.features` and `Model.predict`.
    """
    import numpy as np

    _require_tolerance(subject, params)
    generator = np.random.default_rng(seed)
    sample = draw_sample(subject, params.samples, generator)
    frames = real_rows(subject)
    space = row_space(subject.columns, frames, threat=subject.threat_model, categories=params.categories)
    if space.width == 0:
        return _nothing_may_move(space, seed)
    target = _target(subject, params, space, sample, draw_donors(frames[0][1], generator), seed)
    names, left_out = chosen(target)
    schedule = schedule_attacks(names, params.budget, subject)
    outcomes = tuple(carry_out(target, name, schedule.budget(name)) for name in names if name in schedule.due)
    if outcomes and not any(len(one.found) for one in outcomes):
        _refuse_constant_model(target, sample)
    notes: list[str] = []
    slices = _slices(subject, sample, params, notes)
    found = Measured(
        sample=sample,
        outcomes=outcomes,
        params=params,
        seed=seed,
        slices=slices,
        carried=schedule.carried_forward(CHECK.metrics),
    )
    measured = tuple(CHECK.declared(one) for one in estimates_of(found))
    disclose = subject.disclose
    changes = _changes(target, outcomes, disclose)
    return CheckResult(
        kind="evasion",
        seed=seed,
        metrics=(*measured, *found.carried),
        tables=(*tables_of(subject.columns, space, found, changes, disclose=disclose), schedule.table()),
        artifacts=(*pictures_of(space, found), *([schedule.artifact(measured)] if schedule.rotates else [])),
        highlights=_told(changes, params),
        notes=(*_scope(params, space), *sample.notes, *left_out, *schedule.deferred.values(), *notes),
        tools=versions_of("numpy", "pandas"),
    )


def _require_tolerance(subject: Subject, params: EvasionParams) -> None:
    """Say what a flip of a regression is before anything runs.

    Raises:
        CheckError: a regression without tolerance, or a classification with one.
    """
    if subject.task == "regression" and params.tolerance is None:
        raise CheckError(
            "a regression has no classes that could flip: set params.tolerance to the change of the prediction "
            f"(in units of {subject.columns.target or 'the target'}) that would matter"
        )
    if subject.task != "regression" and params.tolerance is not None:
        raise CheckError(f"params.tolerance is for regression, and the model's task is {subject.task}; remove it")


def _target(
    subject: Subject, params: EvasionParams, space: RowSpace, sample: Sample, donors: pd.DataFrame, seed: int
) -> Target:
    attacked = sample.attacked
    return Target(
        model=subject.require_model(),
        columns=subject.columns,
        space=space,
        origins=space.place(sample.frame.iloc[attacked].reset_index(drop=True)),
        answers=Answers(predicted=sample.predicted[attacked], tolerance=params.tolerance),
        donors=donors,
        params=params,
        seed=seed,
        trees=_trees(subject, params),
    )


def _trees(subject: Subject, params: EvasionParams) -> TreeModel | NoExactAnswer:
    if params.attacks is not None and "exact" not in params.attacks:
        return NoExactAnswer("exact is not among the attacks")
    return read_ensemble(subject.require_model().native, subject.columns.names)


def _slices(subject: Subject, sample: Sample, params: EvasionParams, notes: list[str]) -> dict[str, np.ndarray]:
    """Which attacked rows each slice holds; the spelling of a slice is judged by all rows of `current`."""
    places = sample.chosen[sample.attacked]

    def column(name: str) -> pd.Series:
        return subject.frame("current", columns=[name])[name]

    masks = slice_masks(column, params.slices, notes=notes, what="rows of current")
    return {name: rows[places] for name, rows in masks.items()}


def _nothing_may_move(space: RowSpace, seed: int) -> CheckResult:
    """Not applicable where the policy says so; an error where it is the data that leaves no room.

    Raises:
        CheckError: features may move, and the data show one value only.
    """
    stuck = [f"{name} ({why})" for name, why in space.fixed if why.startswith(("no range", "one value"))]
    if stuck:
        raise CheckError(
            f"no feature has room to move: {', '.join(stuck)}; state minimum and maximum in threat_model.features or "
            "columns.features, or mark the features as not mutable"
        )
    reason = "no feature that may change: none is mutable and numeric, and categories are fixed"
    return CheckResult(kind="evasion", seed=seed, status="not_applicable", reason=reason)


def _refuse_constant_model(target: Target, sample: Sample) -> None:
    """Raise CheckError where the model gave one answer to everything it was ever asked."""
    import numpy as np

    model = target.model
    seen = np.unique(np.concatenate([sample.predicted, model.predict(target.donors)]))
    if len(seen) == 1:
        raise CheckError(
            f"model {model.name!r} gives one and the same answer for all {len(sample.frame) + len(target.donors):,} rows and "
            "for every row the search made of them: a constant model cannot be attacked and is not robust; check the "
            "model file"
        )


def _changes(target: Target, outcomes: tuple[Outcome, ...], disclose: tuple[str, ...]) -> tuple[Change, ...]:
    if not outcomes:
        return ()
    budget = max(target.params.epsilons)
    return cheapest_changes(target.space, target.origins, outcomes, budget=budget, disclose=disclose)


def _told(changes: tuple[Change, ...], params: EvasionParams) -> tuple[str, ...]:
    """The three cheapest changes as sentences."""
    flips = (
        "flips the decision" if params.tolerance is None else f"moves the prediction by more than {params.tolerance:g}"
    )
    return tuple(
        f"{one.words} {flips}" + (f" (the cheapest of {one.rows} rows with these changes)" if one.rows > 1 else "")
        for one in changes[:3]
    )


def _scope(params: EvasionParams, space: RowSpace) -> tuple[str, ...]:
    """What the numbers stand for."""
    moving = f"{len(space.axes)} numeric and {len(space.choices)} category features"
    unit = "units of cost" if params.norm == "cost" else "shares of the ranges in threat_model"
    listed = ", ".join(f"{one:g}" for one in params.epsilons)
    notes = [
        f"budget {listed} in {params.norm} over {moving}; distances are {unit}",
        "an attack that fails proves nothing: success rates are lower bounds, robust shares upper bounds",
    ]
    if space.choices and params.norm != "cost":
        notes.append("changed categories cost nothing of the budget; the gradient attack moves numbers only")
    observed = [one.feature for one in space.axes if one.source != "policy"]
    if observed:
        notes.append(f"ranges taken from the data, not from the policy: {', '.join(observed)}")
    return tuple(notes)


CHECK = Check(
    kind="evasion",
    title="Evasion",
    question="Can small, possible changes of a row flip the model's answer?",
    params=EvasionParams,
    metrics=METRICS,
    roles=("current",),
    optional_roles=("reference",),
    tasks=("binary_classification", "multiclass_classification", "regression"),
    lookback=lambda params: schedule_lookback(params.budget),
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    advice=Advice(
        rank=80,
        title="Read what the attack found.",
        text="Where predictions flip within the budget, the report shows which columns cause it: bound them, or harden the model. Rows without a flip prove nothing by themselves: see whether the exact search covers them, or let more features change.",
    ),
    cost="Minutes; grows with `samples` times the queries of each attack (`max_iterations`, `max_evaluations`); a budget per attack spreads them over runs.",
    not_calibrated="an attack costs minutes per window, and its noise is that of the attack, not of the data",
)
