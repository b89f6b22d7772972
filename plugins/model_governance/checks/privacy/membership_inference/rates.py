"""Error rates of membership scores: area under the ROC, TPR at low FPR, advantage, and their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from model_governance.stats.intervals import CONFIDENCE, clopper_pearson
from model_governance.stats.limits import DifferenceOfShares

if TYPE_CHECKING:
    import numpy as np

# A rate like 0.29 of 100 rows is 29 false positives, although the product in floats is slightly less.
ROUNDING = 1e-9

# A rate that depends on fewer false positives than this is not reported.
MIN_FALSE_POSITIVES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """True and false positives of an attack at the threshold of a false-positive rate.

    The threshold is the (max_false_positives + 1)-th largest non-member score. A row is positive only above it, so
    that ties never exceed the rate. `true_positives_low` and `true_positives_high` are those at thresholds whose true
    false-positive rate is at most, and at least, `fpr` with 97.5% confidence each.
    """

    fpr: float
    max_false_positives: int
    threshold: float
    false_positives: int
    negatives: int
    true_positives: int
    positives: int
    true_positives_low: int
    true_positives_high: int

    @property
    def tpr(self) -> float:
        """True-positive rate: share of members above the threshold, 0 to 1."""
        return self.true_positives / self.positives

    @property
    def guaranteed_tpr(self) -> float:
        """True-positive rate when the false-positive rate is at most `fpr` with 97.5% confidence."""
        return self.true_positives_low / self.positives

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the true-positive rate that includes the uncertainty of the members and of the threshold.

        Each end adds two distances in squares (MOVER: Zou and Donner, 2008): that of the binomial interval, and that
        to the rate at the threshold's own limits. The binomial one alone is too short by a factor up to 1.4.
        """
        low, high = self.binomial_interval
        below = math.hypot(self.tpr - low, max(0.0, self.tpr - self.guaranteed_tpr))
        above = math.hypot(high - self.tpr, max(0.0, self.true_positives_high / self.positives - self.tpr))
        return max(0.0, self.tpr - below), min(1.0, self.tpr + above)

    @property
    def binomial_interval(self) -> tuple[float, float]:
        """Exact binomial interval of the true-positive rate (Clopper and Pearson), which takes the threshold as given."""
        return clopper_pearson(self.true_positives, self.positives)

    @property
    def realised_fpr(self) -> tuple[float, tuple[float, float]]:
        """Share of the non-members above the threshold, and its exact interval."""
        return self.false_positives / self.negatives, clopper_pearson(self.false_positives, self.negatives)


def min_negatives(fpr: float) -> int:
    """Smallest number of non-members for which a false-positive rate is reported: five of them may be positive."""
    return math.ceil(MIN_FALSE_POSITIVES / fpr - ROUNDING)


def operating_point(members: np.ndarray, non_members: np.ndarray, *, fpr: float) -> OperatingPoint | None:
    """The operating point of a false-positive rate (the low-FPR regime of Carlini et al., 2022, strict inequality).

    Args:
        members: scores (n,); higher is more likely a member.
        non_members: scores (m,).
        fpr: the false-positive rate, above 0 and below 1.

    Returns:
        The point; None where the rate allows no false positive.
    """
    import numpy as np

    max_false_positives = math.floor(fpr * len(non_members) + ROUNDING)
    if max_false_positives == 0:
        return None
    falling = np.sort(non_members)[::-1]
    threshold = float(falling[max_false_positives])
    low_rank, high_rank = _threshold_ranks(fpr, len(non_members))
    return OperatingPoint(
        fpr=fpr,
        max_false_positives=max_false_positives,
        threshold=threshold,
        false_positives=int((non_members > threshold).sum()),
        negatives=len(non_members),
        true_positives=int((members > threshold).sum()),
        positives=len(members),
        true_positives_low=int((members > falling[low_rank - 1]).sum()) if low_rank else 0,
        true_positives_high=int((members > falling[high_rank - 1]).sum()) if high_rank else len(members),
    )


@cache
def _threshold_ranks(fpr: float, negatives: int) -> tuple[int | None, int | None]:
    """Ranks of the non-member scores that bound the threshold of a false-positive rate; 1 is the largest score.

    The true rate of the j-th largest of n scores is Beta(j, n - j + 1) distributed, whatever the scores (tolerance limits:
    Wilks, 1941). None where no rank satisfies the bound.
    """
    import numpy as np
    from scipy.stats import beta

    ranks = np.arange(1, negatives + 1)
    below = beta.cdf(fpr, ranks, negatives - ranks + 1)
    tail = (1 - CONFIDENCE) / 2
    low, high = ranks[below >= 1 - tail], ranks[below <= tail]
    return int(low[-1]) if len(low) else None, int(high[0]) if len(high) else None


