"""Sentences of an evasion run: the cheapest changes (values only of columns that the policy discloses), and its scope."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.moves import ROUNDING
from model_governance.checks.robustness.evasion.outcome import smallest
from model_governance.checks.robustness.evasion.params import unit_of
from model_governance.checks.robustness.evasion.pictures import describe_pixels
from model_governance.checks.robustness.evasion.text_moves import counted, difference

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from model_governance.checks.robustness.evasion.moves import Choice, Moves, Origins
    from model_governance.checks.robustness.evasion.outcome import Outcome
    from model_governance.checks.robustness.evasion.params import EvasionParams
    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.checks.robustness.evasion.sample import Sample

MOST_CHANGES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The cheapest change of its pattern as a sentence, its size in the norm, and the rows that flip by the same pattern."""

    text: str
    size: float
    rows: int


def cheapest_changes(
    space: RowSpace, origins: Origins, outcomes: Sequence[Outcome], *, budget: float, disclosed: Collection[str]
) -> tuple[Change, ...]:
    """The smallest flips within a budget, one of each pattern, the cheapest first.

    A pattern is which features change, the direction of the numbers, and how many characters and words of a text; of images,
    each is a pattern of its own.
    """
    sizes, moves = smallest(outcomes)
    found: defaultdict[tuple[int, ...], list[tuple[float, str]]] = defaultdict(list)
    for row, size in enumerate(sizes):
        if size <= budget + ROUNDING and space.image is not None:
            found[(row,)].append((float(size), describe_pixels(space, moves, row)))
        elif size <= budget + ROUNDING:
            directions = [(delta > 0) - (delta < 0) for delta in moves.deltas[row].tolist()]
            picks = moves.picks[row]
            edits = [
                count
                for text, part in zip(space.texts, space.text_columns, strict=True)
                for count in text.counts(picks[None, part])[0].tolist()
            ]
            pattern = (*directions, *(int(pick >= 0) for pick in picks[: len(space.choices)]), *edits)
            found[pattern].append((float(size), describe_change(space, origins, moves, row, disclosed=disclosed)))
    changes = [
        (sum(map(abs, pattern)), Change(text=min(each)[1], size=min(each)[0], rows=len(each)))
        for pattern, each in found.items()
    ]
    changes.sort(key=lambda pair: (pair[1].size, pair[0], -pair[1].rows, pair[1].text))
    return tuple(change for _, change in changes[:MOST_CHANGES])


def highlights_of(changes: tuple[Change, ...], tolerance: float | None) -> tuple[str, ...]:
    """The three cheapest changes as sentences; `tolerance` of a regression, None of a classification."""
    flips = "flips the decision" if tolerance is None else f"moves the prediction by more than {tolerance:g}"
    return tuple(
        f"{change.text} {flips}"
        + (f" (the cheapest of {change.rows} rows with these changes)" if change.rows > 1 else "")
        for change in changes[:3]
    )


def notes_on_rows(sample: Sample, unanswered: Sequence[str]) -> tuple[str, ...]:
    """How many rows there were, were drawn and attacked, and why the others were not; first of all that is reported."""
    parts = [f"{name}: {count:,}" + (f" ({remark})" if remark else "") for name, count, remark in sample.steps]
    notes = ["; ".join(parts)]
    if sample.correct is None and "regression" not in sample.no_accuracy:
        notes.append("no labels in current: attacks are scored against the model's own predictions")
    if unanswered:
        notes.append(
            f"the model raises on rows without {', '.join(unanswered)}: it gives no answer that could be flipped"
        )
    return tuple(notes)


def scope_of(params: EvasionParams, space: RowSpace) -> tuple[str, ...]:
    """What the numbers are valid for: budget, norm, features and their ranges."""
    mutable = f"{len(space.axes)} numeric, {len(space.choices)} category and {len(space.texts)} text features"
    mutable = mutable if space.image is None else f"images of {space.image.text}"
    unit = unit_of(params, cost="units of cost", share="shares of the ranges in threat_model")
    budgets = ", ".join(f"{epsilon:g}" for epsilon in params.epsilons)
    notes = [
        f"budget {budgets} in {params.norm} over {mutable}; distances are {unit}",
        "an attack that fails proves nothing: success rates are lower bounds, robust accuracies upper bounds",
    ]
    if space.choices and params.norm != "cost":
        notes.append("changed categories cost nothing of the budget; attacks by gradient change numbers only")
    for text in space.texts:
        price = f"each edit costs {text.cost:g}" if params.norm == "cost" else "they cost nothing of epsilon"
        notes.append(f"{text.feature}: {text.describe()}; {price}; edited by greedy alone")
    observed = [axis.feature for axis in space.axes if axis.source != "policy"]
    if observed:
        notes.append(f"ranges taken from the data, not from the policy: {', '.join(observed)}")
    return tuple(notes)


def describe_change(space: RowSpace, origins: Origins, moves: Moves, row: int, *, disclosed: Collection[str]) -> str:
    """The change of one row as text: "AGEP 34→36 and RELP changed" where AGEP is disclosed, else "AGEP +2 and RELP changed"."""
    parts = []
    for column, axis in enumerate(space.axes):
        delta = float(moves.deltas[row, column])
        if delta and axis.feature in disclosed:
            old = float(origins.values[row, column])
            parts.append(f"{axis.feature} {_number(old)}→{_number(old + delta)}")
        elif delta:
            parts.append(f"{axis.feature} {'+' if delta > 0 else '−'}{_number(abs(delta))}")
    for column, choice in enumerate(space.choices):
        pick = int(moves.picks[row, column])
        if pick >= 0 and choice.feature in disclosed and _gap_verb(choice, pick) != "left out":
            old_value = origins.frame[choice.feature].iloc[row]
            parts.append(f"{choice.feature} {_value(old_value)}→{_value(choice.values[pick])}")
        elif pick >= 0:
            parts.append(f"{choice.feature} {_gap_verb(choice, pick)}")
    for text, part in zip(space.texts, space.text_columns, strict=True):
        characters, words = text.counts(moves.picks[row : row + 1, part])[0].tolist()
        counts = [counted(characters, "character")] * (characters > 0) + [counted(words, "word")] * (words > 0)
        if counts and text.feature in disclosed:
            before = origins.frame[text.feature].iloc[row]
            after = text.edited([before], moves.picks[row : row + 1, part])[0]
            parts.append(f"{text.feature} {' and '.join(counts)} edited: {difference(before, after)}")
        elif counts:
            parts.append(f"{text.feature} {' and '.join(counts)} edited")
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1] if parts else "nothing"


def _gap_verb(choice: Choice, pick: int) -> str:
    if choice.missing and pick == len(choice.values) - 1:
        return "left out"
    return "filled in" if choice.of_number else "changed"


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _value(value: Any) -> str:
    if value is None or value != value:  # only NaN differs from itself
        return "missing"
    return _number(value) if isinstance(value, float) else str(value)
