"""Rows that belong together, and noise between runs: what they add to the variance of every column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.params import NOISE_RUNS
from model_governance.engine.dependence import (
    Dependence,
    DesignEffect,
    between_runs,
    combined,
    design_effects,
    shares_overdispersion,
)
from model_governance.engine.overdispersion import overdispersion
from model_governance.engine.rebin import common_cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.checks.data.data_drift.comparison import Comparison
    from model_governance.checks.data.data_drift.windows import PreviousProfiles, WindowReference
    from model_governance.contract.subject import Subject
    from model_governance.engine.profiles import ColumnProfile
    from model_governance.engine.relation import Relation

WORTH_A_NOTE = 1.2
LEAST_CLUSTERS = 200
"""Distinct values from which a design effect of 1.2 is no chance."""
MOST_CLUSTERS = 0.8
"""Distinct values per row up to which a column may name customers, machines or sessions."""
MAX_CANDIDATES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDependence:
    """Dependence of each column's values and of its missing ones, and notes on where it comes from."""

    values: Mapping[str, Dependence] = field(default_factory=dict)
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
    noise = {name: _noise(name, previous) for name in comparison.families}
    values, missing = {}, {}
    for name in comparison.families:
        reference, current = window.reference.columns[name], window.current.columns[name]
        own = [clustered.get((role, name), (DesignEffect(), DesignEffect())) for role in ("reference", "current")]
        held, rows = (reference.held, current.held), (reference.rows, current.rows)
        values[name] = combined(own[0][0], own[1][0], rows=held, noise=noise[name][0])
        missing[name] = combined(own[0][1], own[1][1], rows=rows, noise=noise[name][1])
    notes = [*_cluster_notes(clustered, entity), *_noise_notes(noise, previous)]
    if not entity:
        notes += _looks_dependent(subject, comparison)
    return RowDependence(values=values, missing=missing, notes=tuple(notes))


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


def _noise(name: str, previous: PreviousProfiles) -> tuple[DesignEffect, DesignEffect]:
    """What the earlier runs say of a column's values and of its missing ones."""
    runs = [profile.columns[name] for _, profile in previous.profiles[:NOISE_RUNS] if name in profile.columns]
    runs = [run for run in runs if run.held > 0 and run.cells.family == runs[0].cells.family]
    if len(runs) < 2:
        return DesignEffect(), DesignEffect()
    factor, freedom = overdispersion(_on_common_cells(runs))
    cells = freedom // (len(runs) - 1) + 1
    values = between_runs(factor, freedom, runs=len(runs), cells=cells)
    factor, freedom = shares_overdispersion([(run.missing, run.rows) for run in runs])
    return values, between_runs(factor, freedom, runs=len(runs), cells=2)


def _on_common_cells(runs: list[ColumnProfile]) -> tuple[ColumnProfile, ...]:
    return tuple(runs) if all(run.cells == runs[0].cells for run in runs) else common_cells(runs).runs


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
        runs = min(NOISE_RUNS, len(previous.profiles))
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
