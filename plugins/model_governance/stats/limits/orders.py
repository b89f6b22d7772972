"""Limits of how well one order of features agrees with another."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from model_governance.stats.limits.confidence import AT_95, TAIL, Limits, quantile_of

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankAgreement(Limits):
    """Normalised discounted cumulative gain of a reference's means in the order of other means.

    Up to the 95% interval the limits are those given. Beyond it a bootstrap has seen too few orders: the agreement jumps
    where two means change places, however rarely they do. There the upper limit is the best order that is not excluded
    and the lower one the worst. A feature's rank is at least one more than the number of features that surely lie above
    it, over all pairs at half the level (Bonferroni); the other half is that of the gains.

    Attributes:
        value: the observed agreement.
        middle: the same corrected for bias: noise can only disturb an order that agrees.
        low95: lower limit of its 95% interval.
        high95: upper limit of its 95% interval.
        gains: the reference's means, shape (d,), some above 0.
        gain_errors: their standard errors (d,).
        scores: the means that make the order (d,).
        score_errors: their standard errors (d,).
    """

    family: ClassVar[str] = "rank_agreement"
    value: float
    middle: float
    low95: float
    high95: float
    gains: Numbers
    gain_errors: Numbers
    scores: Numbers
    score_errors: Numbers

    def low(self, tail: float) -> float:
        """Lower limit, at least 0."""
        near = self.middle - quantile_of(tail) / AT_95 * (self.middle - self.low95)
        return max(0.0, near if tail >= TAIL else min(near, self.low95, self._extreme(tail, sign=-1.0)))

    def high(self, tail: float) -> float:
        """Upper limit, at most 1."""
        near = self.middle + quantile_of(tail) / AT_95 * (self.high95 - self.middle)
        return min(1.0, near if tail >= TAIL else max(near, self.high95, self._extreme(tail, sign=1.0)))

    def inflated(self, factor: float) -> RankAgreement:
        """The same with larger standard errors."""
        root = math.sqrt(factor)
        return replace(
            self, low95=max(0.0, self.middle - root * (self.middle - self.low95)),
            high95=min(1.0, self.middle + root * (self.high95 - self.middle)),
            gain_errors=tuple(root * error for error in self.gain_errors),
            score_errors=tuple(root * error for error in self.score_errors),
        )  # fmt: skip

    def detectable(self, bound: float, tail: float) -> float | None:
        """Unknown: which orders lie beyond a bound depends on the features."""
        del bound, tail
        return None

    def detectable_below(self, bound: float, tail: float) -> float | None:
        """Unknown, as above."""
        del bound, tail
        return None

    def _extreme(self, tail: float, *, sign: float) -> float:
        """The best (1) or worst (-1) agreement that is not excluded."""
        import numpy as np

        gains, errors = np.array(self.gains), np.array(self.gain_errors)
        discount = 1 / np.log2(np.arange(2, len(gains) + 2))
        ideal = np.empty(len(gains))
        ideal[np.argsort(-gains, kind="stable")] = discount
        own = np.empty(len(gains))
        own[self._order(tail / 2, best=sign > 0)] = discount
        agreement = float((gains * own).sum() / (gains * ideal).sum())
        # First order; the gains are of the same rows, and what they have in common changes no order.
        slope = (own - agreement * ideal) / (gains * ideal).sum()
        return agreement + sign * quantile_of(tail / 2) * float(np.sqrt((slope**2 * errors**2).sum()))

    def _order(self, tail: float, *, best: bool) -> list[int]:
        """The features from first to last, in the best or worst order that their scores leave open."""
        import numpy as np

        scores, errors, gains = np.array(self.scores), np.array(self.score_errors), np.array(self.gains)
        d = len(scores)
        distance = quantile_of(tail / max(1, math.comb(d, 2))) * np.hypot(errors[:, None], errors[None, :])
        above = scores[:, None] - scores[None, :] > distance
        blocking = (above if best else above.T).sum(axis=0)
        # From the first rank on the largest gain that may stand there, or from the last one: a task with a release date
        # whose value falls with time, so that the greedy choice is the best one.
        order: list[int] = []
        left = set(range(d))
        for rank in range(d):
            open_now = [feature for feature in left if blocking[feature] <= rank]
            chosen = max(open_now, key=lambda feature: (gains[feature], -feature))
            order.append(chosen)
            left.remove(chosen)
        return order if best else order[::-1]
