"""A scikit-learn estimator trained again from scratch, as attacks need it: the same recipe, other rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

# These keep fitted parts in their parameters, so that a copy would remember the old rows.
FROZEN = ("sklearn.frozen.",)


def chosen(estimator: Any) -> Any:
    """The estimator that a search settled on; itself where nothing was searched."""
    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    return estimator


def can_be_retrained(estimator: Any) -> bool:
    """Whether every part of the estimator is fitted anew by `fit`."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    return not any(type(part).__module__.startswith(FROZEN) for part in _flatten(parts))


def retrained(estimator: Any, inputs: Any, labels: Any, *, seed: int) -> Any:
    """A fitted copy of the recipe: every random_state is the seed, one thread, no cache on disk.

    A search is not repeated: its copies are trained with the parameters that it found.
    """
    import warnings

    import numpy as np
    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning

    fresh = clone(chosen(estimator))
    settings: dict[str, Any] = {}
    for name, value in fresh.get_params(deep=True).items():
        leaf = name.rpartition("__")[2]
        if leaf == "random_state" or (leaf in ("n_jobs", "memory") and value is not None):
            settings[name] = {"random_state": seed, "n_jobs": 1, "memory": None}[leaf]
    fresh.set_params(**settings)
    with warnings.catch_warnings():
        # How far the recipe converges is the recipe's own affair, and the original did not converge further.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fresh.fit(inputs, np.asarray(labels))


def in_columns(
    answer: Callable[[Any], np.ndarray], own: list[Any], classes: list[Any], *, missing: float
) -> Callable[[Any], np.ndarray]:
    """Outputs (n, own classes) as (n, classes): a copy may have been trained without rows of a class."""
    import numpy as np

    if own == classes:
        return answer
    places = [classes.index(label) for label in own]

    def spread(inputs: Any) -> np.ndarray:
        narrow = answer(inputs)
        wide = np.full((len(narrow), len(classes)), missing)
        wide[:, places] = narrow
        return wide

    return spread


def _flatten(parts: list[Any]) -> list[Any]:
    flattened = []
    for part in parts:
        flattened.extend(_flatten(list(part)) if isinstance(part, (list, tuple)) else [part])
    return flattened
