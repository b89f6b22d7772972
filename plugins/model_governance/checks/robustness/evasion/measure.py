"""The measurement of the evasion check: attack a seeded sample of `current` inside the policy's threat model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.attacks.relations import bind_relations
from model_governance.attacks.schedule import schedule_attacks
from model_governance.attacks.trees import NoExactAnswer, at_threshold, read_ensemble
from model_governance.checks.robustness.evasion.allowed_changes import attackable
from model_governance.checks.robustness.evasion.answers import Answers
from model_governance.checks.robustness.evasion.attacks import run_attack, select_attacks
from model_governance.checks.robustness.evasion.estimates import estimates_of
from model_governance.checks.robustness.evasion.figures import figures_of
from model_governance.checks.robustness.evasion.gains import worth_of
from model_governance.checks.robustness.evasion.gaps import refused_gaps, takes_gap
from model_governance.checks.robustness.evasion.metrics import METRICS
from model_governance.checks.robustness.evasion.pictures import pictures_of
from model_governance.checks.robustness.evasion.report import tables_of
from model_governance.checks.robustness.evasion.results import Results
from model_governance.checks.robustness.evasion.sample import draw_donors, draw_sample, real_rows
from model_governance.checks.robustness.evasion.sentences import (
    cheapest_changes,
    highlights_of,
    notes_on_rows,
    scope_of,
)
from model_governance.checks.robustness.evasion.target import Target
from model_governance.checks.robustness.evasion.threat_space import row_space
from model_governance.checks.robustness.evasion.too_few import too_few_rows
from model_governance.contract.images import pixels_of
from model_governance.contract.result import CheckResult, declared, versions_of
from model_governance.contract.slices import slice_masks
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.schedule import AttackSchedule
    from model_governance.attacks.trees import TreeModel
    from model_governance.checks.robustness.evasion.outcome import Outcome
    from model_governance.checks.robustness.evasion.params import EvasionParams
    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.checks.robustness.evasion.sample import Sample
    from model_governance.checks.robustness.evasion.sentences import Change
    from model_governance.contract.result import Artifact, Metric
    from model_governance.contract.subject import Role, Subject


def measure(subject: Subject, params: EvasionParams, seed: int) -> CheckResult:
    """Attack a seeded sample of `current` inside the policy's threat model.

    Rows of `params.rows` that the model gets right (all of them without labels, where they were chosen by their prediction,
    and of a regression) are attacked with every attack of `params.attacks` that is due, by default with all default
    attacks that fit the model. A success is a valid row within the budget whose answer flips.

    Raises:
        CheckError: no row can be attacked, an attack that the policy names does not fit the model or was cut short, or
            the model is constant.
        SubjectError, ModelMisbehaved: as `Subject.features` and `Model.predict`.
    """
    import numpy as np

    for name, problem in params.misfits(subject.task):
        raise CheckError(f"params.{name}: {problem}")
    generator = np.random.default_rng(seed)
    space, frames, sample, unanswered = _prepared(subject, params, generator)
    if space.width == 0 and not space.texts:
        return _nothing_may_move(space, seed)
    worth = worth_of(subject, params, sample)
    sample = sample if sample.too_few else attackable(sample, space, params, worth)
    if sample.too_few:
        return too_few_rows(subject, params, sample, space, seed)
    target = _target(subject, params, space, sample, draw_donors(frames[0][1], generator), seed)
    if worth is not None:
        target = replace(target, worth=worth[sample.attacked])
    names, unfit = select_attacks(target)
    schedule = schedule_attacks(names, params.budget, subject)
    outcomes = tuple(run_attack(target, name, schedule.budget(name)) for name in names if name in schedule.due)
    if outcomes and not any(len(outcome.found) for outcome in outcomes):
        _refuse_constant_model(target, sample)
    notes: list[str] = []
    masks, places = _slices(subject, params, notes), sample.chosen[sample.attacked]
    results = Results(
        sample=sample, outcomes=outcomes, params=params, seed=seed, carried_forward=schedule.carried_forward(METRICS),
        slices={name: rows[places] for name, rows in masks.items()},
        empty_slices=frozenset(name for name, rows in masks.items() if not rows.any()), worth=target.worth,
    )  # fmt: skip
    measured = tuple(declared(METRICS, estimate) for estimate in estimates_of(results))
    disclosed = subject.disclose
    changes = _changes(target, outcomes, disclosed)
    return CheckResult(
        kind="evasion",
        seed=seed,
        metrics=(*measured, *results.carried_forward),
        tables=(*tables_of(subject.columns, space, results, changes, disclosed=disclosed), schedule.table()),
        artifacts=_artifacts(target, results, schedule, measured, disclosed=disclosed),
        highlights=highlights_of(changes, params.tolerance),
        notes=(
            *notes_on_rows(sample, unanswered),
            *scope_of(params, space),
            *unfit,
            *schedule.deferred.values(),
            *notes,
        ),
        tools=versions_of("numpy", "pandas"),
    )


def _artifacts(
    target: Target,
    results: Results,
    schedule: AttackSchedule,
    measured: Sequence[Metric],
    *,
    disclosed: Collection[str],
) -> tuple[Artifact, ...]:
    """Figures, pictures of images, and the schedule where attacks rotate."""
    return (
        *figures_of(target.space, results),
        *pictures_of(target, results.outcomes, disclosed=disclosed),
        *([schedule.artifact(measured)] if schedule.rotates else []),
    )


def _prepared(
    subject: Subject, params: EvasionParams, generator: np.random.Generator
) -> tuple[RowSpace, list[tuple[Role, pd.DataFrame]], Sample, tuple[str, ...]]:
    """What an attacker can change, real rows, the rows under attack, and the columns whose gaps the model refuses."""
    threat, columns = subject.threat_model, subject.columns
    refused = refused_gaps(subject.require_model(), subject.features("current"))
    frames = real_rows(subject, refused)
    if columns.image is not None:
        for _, frame in frames:
            pixels_of(frame, columns.image)
    relations = bind_relations(threat.relations, columns, frames)
    selection = params.selection(threat.preset, subject.task)
    sample = draw_sample(subject, params.samples, generator, selection=selection, refused=refused, relations=relations)
    unanswered = _unanswered_gaps(subject, frames, refused)
    space = row_space(
        columns, frames, threat=threat, categories=params.categories, refused=unanswered, relations=relations
    )
    return space, frames, sample, unanswered


def _unanswered_gaps(
    subject: Subject, frames: list[tuple[Role, pd.DataFrame]], refused: tuple[str, ...]
) -> tuple[str, ...]:
    """Columns whose gaps the model refuses, those among them that no row shows and an attacker could make."""
    may = [name for name, entry in subject.threat_model.features.items() if entry.may_be_omitted]
    shown = {name for _, frame in frames for name in frame.columns if frame[name].isna().any()}
    model, rows = subject.require_model(), frames[-1][1]
    makes = [name for name in may if name not in (*shown, *refused) and not takes_gap(model, rows, name)]
    return (*refused, *makes)


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
        trees=_trees(subject, params, sample.frame),
    )


def _trees(subject: Subject, params: EvasionParams, frame: pd.DataFrame) -> TreeModel | NoExactAnswer:
    if params.attacks is not None and "exact" not in params.attacks:
        return NoExactAnswer("exact is not among the attacks")
    model = subject.require_model()
    trees = read_ensemble(model.native, subject.columns.names)
    if isinstance(trees, NoExactAnswer) or model.decision is None:
        return trees
    return at_threshold(trees, model.decision, frame, model.predict_proba(frame))


def _slices(subject: Subject, params: EvasionParams, notes: list[str]) -> dict[str, np.ndarray]:
    """Which rows of `current` each slice holds, so that its spelling is judged by all of them."""

    def column(name: str) -> pd.Series:
        return subject.frame("current", columns=[name])[name]

    return slice_masks(
        column, params.slices, notes=notes, what="rows of current", allow_empty=True, named=subject.keys_named("slice_")
    )


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
    reason = "no feature that may change: none is mutable and numeric, categories are fixed, and no text has edits"
    return CheckResult(kind="evasion", seed=seed, status="not_applicable", reason=reason)


def _refuse_constant_model(target: Target, sample: Sample) -> None:
    """Raise CheckError where the model gave one answer to everything it was ever asked."""
    import numpy as np

    model = target.model
    labels = np.unique(np.concatenate([sample.predicted, model.predict(target.donors)]))
    if len(labels) == 1:
        raise CheckError(
            f"model {model.name!r} gives one and the same answer for all {len(sample.frame) + len(target.donors):,} rows and "
            "for every row the search made of them: a constant model cannot be attacked and is not robust; check the "
            "model file"
        )


def _changes(target: Target, outcomes: tuple[Outcome, ...], disclosed: tuple[str, ...]) -> tuple[Change, ...]:
    if not outcomes:
        return ()
    budget = max(target.params.epsilons)
    return cheapest_changes(target.space, target.origins, outcomes, budget=budget, disclosed=disclosed)
