"""LiRA: is the target's certainty of a record more likely for models with it, or for models without it?

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
MODELS_FOR_ROW_VARIANCE, MIN_STD = 64, 1e-3


def offline(target: Signals, references: References) -> np.ndarray:
    """Log probability that a model without the record is less certain of it than the target is; global variance."""
    from scipy.stats import norm

    certainty, out = references.signals.certainty, ~references.inside
    outside = outside_mean(certainty, ~out, _overall_mean(certainty, out))
    scores: np.ndarray = norm.logcdf((target.certainty - outside) / _global_std(certainty, out, outside))
    return scores


def online(target: Signals, references: References) -> np.ndarray:
    """Log-likelihood ratio of a Gaussian over models with the record to one over models without it.

    One global variance for either kind of model; one per record from 64 models on.
    """
    certainty, inside = references.signals.certainty, references.inside
    within = inside_mean(certainty, inside, _overall_mean(certainty, inside))
    outside = outside_mean(certainty, inside, _overall_mean(certainty, ~inside))
    std = _row_std if len(references) >= MODELS_FOR_ROW_VARIANCE else _global_std
    log_inside = _log_density(target.certainty, within, std(certainty, inside, within))
    return log_inside - _log_density(target.certainty, outside, std(certainty, ~inside, outside))


def _overall_mean(certainty: np.ndarray, chosen: np.ndarray) -> float:
    """Mean over the chosen (model, record) pairs, for a record that has no such model."""
    return float(certainty[chosen].mean()) if chosen.any() else float(certainty.mean())


def _global_std(certainty: np.ndarray, chosen: np.ndarray, means: np.ndarray) -> float:
    """One standard deviation around the means of the records, over the chosen (model, record) pairs."""
    import numpy as np

    squares = np.square(certainty - means)[chosen]
    return max(MIN_STD, float(np.sqrt(squares.mean()))) if len(squares) else 1.0


def _row_std(certainty: np.ndarray, chosen: np.ndarray, means: np.ndarray) -> np.ndarray:
    """A standard deviation (n,) per record, the global one where a record has fewer than two models."""
    import numpy as np

    counts = chosen.sum(axis=0)
    squares = np.where(chosen, np.square(certainty - means), 0.0).sum(axis=0)
    own = np.sqrt(squares / np.maximum(counts, 1))
    return np.maximum(np.where(counts > 1, own, _global_std(certainty, chosen, means)), MIN_STD)


def _log_density(values: np.ndarray, means: np.ndarray, std: np.ndarray | float) -> np.ndarray:
    from scipy.stats import norm

    density: np.ndarray = norm.logpdf(values, loc=means, scale=std)
    return density