def auc(members: np.ndarray, non_members: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Area under the ROC and its interval (DeLong, DeLong and Clarke-Pearson, 1988); ties count half.

    Placement values come from midranks (Sun and Xu, 2014). Scores have shapes (n,) and (m,).
    """
    import numpy as np
    from scipy.stats import norm, rankdata

    m, n = len(members), len(non_members)
    ranks = rankdata(np.concatenate([members, non_members]))
    over = (ranks[:m] - rankdata(members)) / n
    under = 1.0 - (ranks[m:] - rankdata(non_members)) / m
    value = float(over.mean())
    std = math.sqrt(float(np.var(over, ddof=1)) / m + float(np.var(under, ddof=1)) / n)
    if value in (0.0, 1.0):
        # Separated scores have no variance; the number of rows is the only evidence.
        exact = clopper_pearson(min(m, n) if value else 0, min(m, n))
        return value, (min(value, exact[0]), max(value, exact[1]))
    half_width = float(norm.ppf((1 + CONFIDENCE) / 2)) * std
    return value, (max(0.0, value - half_width), min(1.0, value + half_width))


def roc(members: np.ndarray, non_members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False- and true-positive rates (k,) at every threshold from above the largest score down."""
    import numpy as np

    thresholds = np.unique(np.concatenate([members, non_members]))[::-1]
    true = 1.0 - np.searchsorted(np.sort(members), thresholds, side="left") / len(members)
    false = 1.0 - np.searchsorted(np.sort(non_members), thresholds, side="left") / len(non_members)
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def advantage(members: np.ndarray, non_members: np.ndarray) -> float:
    """Largest difference of true- and false-positive rate over all thresholds (Yeom et al., 2018)."""
    false, true = roc(members, non_members)
    return float((true - false).max())


def cross_validated_advantage(members: np.ndarray, non_members: np.ndarray) -> DifferenceOfShares:
    """True- minus false-positive rate at thresholds that other rows chose, with its limits (Newcombe).

    The best threshold of either half of the rows is used on the other half, so that the expected value is 0 for
    guessing. Scores must be in random order.
    """
    true_positives = false_positives = 0
    halves = slice(len(members) // 2), slice(len(members) // 2, None)
    other_halves = slice(len(non_members) // 2), slice(len(non_members) // 2, None)
    for fit, test in ((0, 1), (1, 0)):
        threshold = _best_threshold(members[halves[fit]], non_members[other_halves[fit]])
        true_positives += int((members[halves[test]] >= threshold).sum())
        false_positives += int((non_members[other_halves[test]] >= threshold).sum())
    return DifferenceOfShares(first=(false_positives, len(non_members)), second=(true_positives, len(members)))


def permuted_tpr(
    members: np.ndarray, non_members: np.ndarray, *, fpr: float, seed: int, permutations: int = 200
) -> tuple[float, tuple[float, float]]:
    """True-positive rate of the same scores when membership is permuted at random: mean and 95% range.

    A control: the mean is `fpr` unless the scores tie, however good the attack is.
    """
    import numpy as np

    scores, generator = np.concatenate([members, non_members]), np.random.default_rng(seed)
    rates = []
    for _ in range(permutations):
        generator.shuffle(scores)
        point = operating_point(scores[: len(members)], scores[len(members) :], fpr=fpr)
        rates.append(point.tpr if point else 0.0)
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(np.mean(rates)), (float(low), float(high))


def chance_advantage(positives: int, negatives: int) -> float:
    """Expected advantage of scores without any information, because the best threshold is chosen on the same rows.

    Mean of the supremum of a Brownian bridge, sqrt(pi/8), times the scale of the two samples.
    """
    return math.sqrt(math.pi / 8) * math.sqrt(1 / positives + 1 / negatives)


def _best_threshold(members: np.ndarray, non_members: np.ndarray) -> float:
    """The score with the largest true- minus false-positive rate, itself counted as positive; the highest of equals."""
    import numpy as np

    thresholds = np.unique(np.concatenate([members, non_members]))[::-1]
    true = 1.0 - np.searchsorted(np.sort(members), thresholds, side="left") / len(members)
    false = 1.0 - np.searchsorted(np.sort(non_members), thresholds, side="left") / len(non_members)
    return float(thresholds[(true - false).argmax()])
