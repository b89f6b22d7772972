"""Many tests at once: p-values adjusted so that a family of them keeps its promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Adjustment = Literal["benjamini_hochberg", "bonferroni"]


def adjusted(p_values: Sequence[float], method: Adjustment) -> tuple[float, ...]:
    """Adjusted p-values in the order given; reject those at or below the level of the family.

    Benjamini and Hochberg (1995) keep the expected share of false rejections among the rejected at the
    level, and, while nothing has changed, the chance of any rejection. Bonferroni keeps that chance
    whatever has changed, under any dependence.

    Args:
        p_values: one per test, each in [0, 1].
        method: which of the two.

    Raises:
        ValueError: a p-value outside [0, 1].
    """
    wrong = [one for one in p_values if not 0 <= one <= 1]
    if wrong:
        raise ValueError(f"a p-value lies in [0, 1]; found {wrong[0]}")
    count = len(p_values)
    if method == "bonferroni":
        return tuple(min(1.0, one * count) for one in p_values)
    order = sorted(range(count), key=lambda place: p_values[place])
    found = [1.0] * count
    smallest = 1.0
    for rank in range(count, 0, -1):
        place = order[rank - 1]
        smallest = min(smallest, p_values[place] * count / rank)
        found[place] = smallest
    return tuple(found)
