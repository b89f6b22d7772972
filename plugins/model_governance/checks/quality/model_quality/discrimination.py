"""How well a score separates classes: ROC AUC with DeLong's interval, average precision with that of its influence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.uncertainty import TAIL
from model_governance.contract.result import Estimate
from model_governance.stats.intervals import on_scale

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import Interval


FEW = 200
"""Rows of a class below which DeLong's variance alone is not relied on."""
BIAS = 3.0


def placements(scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """For every row the share of the other class that scores lower (a positive) or higher (a negative).

    Midranks count ties half (Sun and Xu, 2014: O(n log n)). The mean over the positives, and over the negatives, is
    the ROC AUC.

    Args:
        scores: Scores (n,).
        positive: Positive rows, (n,) bool; both classes must occur.
    """
    import numpy as np
    from scipy.stats import rankdata

    everywhere = rankdata(scores)
    shares = np.empty(len(scores))
    shares[positive] = (everywhere[positive] - rankdata(scores[positive])) / (~positive).sum()
    shares[~positive] = 1 - (everywhere[~positive] - rankdata(scores[~positive])) / positive.sum()
    return shares


def per_class(placement: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Placements (n,) divided by the rows of their own class: what each row adds to the area."""
    import numpy as np

    return placement / np.where(positive, positive.sum(), (~positive).sum())


def stratified_error(added: np.ndarray, strata: np.ndarray) -> tuple[float, float] | None:
    """Standard error of a sum over independent strata, both shape (n,), and its degrees of freedom.

    None below two rows in a stratum, or where the variance is rounding. Degrees of freedom are Satterthwaite's
    (1946): with few rows of a class the normal distribution is too narrow.

    With the contributions of one score this is the variance of DeLong, DeLong and Clarke-Pearson (1988), with the
    difference of those of two scores that of the difference of their areas.
    """
    import numpy as np

    variance = divided = 0.0
    for stratum in np.unique(strata):
        rows = added[strata == stratum]
        if len(rows) < 2:
            return None
        part = len(rows) * float(rows.var(ddof=1))
        variance += part
        divided += part**2 / (len(rows) - 1)
    return None if variance < 1e-24 else (math.sqrt(variance), variance**2 / divided)


def roc_auc(score: np.ndarray, positive: np.ndarray) -> Estimate:
    """ROC AUC of a score (n,) with its 95% interval; both classes occur in `positive`, (n,) bool.

    DeLong's variance, taken from few rows of a class, is itself uncertain and 0 where these do not overlap with the
    others. Below `FEW` rows of a class the interval therefore reaches as far as the score interval of Newcombe (2006,
    method 5), whose variance follows from the area.
    """
    import numpy as np

    area = float(placements(score, positive)[positive].mean())
    interval = auc_interval(score[:, None], positive, np.array([True]))
    hits = int(positive.sum())
    if min(hits, len(positive) - hits) < FEW:
        low, high = newcombe_area(area, hits, len(positive) - hits)
        interval = (low, high) if interval is None else (min(low, interval[0]), max(high, interval[1]))
    return Estimate(name="roc_auc", value=area, n=len(positive), interval=interval)


def newcombe_area(area: float, positives: int, negatives: int) -> Interval:
    """95% score interval of a ROC AUC (Newcombe, 2006, part 2, method 5).

    The distance of the limits from the area is a multiple of their own standard errors by Hanley and McNeil (1982), with
    both classes as large as their mean in the numerator.

    Args:
        area: The area, 0 to 1.
        positives: Rows of the positive class, above 0.
        negatives: Rows of the other class, above 0.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    quantile, mean_size = float(norm.ppf(1 - TAIL)), (positives + negatives) / 2 - 1

    def beyond(limit: float) -> float:
        spread = 1 + mean_size * ((1 - limit) / (2 - limit) + limit / (1 + limit))
        variance = limit * (1 - limit) * spread / (positives * negatives)
        return abs(area - limit) - quantile * math.sqrt(variance)

    # At 0 and 1 the variance is 0, so the search for the limits stays inside.
    edge = 1e-12
    low = 0.0 if area <= edge else float(brentq(beyond, edge, min(area, 1 - edge)))
    high = 1.0 if area >= 1 - edge else float(brentq(beyond, max(area, edge), 1 - edge))
    return low, high


def auc_interval(scores: np.ndarray, truth: np.ndarray, classes: np.ndarray) -> Interval | None:
    """95% interval of the one-against-rest ROC AUC averaged over `classes`.

    For one class this is the variance of DeLong, DeLong and Clarke-Pearson (1988); for several, the placements of a
    row are added up before the variance within each class is taken, as its scores depend on one another. The limits
    are computed on the logit scale, which keeps them inside 0 to 1 (Pepe, 2003).

    Args:
        scores: Scores (n, len(classes)).
        truth: Class of each row (n,).
        classes: The classes to average over.
    """
    import numpy as np
    from scipy.stats import t

    influence = np.zeros(len(truth))
    area = 0.0
    for column, label in enumerate(classes):
        positive = truth == label
        share = placements(scores[:, column], positive)
        area += float(share[positive].mean()) / len(classes)
        influence += per_class(share, positive) / len(classes)
    # With one class "the rest" is one sample, as in DeLong; with several every class is one.
    strata = truth if len(classes) > 1 else truth == classes[0]
    estimated = stratified_error(influence, strata)
    if estimated is None:
        return None
    error, freedom = estimated
    return on_scale(area, float(t.ppf(1 - TAIL, freedom)) * error, "logit")


def average_precision_interval(scores: np.ndarray, positive: np.ndarray) -> Interval | None:
    """95% interval of average precision from the influence of each row, on the logit scale.

    Average precision is smooth in the weights of the rows, so its variance is the sum of squared
    derivatives (the infinitesimal jackknife; Jaeckel, 1972); Student's t on the positives less one, as
    they are what average precision averages over. One positive says nothing. Where all positives are ranked first, the
    lower limit is that of a share of so many rows that all count (Clopper and Pearson, 1934).
    """
    from scipy.stats import t

    positives = int(positive.sum())
    if positives < 2:
        return 0.0, 1.0
    value = average_precision(scores, positive)
    if value >= 1:
        return TAIL ** (1 / positives), 1.0
    error = average_precision_error(average_precision_influence(scores, positive), positives=positives)
    return on_scale(value, float(t.ppf(1 - TAIL, positives - 1)) * error, "logit") if error > 1e-12 else None


def average_precision_error(influence: np.ndarray, *, positives: int) -> float:
    """Standard error of average precision, or of a difference of two, from the influence of each row (n,).

    Average precision counts every positive among those that score as high, which biases it upwards in proportion to
    1 / positives, and its variance downwards. The variance is raised by 3 / positives: the least that gives 94% coverage
    from 20 positives on (include/bench/COVERAGE.md).
    """
    import numpy as np

    n = len(influence)
    variance = float(np.square(influence).sum()) / (n * (n - 1))
    return math.sqrt(variance * (1 + BIAS / positives))


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Precision averaged over the positives, ties taken together; shapes (n,) and (n,) bool, a positive occurs."""
    precision = _precision_at(scores, positive)[0]
    return float(precision[positive].mean())


def average_precision_influence(scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """N times the derivative of average precision in the weight of each row, shape (n,); its mean is 0."""
    import numpy as np

    precision, ranked, order, first = _precision_at(scores, positive)
    hit = positive.astype(np.float64)
    # What a row adds to the precision at every positive that does not score above it.
    below_rank = _sum_not_above(hit / ranked, order, first)
    below_precision = _sum_not_above(hit * precision / ranked, order, first)
    own = hit * (precision - precision[positive].mean())
    return (own + hit * below_rank - below_precision) * len(hit) / hit.sum()


def _precision_at(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, ...]:
    """Precision and number of rows at or above the score of each row, the order by score and where its tie begins."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    descending = -scores[order]
    last = np.searchsorted(descending, -scores, side="right") - 1
    first = np.searchsorted(descending, -scores, side="left")
    ranked = last + 1.0
    return np.cumsum(positive[order])[last] / ranked, ranked, order, first


def _sum_not_above(values: np.ndarray, order: np.ndarray, first: np.ndarray) -> np.ndarray:
    """For each row the sum of values over the rows that do not score above it."""
    import numpy as np

    return np.cumsum(values[order][::-1])[::-1][first]
