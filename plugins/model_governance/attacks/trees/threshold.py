"""A tree ensemble of two classes that decides at a probability other than one half."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.attacks.trees.ensemble import NoExactAnswer, TreeEnsemble

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.attacks.trees.reading import TreeModel
    from model_governance.contract.decision import Decision

AGREEMENT = 1e-5
"""Largest distance of the probabilities of the trees from those of the model; libraries add up in 32 bits."""


def at_threshold(
    model: TreeModel, decision: Decision, frame: pd.DataFrame, probabilities: np.ndarray
) -> TreeModel | NoExactAnswer:
    """The same trees with one score, above 0 where class 1 is decided.

    Args:
        model: trees of two classes.
        decision: the positive class and its threshold.
        frame: raw rows (n) on which trees and model are compared.
        probabilities: those of the model for these rows, shape (n, 2).
    """
    import numpy as np

    ensemble, scores = model.ensemble, model.margin(frame)
    # Class 1 is decided from this probability of its own on, or above it where class 0 is the positive one.
    share = decision.threshold if decision.positive == 1 else 1 - decision.threshold
    log_odds = decision.log_odds if decision.positive == 1 else -decision.log_odds
    votes = ensemble.decision == "argmax" and np.allclose(scores.sum(axis=1), 1)
    if votes:
        read, single = scores[:, 1], _one_score(ensemble, [0.0, 1.0], share)
    else:
        weights = [1.0] if ensemble.decision == "margin" else [-1.0, 1.0]
        read, single = 1 / (1 + np.exp(-(scores @ weights))), _one_score(ensemble, weights, log_odds)
    apart = float(np.abs(read - probabilities[:, 1]).max(initial=0.0))
    if not apart <= AGREEMENT:
        return NoExactAnswer(
            f"the probabilities of the trees are up to {apart:.2g} from the model's, so its decision threshold is none of "
            "their scores"
        )
    return replace(model, ensemble=replace(single, tie_is_one=decision.positive == 1))


def _one_score(ensemble: TreeEnsemble, weights: list[float], bound: float) -> TreeEnsemble:
    """The weighted sum of the scores, less `bound`."""
    import numpy as np

    column = np.array(weights)[:, None]
    base = ensemble.base @ column - bound * ensemble.divisor
    return replace(ensemble, values=ensemble.values @ column, base=base, decision="margin")
