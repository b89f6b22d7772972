"""Rows that belong together, and noise between runs: what they add to the variance of every column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.params import NOISE_RUNS
from model_governance.engine.dependence import (
    Dependence,
    DesignEffect,
    combined,
    design_effects,
)
from model_governance.engine.rebin import common_cells, is_resolved
from model_governance.engine.run_noise import noise_between_runs
from model_governance.stats.overdispersion import LEAST_RUNS, NEWEST, learnt_runs

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from model_governance.checks.data.data_drift.comparison import Comparison
    from model_governance.checks.data.data_drift.windows import PreviousProfiles, WindowReference
    from model_governance.contract.subject import Subject
    from model_governance.engine.profiles import ColumnProfile, Profile
    from model_governance.engine.relation import Relation

WORTH_A_NOTE = 1.2
LEAST_CLUSTERS = 200
"""Distinct values from which a design effect of 1.2 is no chance."""
MOST_CLUSTERS = 0.8
"""Distinct values per row up to which a column may name customers, machines or sessions."""
MAX_CANDIDATES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDependence:
    """Dependence of each column's values and of its missing ones, and notes on where it comes from.

    `clusters` is what dependent rows alone add, and `runs` the earlier runs of a column that noise is learnt from.
    """

    values: Mapping[str, Dependence] = field(default_factory=dict)
    clusters: Mapping[str, Dependence] = field(default_factory=dict)
    runs: Mapping[str, tuple[ColumnProfile, ...]] = field(default_factory=dict)
    missing: Mapping[str, Dependence] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def row_dependence(
    subject: Subject, comparison: Comparison, window: WindowReference, *, previous: PreviousProfiles
) -> RowDependence:
    """What `columns.entity` and earlier runs say of the variance of each column.

    Raises:
        SubjectError: a dataset lacks the entity.
    """
    entity = subject.columns.entity or subject.columns.batch
    clustered = _clustered(comparison, window, entity) if entity else {}
    runs = {name: usable_runs(name, previous) for name in comparison.families}
    noise = noise_of(runs, rebinned=window.runs)
    values, missing, alone = {}, {}, {}
    for name in comparison.families:
        reference, current = window.reference.columns[name], window.current.columns[name]
        own = [clustered.get((role, name), (DesignEffect(), DesignEffect())) for role in ("reference", "current")]
        held, rows = (reference.held, current.held), (reference.rows, current.rows)
        alone[name] = combined(own[0][0], own[1][0], rows=held, noise=DesignEffect())
        if name in window.runs:  # the reference is made of runs, which differ from one another as much
            own[0] = _larger(own[0][0], noise[name][0]), _larger(own[0][1], noise[name][1])
        values[name] = combined(own[0][0], own[1][0], rows=held, noise=noise[name][0])
        missing[name] = combined(own[0][1], own[1][1], rows=rows, noise=noise[name][1])
    notes = [*_cluster_notes(clustered, entity), *_noise_notes(noise, previous)]
    if not entity:
        notes += _looks_dependent(subject, comparison)
    return RowDependence(values=values, clusters=alone, runs=runs, missing=missing, notes=tuple(notes))


def _clustered(
    comparison: Comparison, window: WindowReference, entity: str
) -> dict[tuple[str, str], tuple[DesignEffect, DesignEffect]]:
    """Design effects of values and of missing values by role and column; those of current for runs of a window too."""
    cells = window.current.cells
    found: dict[tuple[str, str], tuple[DesignEffect, DesignEffect]] = {}
    relations: dict[str, Relation | None] = {"reference": comparison.reference, "current": comparison.current}
    for role, relation in relations.items():
        source = relation or comparison.current
        values, missing = design_effects(source, entity, cells)
        found |= {(role, name): (values[name], missing[name]) for name in cells}
    return found


def _larger(first: DesignEffect, second: DesignEffect) -> DesignEffect:
    return second if second.mean > first.mean else first


def noise_of(
    usable: Mapping[str, tuple[ColumnProfile, ...]], *, rebinned: Container[str] = ()
) -> dict[str, tuple[DesignEffect, DesignEffect]]:
    """What earlier runs say of the values of each column and of its missing ones.

    Args:
        usable: `usable_runs` of each column.
        rebinned: columns that are compared on cells of their own; in frozen cells runs that have left them all look alike.
    """
    import numpy as np

    learnt = {name: runs for name, runs in usable.items() if len(runs) >= LEAST_RUNS}
    values = noise_between_runs(
        [
            np.array([run.cell_counts for run in _on_common_cells(runs, rebinned=name in rebinned)[::-1]])
            for name, runs in learnt.items()
        ],
        in_order=[runs[0].cells.family == "numbers" for runs in learnt.values()],
    )
    missing = noise_between_runs(
        [np.array([[run.missing, run.rows - run.missing] for run in runs[::-1]]) for runs in learnt.values()],
        in_order=[False] * len(learnt),
    )
    found = dict(zip(learnt, zip(values, missing, strict=True), strict=True))
    return {name: found.get(name, (DesignEffect(), DesignEffect())) for name in usable}


def usable_runs(name: str, previous: PreviousProfiles) -> tuple[ColumnProfile, ...]:
    """The runs of a column that noise is learnt from, the newest first."""
    runs = [profile.columns[name] for _, profile in _learnt(previous) if name in profile.columns]
    return tuple(run for run in runs if run.held > 0 and run.cells.family == runs[0].cells.family and is_resolved(run))


def _learnt(previous: PreviousProfiles) -> Sequence[tuple[str, Profile]]:
    """The profiles that noise is learnt from, the newest first."""
    read = previous.profiles[: NOISE_RUNS + NEWEST]
    return read[len(read) - learnt_runs(len(read)) :]


def _on_common_cells(runs: tuple[ColumnProfile, ...], *, rebinned: bool) -> tuple[ColumnProfile, ...]:
    frozen = not rebinned and all(run.cells == runs[0].cells for run in runs)
    return runs if frozen else common_cells(runs).runs


def _cluster_notes(
    clustered: Mapping[tuple[str, str], tuple[DesignEffect, DesignEffect]], entity: str | None
) -> Iterator[str]:
    if not clustered:
        return
    (_, name), (worst, _) = max(clustered.items(), key=lambda item: item[1][0].mean)
    yield (
        f"rows of one {entity} depend on one another: the variance of a share is up to {worst.mean:.2g} times that of "
        f"independent rows (design effect, largest at {name}), and intervals are widened for it"
    )


def _noise_notes(noise: Mapping[str, tuple[DesignEffect, DesignEffect]], previous: PreviousProfiles) -> Iterator[str]:
    name, (worst, _) = max(noise.items(), key=lambda item: item[1][0].mean)
    if worst.mean > WORTH_A_NOTE:
        runs = len(_learnt(previous))
        yield (
            f"noise between runs was learnt from {runs} accepted runs: it multiplies the variance of a run by up to "
            f"{worst.mean:.2g} (largest at {name}), and intervals are widened for it"
        )


def _looks_dependent(subject: Subject, comparison: Comparison) -> list[str]:
    """A warning where rows that share the value of a column that is no feature look alike."""
    current, columns = comparison.current, subject.columns
    known = {*columns.names, columns.target, columns.identifier, columns.time, columns.item}
    cells = dict(list(comparison.frozen.cells.items())[:MAX_CANDIDATES])
    for name in [name for name in current.names if name not in known][:MAX_CANDIDATES]:
        clusters = len(current.value_counts([name])[name])
        if not LEAST_CLUSTERS <= clusters <= MOST_CLUSTERS * current.rows:
            continue
        effects, _ = design_effects(current, name, cells)
        column, worst = max(effects.items(), key=lambda item: item[1].mean)
        if worst.mean > WORTH_A_NOTE:
            text = (
                f"rows that share {name} look dependent (design effect {worst.mean:.2g} at {column}): where it names "
            )
            return [text + f"what rows belong to, set columns.entity: {name}, or the alarm budget does not hold"]
    return []
