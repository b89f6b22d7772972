"""The cheapest successful changes in words: sizes of changes, and values only of columns that the policy shows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.outcome import smallest
from model_governance.checks.robustness.evasion.row_space import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from model_governance.checks.robustness.evasion.outcome import Outcome
    from model_governance.checks.robustness.evasion.row_space import Moves, Origins, RowSpace

TOLD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The cheapest change of its pattern in words, its size in the norm, and the rows that flip by the same pattern."""

    words: str
    size: float
    rows: int


def cheapest_changes(
    space: RowSpace, origins: Origins, outcomes: Sequence[Outcome], *, budget: float, disclose: Collection[str]
) -> tuple[Change, ...]:
    """The smallest flips within a budget, one of each pattern, the cheapest first.

    A pattern is which features change, and which way the numbers go.
    """
    sizes, moves = smallest(outcomes)
    found: defaultdict[tuple[int, ...], list[tuple[float, str]]] = defaultdict(list)
    for row, size in enumerate(sizes):
        if size <= budget + ROUNDING:
            ways = [(delta > 0) - (delta < 0) for delta in moves.deltas[row].tolist()]
            pattern = (*ways, *(int(pick >= 0) for pick in moves.picks[row]))
            found[pattern].append((float(size), in_words(space, origins, moves, row, disclose=disclose)))
    changes = [
        (sum(map(abs, pattern)), Change(words=min(each)[1], size=min(each)[0], rows=len(each)))
        for pattern, each in found.items()
    ]
    changes.sort(key=lambda one: (one[1].size, one[0], -one[1].rows, one[1].words))
    return tuple(one for _, one in changes[:TOLD])


def in_words(space: RowSpace, origins: Origins, moves: Moves, row: int, *, disclose: Collection[str]) -> str:
    """What was changed in one row: "AGEP 34→36 and RELP changed" where AGEP is shown, else "AGEP +2 and RELP changed"."""
    parts = []
    for column, axis in enumerate(space.axes):
        delta = float(moves.deltas[row, column])
        if delta and axis.feature in disclose:
            old = float(origins.values[row, column])
            parts.append(f"{axis.feature} {_number(old)}→{_number(old + delta)}")
        elif delta:
            parts.append(f"{axis.feature} {'+' if delta > 0 else '−'}{_number(abs(delta))}")
    for column, choice in enumerate(space.choices):
        pick = int(moves.picks[row, column])
        if pick >= 0 and choice.feature in disclose:
            old_value = origins.frame[choice.feature].iloc[row]
            parts.append(f"{choice.feature} {_value(old_value)}→{_value(choice.values[pick])}")
        elif pick >= 0:
            parts.append(f"{choice.feature} changed")
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1] if parts else "nothing"


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _value(value: Any) -> str:
    return _number(value) if isinstance(value, float) else str(value)
