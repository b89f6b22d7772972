"""How well a score separates classes: ROC AUC with DeLong's interval, average precision with a bootstrap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.model_quality.uncertainty import TAIL, resampled

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.model_quality.measurement import Interval


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


def auc_interval(scores: np.ndarray, truth: np.ndarray, classes: np.ndarray) -> Interval | None:
    """Interval of the one-against-rest ROC AUC averaged over `classes`.

    `scores` has shape (n, len(classes)), `truth` (n,) the class of each row. For one class this is
    the variance of DeLong, DeLong and Clarke-Pearson (1988); for several, the placements of a row are
    added up before the variance within each class is taken, as its scores depend on one another. The
    limits are drawn on the logit scale, which keeps them inside 0 to 1 (Pepe, 2003).
    """
    import numpy as np
    from scipy.special import expit, logit
    from scipy.stats import norm

    influence = np.zeros(len(truth))
    area = 0.0
    for column, one in enumerate(classes):
        positive = truth == one
        share = placements(scores[:, column], positive)
        area += float(share[positive].mean()) / len(classes)
        influence += share / np.where(positive, positive.sum(), (~positive).sum()) / len(classes)
    variance = 0.0
    # With one class "the rest" is one sample, as DeLong has it; with several every class is one.
    strata = truth if len(classes) > 1 else truth == classes[0]
    for one in np.unique(strata):
        rows = influence[strata == one]
        if len(rows) < 2:
            return None
        variance += len(rows) * float(rows.var(ddof=1))
    # Rounding leaves a trace of variance where there is none.
    if variance < 1e-24 or not 0 < area < 1:
        return None
    reach = float(norm.ppf(1 - TAIL)) * math.sqrt(variance) / (area * (1 - area))
    return float(expit(logit(area) - reach)), float(expit(logit(area) + reach))


def average_precision_interval(
    scores: np.ndarray, positive: np.ndarray, *, seed: int, resamples: int
) -> Interval | None:
    """Bootstrap interval of average precision: rows are sorted once, resamples only change their weights."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    hits, ranked = positive[order].astype(np.float64), scores[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)

    def average_precision(rows: np.ndarray) -> float:
        weight = np.bincount(rows, minlength=len(ranked))
        seen = np.cumsum(weight)[last_of_tie]
        found = np.cumsum(weight * hits)[last_of_tie]
        if found[-1] == 0:
            return math.nan
        return float(np.sum(np.diff(found, prepend=0.0) * found / np.maximum(seen, 1)) / found[-1])

    return resampled(average_precision, len(ranked), seed=seed, resamples=resamples)
