"""How much memorisation one training run proves: a lower bound in the unit of differential privacy.

The counting bound of Steinke, Nasr and Jagielski (NeurIPS 2023). It bounds the epsilon of the training procedure
where an independent fair coin decided of every audited record whether it was trained on; elsewhere it is a measure of
memorisation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LEVEL = 0.05


def correct_guesses(members: np.ndarray, non_members: np.ndarray, *, guesses: int) -> int:
    """How many guesses are correct if the highest guesses/2 scores are called members, the lowest non-members.

    Tied scores at an edge count as wrong as far as possible, so that ties prove nothing.

    Args:
        members: scores (n,).
        non_members: scores (m,).
        guesses: an even number, from 2 to n + m.

    Raises:
        ValueError: guesses is odd, below 2, or more than the records.
    """
    half = guesses // 2
    if guesses < 2 or guesses % 2 or guesses > len(members) + len(non_members):
        raise ValueError(f"guesses must be even and lie between 2 and {len(members) + len(non_members)}, got {guesses}")
    return _correct_on_top(members, non_members, half) + _correct_on_top(-non_members, -members, half)


def lower_bound(correct: int, guesses: int, *, records: int, delta: float = 0.0) -> float:
    """The largest epsilon that so many correct guesses reject with 95% confidence, or 0.

    Args:
        correct: number of correct guesses.
        guesses: number of guesses.
        records: number of audited records.
        delta: of (epsilon, delta)-differential privacy, from 0 to below 1.
    """
    from scipy.optimize import brentq

    if p_value(correct, guesses, epsilon=0.0, records=records, delta=delta) > LEVEL:
        return 0.0

    def excess(epsilon: float) -> float:
        return p_value(correct, guesses, epsilon=epsilon, records=records, delta=delta) - LEVEL

    high = 1.0
    while excess(high) < 0:
        high *= 2
    return float(brentq(excess, 0.0, high, xtol=1e-9))


def p_value(correct: int, guesses: int, *, epsilon: float, records: int, delta: float = 0.0) -> float:
    """Probability of at least so many correct guesses if training is (epsilon, delta)-differentially private."""
    import numpy as np
    from scipy.special import expit
    from scipy.stats import binom

    share = float(expit(epsilon))
    tail = float(binom.sf(correct - 1, guesses, share))
    if delta == 0 or correct == 0:
        return tail
    fewer = np.arange(1, correct + 1)
    steepest = float(((binom.sf(correct - fewer - 1, guesses, share) - tail) / fewer).max())
    return min(1.0, tail + 2 * records * delta * steepest)


def ceiling(guesses: int) -> float:
    """The bound that `guesses` perfect guesses give at delta 0: no attack can prove more with so few."""
    share = LEVEL ** (1 / guesses)
    return math.log(share / (1 - share))


def _correct_on_top(correct: np.ndarray, wrong: np.ndarray, count: int) -> int:
    """How many of the `count` highest scores are `correct`; ties go to the wrong ones first."""
    import numpy as np

    edge = float(np.partition(np.concatenate([correct, wrong]), -count)[-count])
    correct_above, wrong_above = int((correct > edge).sum()), int((wrong > edge).sum())
    remaining = count - correct_above - wrong_above
    return correct_above + max(0, remaining - int((wrong == edge).sum()))
