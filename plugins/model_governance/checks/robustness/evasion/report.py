"""Tables of an evasion run: aggregates only, and values only of columns that the policy discloses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.attacks import ATTACKS
from model_governance.checks.robustness.evasion.gains import gains_table
from model_governance.checks.robustness.evasion.outcome import smallest
from model_governance.checks.robustness.evasion.pictures import threat_of_pixels
from model_governance.contract.result import Table
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from model_governance.checks.robustness.evasion.moves import Axis, Choice
    from model_governance.checks.robustness.evasion.results import Results
    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.checks.robustness.evasion.sample import Sample
    from model_governance.checks.robustness.evasion.sentences import Change
    from model_governance.contract.subject import Columns


def tables_of(
    columns: Columns, space: RowSpace, results: Results, changes: Sequence[Change], *, disclosed: Collection[str]
) -> tuple[Table, ...]:
    """Rows, threat model, attacks, success by budget, and what the successful attacks changed."""
    cheapest = Table(
        name="cheapest_changes",
        title="The cheapest changes that flip the answer, one of each pattern",
        header=("change", f"size ({results.params.norm})", "rows with these changes"),
        rows=tuple((change.text, change.size, change.rows) for change in changes),
    )
    changed = Table(
        name="changed_features",
        title="What the smallest successful attacks changed",
        header=("feature", "share of successes", "mean change (share of range)", "mean change (of a text: edits)"),
        rows=changed_features(space, results),
    )
    gains = gains_table(results)
    return (
        rows_table(results.sample),
        threat_model(columns, space, disclosed=disclosed),
        _attacks(results),
        _budgets(results),
        *([] if gains is None else [gains]),
        cheapest,
        *([changed] if space.image is None else []),
    )


def rows_table(sample: Sample) -> Table:
    """How many rows there were, how many of them were drawn and attacked, and why the others were not."""
    return Table(
        name="rows", title="Which rows were attacked", header=("step", "rows", "remark"), rows=tuple(sample.steps)
    )


def threat_model(columns: Columns, space: RowSpace, *, disclosed: Collection[str]) -> Table:
    """What the attacker may change; ends of a range that are values of the data only for disclosed columns."""
    axes = {axis.feature: axis for axis in space.axes}
    choices = {choice.feature: choice for choice in space.choices if not choice.of_number}
    texts = {text.feature: text for text in space.texts}
    gaps = {choice.feature: _gap_moves(choice) for choice in space.choices if choice.missing}
    why = dict(space.fixed)
    rows: list[tuple[Any, ...]] = [] if space.image is None else [threat_of_pixels(space, space.image)]
    for name, feature in columns.features.items() if space.image is None else ():
        if name in axes:
            axis = axes[name]
            visible = axis.source == "policy" or name in disclosed
            ends = (axis.low, axis.high) if visible else (None, None)
            may = _mutable(axis) + gaps.get(name, "")
            rows.append((name, feature.kind, may, *ends, axis.step or "any", axis.cost, axis.source))
        elif name in choices:
            choice = choices[name]
            listed = choice.open is not None
            source = "moves of the policy" if listed and not choice.missing else "values in the data"
            may, count = "yes" + gaps.get(name, ""), len(choice.values) - choice.missing
            rows.append((name, feature.kind, may, None, None, f"{count} values", choice.cost, source))
        elif name in texts:
            text = texts[name]
            rows.append((name, feature.kind, text.describe(), None, None, "", text.cost, "edits of the policy"))
        elif name in gaps:
            rows.append((name, feature.kind, "no" + gaps[name], None, None, "", None, "one value in the data"))
        else:
            rows.append((name, feature.kind, "no", None, None, "", None, why[name]))
    header = ("feature", "kind", "may move", "from", "to", "step", "cost", "reason or source of the range")
    return Table(name="threat_model", title="What the attacker may change", header=header, rows=tuple(rows))


def _gap_moves(choice: Choice) -> str:
    """Whether the value may be left out or its gap filled, in words; empty where neither."""
    gap = len(choice.values) - 1
    assert choice.open is not None  # noqa: S101 - a choice with a gap says what is open
    return (", may be omitted" if choice.open[gap + 1, gap] else "") + (
        ", may be filled" if choice.open[gap, :gap].any() else ""
    )


def _mutable(axis: Axis) -> str:
    return "yes" if axis.direction is None else f"{axis.direction} only"


def _attacks(results: Results) -> Table:
    import numpy as np

    rows = []
    for outcome in results.outcomes:
        sizes = outcome.found
        rows.append((
            outcome.attack, ATTACKS[outcome.attack].access, int(outcome.examined.sum()), len(sizes),
            int(outcome.within(results.params.main_epsilon).sum()), outcome.returned, outcome.valid,
            float(np.median(sizes)) if len(sizes) else None,
            round(float(outcome.asked[outcome.examined].mean()), 1), outcome.reached,
        ))  # fmt: skip
    header = ("attack", "access", "rows attacked", "flipped at any distance", "flipped within budget", "rows returned",
              "valid rows returned", "median distance", "queries per row", "reached")  # fmt: skip
    return Table(name="attacks", title="What each attack achieved", header=header, rows=tuple(rows))


def _budgets(results: Results) -> Table:
    """The security curve in numbers (Biggio and Roli, 2018)."""
    rows = []
    attacked, drawn = results.counted
    for budget in results.params.epsilons:
        flipped = int(results.flipped(budget).sum())
        survivors = results.survivors(budget)
        accuracy: tuple[float | None, ...] = (None, None, None)
        if results.sample.correct is not None:
            accuracy = (survivors / drawn, *clopper_pearson(survivors, drawn))
        rows.append((budget, attacked, flipped / attacked, *clopper_pearson(flipped, attacked), *accuracy))
    header = ("budget", "rows attacked", "attack success rate", "low", "high", "robust accuracy", "low", "high")
    return Table(
        name="budgets", title="Attack success rate and robust accuracy at each budget", header=header, rows=tuple(rows)
    )


def changed_features(space: RowSpace, results: Results) -> tuple[tuple[Any, ...], ...]:
    """(feature, share of successes that change it, mean change in shares, mean change in raw units); texts by edits.

    Nothing of an image, whose changes are shown as pictures.
    """
    import numpy as np

    flipped = results.flipped(results.params.main_epsilon)
    if not flipped.any() or space.image is not None:
        return ()
    moves = smallest(results.outcomes)[1].take(flipped)
    rows: list[tuple[Any, ...]] = []
    for column, axis in enumerate(space.axes):
        size = np.abs(moves.deltas[:, column])
        moved = size > 0
        mean = float(size[moved].mean()) if moved.any() else 0.0
        rows.append((axis.feature, float(moved.mean()), mean / axis.span, mean))
    for column, choice in enumerate(space.choices):
        rows.append((choice.label, float((moves.picks[:, column] >= 0).mean()), None, None))
    for text, part in zip(space.texts, space.text_columns, strict=True):
        counts = text.counts(moves.picks[:, part])
        for unit, edits in zip(("characters", "words"), counts.T, strict=True):
            mean = float(edits[edits > 0].mean()) if edits.any() else 0.0
            rows.append((f"{text.feature} ({unit})", float((edits > 0).mean()), None, mean))
    return tuple(sorted((row for row in rows if row[1] > 0), key=lambda row: (-row[1], row[0])))
