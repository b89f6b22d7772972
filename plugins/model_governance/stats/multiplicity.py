"""Multiple testing: p-values adjusted for the number of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Adjustment = Literal["benjamini_hochberg", "bonferroni"]


def adjusted(p_values: Sequence[float], method: Adjustment) -> tuple[float, ...]:
    """Adjust p-values of a family of tests; reject those at or below the level of the family.

    Benjamini and Hochberg (1995) keep the expected share of false rejections among the rejected at the level, and,
    while nothing has changed, the chance of any rejection. Bonferroni keeps that chance whatever has changed, under
    any dependence.

    Args:
        p_values: One per test, each in [0, 1].
        method: Which of the two.

    Returns:
        Adjusted p-values in the order given.

    Raises:
        ValueError: A p-value lies outside [0, 1].
    """
    wrong = [p_value for p_value in p_values if not 0 <= p_value <= 1]
    if wrong:
        raise ValueError(f"a p-value lies in [0, 1]; found {wrong[0]}")
    if method == "bonferroni" or len(p_values) < 2:  # of a single test both are the p-value itself
        return tuple(min(1.0, p_value * len(p_values)) for p_value in p_values)
    from scipy.stats import false_discovery_control

    return tuple(false_discovery_control(list(p_values), method="bh").tolist())
