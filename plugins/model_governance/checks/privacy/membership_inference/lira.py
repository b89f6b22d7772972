"""LiRA: is the target's certainty of a record that of models with it, or of models without it?

The likelihood-ratio attack of Carlini et al. (2022), in log space throughout: a probability saturates at 1 and
ties exactly where the members are. Arrays in, scores (n,) out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.references import inside_mean, outside_mean

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.privacy.membership_inference.references import References
    from model_governance.checks.privacy.membership_inference.signals import Signals

# Fewer models cannot estimate a variance per record.
MANY, LEAST_SPREAD = 64, 1e-3


def offline(target: Signals, references: References) -> np.ndarray:
    """Log probability that a model without the record is less certain of it than the target is; one variance."""
    from scipy.stats import norm

    certainty, out = references.signals.certainty, ~references.inside
    outside = outside_mean(certainty, ~out, _overall(certainty, out))
    scores: np.ndarray = norm.logcdf((target.certainty - outside) / _spread(certainty, out, outside))
    return scores


def online(target: Signals, references: References) -> np.ndarray:
    """Log-likelihood ratio of a Gaussian around models with the record to one around models without it.

    One variance per side; one per record and side from 64 models on.
    """
    certainty, inside = references.signals.certainty, references.inside
    within = inside_mean(certainty, inside, _overall(certainty, inside))
    outside = outside_mean(certainty, inside, _overall(certainty, ~inside))
    spread = _spreads if len(references) >= MANY else _spread
    with_it = _log_density(target.certainty, within, spread(certainty, inside, within))
    return with_it - _log_density(target.certainty, outside, spread(certainty, ~inside, outside))


def _overall(certainty: np.ndarray, chosen: np.ndarray) -> float:
    """Mean over every record and model of one side, for a record that no model has on that side."""
    return float(certainty[chosen].mean()) if chosen.any() else float(certainty.mean())


def _spread(certainty: np.ndarray, chosen: np.ndarray, means: np.ndarray) -> float:
    """One standard deviation around the means of the records, over the (model, record) pairs of one side."""
    import numpy as np

    away = np.square(certainty - means)[chosen]
    return max(LEAST_SPREAD, float(np.sqrt(away.mean()))) if len(away) else 1.0


def _spreads(certainty: np.ndarray, chosen: np.ndarray, means: np.ndarray) -> np.ndarray:
    """A standard deviation (n,) per record, the common one where a record has fewer than two models."""
    import numpy as np

    counts = chosen.sum(axis=0)
    squares = np.where(chosen, np.square(certainty - means), 0.0).sum(axis=0)
    own = np.sqrt(squares / np.maximum(counts, 1))
    return np.maximum(np.where(counts > 1, own, _spread(certainty, chosen, means)), LEAST_SPREAD)


def _log_density(values: np.ndarray, means: np.ndarray, spread: np.ndarray | float) -> np.ndarray:
    from scipy.stats import norm

    density: np.ndarray = norm.logpdf(values, loc=means, scale=spread)
    return density
