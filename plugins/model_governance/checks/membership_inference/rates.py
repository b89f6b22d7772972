"""Error rates of scores: area under the ROC, true positives at few false positives, and their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.intervals import CONFIDENCE, clopper_pearson, newcombe

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
    above it, so that ties never exceed the allowance.
    """

    fpr: float
    allowed: int
    threshold: float
    accused: int
    negatives: int
    named: int
    positives: int

    @property
    def tpr(self) -> float:
        """Share of members named, 0 to 1."""
        return self.named / self.positives

    @property
    def interval(self) -> tuple[float, float]:
        """Exact binomial interval of the share; it takes the threshold as given."""
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
    threshold = float(np.sort(others)[::-1][allowed])
    return OperatingPoint(
        fpr=fpr,
        allowed=allowed,
        threshold=threshold,
        accused=int((others > threshold).sum()),
        negatives=len(others),
        named=int((members > threshold).sum()),
        positives=len(members),
    )


def held_tpr(members: np.ndarray, others: np.ndarray, *, fpr: float) -> float | None:
    """Share of members above a threshold whose false-positive rate is at most `fpr` with 97.5% confidence.

    The rate of the j-th largest of n non-member scores is Beta(j, n - j + 1) distributed, whatever the scores
    (a tolerance limit: Wilks, 1941). None where there are too few non-members for any threshold.
    """
    import numpy as np
    from scipy.stats import beta

    ranks = np.arange(1, math.floor(fpr * len(others) + HAIR) + 2)
    sure = beta.cdf(fpr, ranks, len(others) - ranks + 1) >= (1 + CONFIDENCE) / 2
    if not sure.any():
        return None
    threshold = np.sort(others)[::-1][int(ranks[sure].max()) - 1]
    return float((members > threshold).mean())


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
