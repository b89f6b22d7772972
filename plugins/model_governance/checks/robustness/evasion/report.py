"""Tables of an evasion run: aggregates only, and values only of columns that the policy shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.outcome import smallest
from model_governance.checks.robustness.evasion.roster import ROSTER
from model_governance.contract.result import Table
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from model_governance.checks.robustness.evasion.measured import Measured
    from model_governance.checks.robustness.evasion.outcome import Outcome
    from model_governance.checks.robustness.evasion.row_space import Axis, RowSpace
    from model_governance.checks.robustness.evasion.words import Change
    from model_governance.contract.subject import Columns


def tables_of(
    columns: Columns, space: RowSpace, found: Measured, changes: Sequence[Change], *, disclose: Collection[str]
) -> tuple[Table, ...]:
    """Threat model, attacks, survival by budget, and what the successful attacks changed."""
    cheapest = Table(
        name="cheapest_changes",
        title="The cheapest changes that flip the answer, one of each pattern",
        header=("change", f"size ({found.params.norm})", "rows with these changes"),
        rows=tuple((one.words, one.size, one.rows) for one in changes),
    )
    changed = Table(
        name="changed_features",
        title="What the smallest successful attacks changed",
        header=("feature", "share of successes", "mean change (share of range)", "mean change"),
        rows=changed_features(space, found),
    )
    return (
        threat_model(columns, space, disclose=disclose),
        _attacks(found.outcomes, found),
        _budgets(found),
        cheapest,
        changed,
    )


def threat_model(columns: Columns, space: RowSpace, *, disclose: Collection[str]) -> Table:
    """What the attacker may change; ends of a range that are values of the data are told of shown columns only."""
    axes = {one.feature: one for one in space.axes}
    choices = {one.feature: one for one in space.choices}
    why = dict(space.fixed)
    rows: list[tuple[Any, ...]] = []
    for name, feature in columns.features.items():
        if name in axes:
            axis = axes[name]
            told = axis.source == "policy" or name in disclose
            ends = (axis.low, axis.high) if told else (None, None)
            rows.append((name, feature.kind, _way(axis), *ends, axis.step or "any", axis.cost, axis.source))
        elif name in choices:
            choice = choices[name]
            listed = choice.open is not None
            source = "moves of the policy" if listed else "seen in the data"
            rows.append((name, feature.kind, "yes", None, None, f"{len(choice.values)} values", choice.cost, source))
        else:
            rows.append((name, feature.kind, "no", None, None, "", None, why[name]))
    header = ("feature", "kind", "may move", "from", "to", "step", "cost", "reason or source of the range")
    return Table(name="threat_model", title="What the attacker may change", header=header, rows=tuple(rows))


def _way(axis: Axis) -> str:
    return "yes" if axis.direction is None else f"{axis.direction} only"


def _attacks(outcomes: Sequence[Outcome], found: Measured) -> Table:
    import numpy as np

    rows = []
    for one in outcomes:
        sizes = one.found
        rows.append((
            one.attack, ROSTER[one.attack].access, int(one.examined.sum()), len(sizes),
            int(one.within(found.params.main_epsilon).sum()), one.returned, one.valid,
            float(np.median(sizes)) if len(sizes) else None, round(float(one.asked[one.examined].mean()), 1), one.reached,
        ))  # fmt: skip
    header = ("attack", "access", "rows attacked", "flipped at any distance", "flipped within budget", "rows returned",
              "valid rows returned", "median distance", "queries per row", "reached")  # fmt: skip
    return Table(name="attacks", title="What each attack achieved", header=header, rows=tuple(rows))


def _budgets(found: Measured) -> Table:
    """The security curve in numbers (Biggio and Roli, 2018)."""
    rows = []
    attacked, drawn = len(found.sample.attacked), len(found.sample.frame)
    for budget in found.params.epsilons:
        survivors = int((~found.lost(budget)).sum())
        accuracy: tuple[float | None, ...] = (None, None, None)
        if found.sample.correct is not None:
            accuracy = (survivors / drawn, *clopper_pearson(survivors, drawn))
        rows.append((budget, attacked, survivors / attacked, *clopper_pearson(survivors, attacked), *accuracy))
    header = ("budget", "rows attacked", "robust share", "low", "high", "robust accuracy", "low", "high")
    return Table(name="budgets", title="What survives each budget", header=header, rows=tuple(rows))


def changed_features(space: RowSpace, found: Measured) -> tuple[tuple[Any, ...], ...]:
    """(feature, share of successes that change it, mean change in shares, mean change in raw units)."""
    import numpy as np

    won = found.lost(found.params.main_epsilon)
    if not won.any():
        return ()
    moves = smallest(found.outcomes)[1].take(won)
    rows: list[tuple[Any, ...]] = []
    for column, axis in enumerate(space.axes):
        size = np.abs(moves.deltas[:, column])
        moved = size > 0
        mean = float(size[moved].mean()) if moved.any() else 0.0
        rows.append((axis.feature, float(moved.mean()), mean / axis.span, mean))
    for column, choice in enumerate(space.choices):
        rows.append((choice.feature, float((moves.picks[:, column] >= 0).mean()), None, None))
    return tuple(sorted((row for row in rows if row[1] > 0), key=lambda row: (-row[1], row[0])))
