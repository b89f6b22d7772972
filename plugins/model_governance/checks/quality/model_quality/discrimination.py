"""How well a score separates classes: ROC AUC with DeLong's interval, average precision with that of its influence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.uncertainty import TAIL
from model_governance.stats.intervals import on_scale

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import Interval


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
    they are what average precision averages over. None below two positives, or at 0 or 1.
    """
    import numpy as np
    from scipy.stats import t

    influence = average_precision_influence(scores, positive)
    n, positives = len(positive), int(positive.sum())
    if positives < 2:
        return None
    error = math.sqrt(float(np.square(influence).sum()) * n / (n - 1)) / n
    value = average_precision(scores, positive)
    return on_scale(value, float(t.ppf(1 - TAIL, positives - 1)) * error, "logit") if error > 1e-12 else None


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
