"""Error rates of scores: area under the ROC, true positives at few false positives, and their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from model_governance.stats.intervals import CONFIDENCE, clopper_pearson, newcombe

if TYPE_CHECKING:
    import numpy as np

# A rate like 0.29 of 100 rows is 29 false positives, although the product in floats is a hair less.
HAIR = 1e-9

# A rate that rests on fewer false positives than this is an anecdote.
LEAST_ACCUSED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """How many members an attacker names while accusing at most `allowed` of `negatives` non-members.

    The threshold is the (allowed + 1)-th largest non-member score and a row counts as named only
    above it, so that ties never exceed the allowance. `surely` and `possibly` count the members named at
    thresholds whose true false-positive rate is at most, and at least, `fpr` with 97.5% confidence each.
    """

    fpr: float
    allowed: int
    threshold: float
    accused: int
    negatives: int
    named: int
    positives: int
    surely: int
    possibly: int

    @property
    def tpr(self) -> float:
        """Share of members named, 0 to 1."""
        return self.named / self.positives

    @property
    def held_tpr(self) -> float:
        """Share of members named when the false-positive rate is at most `fpr` with 97.5% confidence."""
        return self.surely / self.positives

    @property
    def interval(self) -> tuple[float, float]:
        """Interval of the share that allows for both samples: for the members, and for the threshold.

        Each end adds the two distances in squares (MOVER: Zou and Donner, 2008): that of the binomial interval, and
        that to the share at the threshold's own limits. The binomial one alone is too short by a factor up to 1.4.
        """
        low, high = self.at_threshold
        below = math.hypot(self.tpr - low, max(0.0, self.tpr - self.held_tpr))
        above = math.hypot(high - self.tpr, max(0.0, self.possibly / self.positives - self.tpr))
        return max(0.0, self.tpr - below), min(1.0, self.tpr + above)

    @property
    def at_threshold(self) -> tuple[float, float]:
        """Exact binomial interval of the share (Clopper and Pearson), which takes the threshold as given."""
        return clopper_pearson(self.named, self.positives)

    @property
    def realised(self) -> tuple[float, tuple[float, float]]:
        """Share of the non-members that were accused, and its exact interval."""
        return self.accused / self.negatives, clopper_pearson(self.accused, self.negatives)


def least_negatives(fpr: float) -> int:
    """Fewest non-members at which a false-positive rate is worth reading: five of them may be accused."""
    return math.ceil(LEAST_ACCUSED / fpr - HAIR)


def operating_point(members: np.ndarray, others: np.ndarray, *, fpr: float) -> OperatingPoint | None:
    """Members and non-members above the threshold of a false-positive rate; None where it allows no row.

    Scores of shape (n,) and (m,), higher = more likely a member. The rule of the low
    false-positive regime of Carlini et al. (2022), with strict inequality.
    """
    import numpy as np

    allowed = math.floor(fpr * len(others) + HAIR)
    if allowed == 0:
        return None
    falling = np.sort(others)[::-1]
    threshold = float(falling[allowed])
    surely, possibly = _threshold_ranks(fpr, len(others))
    return OperatingPoint(
        fpr=fpr,
        allowed=allowed,
        threshold=threshold,
        accused=int((others > threshold).sum()),
        negatives=len(others),
        named=int((members > threshold).sum()),
        positives=len(members),
        surely=int((members > falling[surely - 1]).sum()) if surely else 0,
        possibly=int((members > falling[possibly - 1]).sum()) if possibly else len(members),
    )


@cache
def _threshold_ranks(fpr: float, negatives: int) -> tuple[int | None, int | None]:
    """Ranks from the top, 1 is the largest, of the non-member scores that bound the threshold of a false-positive rate.

    The true rate of the j-th largest of n scores is Beta(j, n - j + 1) distributed, whatever the scores (tolerance limits:
    Wilks, 1941). None where no rank will do.
    """
    import numpy as np
    from scipy.stats import beta

    ranks = np.arange(1, negatives + 1)
    below = beta.cdf(fpr, ranks, negatives - ranks + 1)
    tail = (1 - CONFIDENCE) / 2
    surely, possibly = ranks[below >= 1 - tail], ranks[below <= tail]
    return int(surely[-1]) if len(surely) else None, int(possibly[0]) if len(possibly) else None


def auc(members: np.ndarray, others: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Area under the ROC and its interval (DeLong, DeLong and Clarke-Pearson, 1988); ties count half.

    Placement values come from midranks (Sun and Xu, 2014).
    """
    import numpy as np
    from scipy.stats import norm, rankdata

    m, n = len(members), len(others)
    together = rankdata(np.concatenate([members, others]))
    over = (together[:m] - rankdata(members)) / n
    under = 1.0 - (together[m:] - rankdata(others)) / m
    value = float(over.mean())
    spread = math.sqrt(float(np.var(over, ddof=1)) / m + float(np.var(under, ddof=1)) / n)
    if value in (0.0, 1.0):
        # Sides that do not touch have no spread; that so few rows all agree is the evidence there is.
        shut = clopper_pearson(min(m, n) if value else 0, min(m, n))
        return value, (min(value, shut[0]), max(value, shut[1]))
    reach = float(norm.ppf((1 + CONFIDENCE) / 2)) * spread
    return value, (max(0.0, value - reach), min(1.0, value + reach))


