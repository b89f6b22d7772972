"""How well a score separates classes: ROC AUC with DeLong's interval, average precision with that of its influence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.uncertainty import TAIL
from model_governance.stats.intervals import on_scale

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.measurement import Interval


def placements(scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """For every row the share of the other side that it beats (a positive) or that beats it (a negative).

    Midranks count ties half (Sun and Xu, 2014: O(n log n)). The mean over the positives, and over
    the negatives, is the ROC AUC. Shapes (n,) and (n,) bool; both sides must occur.
    """
    import numpy as np
    from scipy.stats import rankdata

    everywhere = rankdata(scores)
    shares = np.empty(len(scores))
    shares[positive] = (everywhere[positive] - rankdata(scores[positive])) / (~positive).sum()
    shares[~positive] = 1 - (everywhere[~positive] - rankdata(scores[~positive])) / positive.sum()
    return shares


def per_side(placement: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Placements divided by the rows of their own side: what each row adds to the area; shapes (n,)."""
    import numpy as np

    return placement / np.where(positive, positive.sum(), (~positive).sum())


def spread_within(added: np.ndarray, strata: np.ndarray) -> tuple[float, float] | None:
    """Standard error of a sum over independent strata, both shape (n,), and its degrees of freedom.

    None below two rows in a stratum, or where rounding leaves but a trace of variance. Degrees of freedom
    are Satterthwaite's (1946): with few rows of a class the normal law would promise too much.

    With what one score's rows add this is the variance of DeLong, DeLong and Clarke-Pearson (1988), with the
    difference of two scores' rows that of the difference of their areas.
    """
    import numpy as np

    variance = divided = 0.0
    for one in np.unique(strata):
        rows = added[strata == one]
        if len(rows) < 2:
            return None
        part = len(rows) * float(rows.var(ddof=1))
        variance += part
        divided += part**2 / (len(rows) - 1)
    return None if variance < 1e-24 else (math.sqrt(variance), variance**2 / divided)


def auc_interval(scores: np.ndarray, truth: np.ndarray, classes: np.ndarray) -> Interval | None:
    """Interval of the one-against-rest ROC AUC averaged over `classes`.

    `scores` has shape (n, len(classes)), `truth` (n,) the class of each row. For one class this is
    the variance of DeLong, DeLong and Clarke-Pearson (1988); for several, the placements of a row are
    added up before the variance within each class is taken, as its scores depend on one another. The
    limits are drawn on the logit scale, which keeps them inside 0 to 1 (Pepe, 2003).
    """
    import numpy as np
    from scipy.stats import t

    influence = np.zeros(len(truth))
    area = 0.0
    for column, one in enumerate(classes):
        positive = truth == one
        share = placements(scores[:, column], positive)
        area += float(share[positive].mean()) / len(classes)
        influence += per_side(share, positive) / len(classes)
    # With one class "the rest" is one sample, as DeLong has it; with several every class is one.
    strata = truth if len(classes) > 1 else truth == classes[0]
    found = spread_within(influence, strata)
    if found is None:
        return None
    spread, freedom = found
    return on_scale(area, float(t.ppf(1 - TAIL, freedom)) * spread, "logit")


def average_precision_interval(scores: np.ndarray, positive: np.ndarray) -> Interval | None:
    """Interval of average precision from the influence of each row, drawn on the logit scale.

    Average precision is smooth in the weights of the rows, so its variance is the sum of squared
    derivatives (the infinitesimal jackknife; Jaeckel, 1972); Student's t on the positives less one, as
    they are what average precision averages over. None below two positives, or at 0 or 1.
    """
    import numpy as np
    from scipy.stats import t

    influence = average_precision_influence(scores, positive)
    n, found = len(positive), int(positive.sum())
    if found < 2:
        return None
    spread = math.sqrt(float(np.square(influence).sum()) * n / (n - 1)) / n
    value = average_precision(scores, positive)
    return on_scale(value, float(t.ppf(1 - TAIL, found - 1)) * spread, "logit") if spread > 1e-12 else None


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Precision averaged over the positives, ties taken together; shapes (n,) and (n,) bool, a positive occurs."""
    precision = _precision_at(scores, positive)[0]
    return float(precision[positive].mean())


def average_precision_influence(scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """N times the derivative of average precision in the weight of each row, shape (n,); its mean is 0."""
    import numpy as np

    precision, seen, order, first = _precision_at(scores, positive)
    hit = positive.astype(np.float64)
    # What a row adds to the precision at every positive that does not score above it.
    below_seen = _from_here_on(hit / seen, order, first)
    below_precision = _from_here_on(hit * precision / seen, order, first)
    own = hit * (precision - precision[positive].mean())
    return (own + hit * below_seen - below_precision) * len(hit) / hit.sum()


def _precision_at(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, ...]:
    """Precision and rows seen at the score of each row; the order by score and both ends of each row's tie in it."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    ranked = -scores[order]
    last = np.searchsorted(ranked, -scores, side="right") - 1
    first = np.searchsorted(ranked, -scores, side="left")
    seen = last + 1.0
    return np.cumsum(positive[order])[last] / seen, seen, order, first


def _from_here_on(values: np.ndarray, order: np.ndarray, first: np.ndarray) -> np.ndarray:
    """For each row the sum of values over the rows that do not score above it."""
    import numpy as np

    return np.cumsum(values[order][::-1])[::-1][first]
