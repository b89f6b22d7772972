"""Expected average precision of rows whose labels are not known.

Average precision is the mean over the positives of the precision at their score (Boyd, Eng and Page, 2013). A row that is
positive finds itself and the expected positives among the others that score at least as high; weighted by its chance of
being positive, and divided by the expected positives, that is the expectation to first order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPrecision:
    """The expectation, its gradient in the probabilities (n,) and in the weights of the rows (n,)."""

    value: float
    by_probability: np.ndarray
    by_row: np.ndarray


def expected_average_precision(
    score: np.ndarray, probability: np.ndarray, *, rows: np.ndarray | None = None
) -> ExpectedPrecision | None:
    """Expected mean precision over the positives; rows of equal score are found together.

    Args:
        score: Scores (n,).
        probability: Probability (n,) that a row is positive.
        rows: Weight (n,) of each score; 1 by default.

    Returns:
        The expectation with its gradients; None where no positive is expected.
    """
    import numpy as np

    rows = np.ones(len(score)) if rows is None else rows
    positives = float((rows * probability).sum())
    if positives <= 1e-12:
        return None
    distinct, number = np.unique(-score, return_inverse=True)
    found = np.cumsum(np.bincount(number, weights=rows * probability, minlength=len(distinct)))
    above = np.cumsum(np.bincount(number, weights=rows, minlength=len(distinct)))
    # Given that it is positive, a row counts as one among those found, whatever its own probability.
    hits = found[number] + 1 - probability
    precision = hits / above[number]
    value = float((rows * probability * precision).sum() / positives)
    terms = rows * probability / above[number]
    later = _from_here_on(terms, number, len(distinct))
    diluted = _from_here_on(terms * precision, number, len(distinct))
    by_probability = rows * (precision - probability / above[number] + later - value) / positives
    by_row = (probability * precision + probability * later - diluted - value * probability) / positives
    return ExpectedPrecision(value=value, by_probability=by_probability, by_row=by_row)


def _from_here_on(terms: np.ndarray, number: np.ndarray, count: int) -> np.ndarray:
    """For each row the sum of terms (n,) over the rows that score as high or lower."""
    import numpy as np

    sums = np.bincount(number, weights=terms, minlength=count)
    return np.asarray(np.cumsum(sums[::-1])[::-1][number])