def roc(members: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False- and true-positive rates (k,) at every threshold from above the largest score down."""
    import numpy as np

    cuts = np.unique(np.concatenate([members, others]))[::-1]
    true = 1.0 - np.searchsorted(np.sort(members), cuts, side="left") / len(members)
    false = 1.0 - np.searchsorted(np.sort(others), cuts, side="left") / len(others)
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def advantage(members: np.ndarray, others: np.ndarray) -> float:
    """Largest difference of true- and false-positive rate over all thresholds (Yeom et al., 2018)."""
    false, true = roc(members, others)
    return float((true - false).max())


def crossed_advantage(members: np.ndarray, others: np.ndarray) -> tuple[float, tuple[float, float]]:
    """True- minus false-positive rate at thresholds that the rows did not choose, and its interval (Newcombe).

    The best threshold of either half of the rows is used on the other half, so that chance earns nothing.
    Scores must be in random order.
    """
    named = accused = 0
    halves = slice(len(members) // 2), slice(len(members) // 2, None)
    against = slice(len(others) // 2), slice(len(others) // 2, None)
    for here, there in ((0, 1), (1, 0)):
        threshold = _best_threshold(members[halves[here]], others[against[here]])
        named += int((members[halves[there]] >= threshold).sum())
        accused += int((others[against[there]] >= threshold).sum())
    interval = newcombe((named, len(members)), (accused, len(others)))
    return named / len(members) - accused / len(others), interval


def by_lot(
    members: np.ndarray, others: np.ndarray, *, fpr: float, seed: int, draws: int = 200
) -> tuple[float, tuple[float, float]]:
    """The true-positive rate of these very scores when membership is drawn by lot: mean and 95% range over draws.

    A control: it comes out at `fpr` unless the scores tie, whatever the attack is worth.
    """
    import numpy as np

    scores, generator = np.concatenate([members, others]), np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        generator.shuffle(scores)
        point = operating_point(scores[: len(members)], scores[len(members) :], fpr=fpr)
        found.append(point.tpr if point else 0.0)
    low, high = np.percentile(found, [2.5, 97.5])
    return float(np.mean(found)), (float(low), float(high))


def _best_threshold(members: np.ndarray, others: np.ndarray) -> float:
    """Where true- minus false-positive rate is largest, the row that has the score itself included; the highest of equals."""
    import numpy as np

    cuts = np.unique(np.concatenate([members, others]))[::-1]
    true = 1.0 - np.searchsorted(np.sort(members), cuts, side="left") / len(members)
    false = 1.0 - np.searchsorted(np.sort(others), cuts, side="left") / len(others)
    return float(cuts[(true - false).argmax()])


def chance_advantage(positives: int, negatives: int) -> float:
    """Advantage that scores without any information reach on average, by choosing the best threshold.

    Mean of the supremum of a Brownian bridge, sqrt(pi/8), times the scale of the two samples.
    """
    return math.sqrt(math.pi / 8) * math.sqrt(1 / positives + 1 / negatives)
