"""Compiled objects in a pickle, built anew from their data: search trees, distances, splines and masked arrays.

Their own code trusts sizes and indices of the file. Built from the data they answer as before, because building them draws
nothing at random.
"""

from __future__ import annotations

from typing import Any

from model_governance.formats.pickle_names import DISTANCES, REBUILT_MODULES

METRICS = {f"{name}Distance64": name.lower() for name in DISTANCES}
TREES = {"KDTree": "sklearn.neighbors._kd_tree", "BallTree": "sklearn.neighbors._ball_tree"}
LARGEST_DEGREE = 50  # of a spline


class Forged(ValueError):
    """A state that its library would not write."""


class Rebuilt:
    """Stands for a compiled object until its state is known."""

    def build(self, state: Any) -> Any:
        """The object that this state describes.

        Raises:
            Forged, ValueError, TypeError, IndexError: it describes none.
        """
        raise Forged(f"sets a {type(state).__name__} as the state of a {type(self).__name__}")


class Compiled(Rebuilt):
    """A search tree or a distance: scikit-learn pickles its class, and its numbers as state."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def build(self, state: Any) -> Any:
        """The tree over the same data, or the distance of the same kind."""
        if not isinstance(state, tuple):
            raise Forged(f"sets a state on a {self._kind.name} that scikit-learn would not write")
        return _tree(self._kind.name, state) if self._kind.name in TREES else _distance(self._kind.name, state)


class Kind:
    """Stands where a pickle names a compiled class, which is never handed out."""

    def __init__(self, name: str) -> None:
        self.name = name


class Spline(Rebuilt):
    """Stands for a B-spline."""

    def build(self, state: Any) -> Any:
        """The spline, checked by scipy as if it were new."""
        from scipy.interpolate import BSpline

        knots, coefficients, degree = _numbers(state["_t"]), _numbers(state["_c"]), state["k"]
        if type(degree) is not int or not 0 <= degree <= LARGEST_DEGREE:
            raise Forged("describes a spline of no plain degree")
        return BSpline(knots, coefficients, degree, extrapolate=state["extrapolate"], axis=state["axis"])


class MaskedKind:
    """Stands where a pickle names numpy's MaskedArray."""


def inert(*_: Any) -> Any:
    """Stands for a function that is stored beside a spline and made anew with it."""
    raise Forged("calls a function that is only stored beside a spline")


def masked_array(kind: Any, _: Any, shape: Any, code: Any) -> Any:
    """An empty masked array, before its state is set."""
    import numpy as np

    if kind is not MaskedKind or shape != (0,):
        raise Forged("builds something else than a masked array as one")
    return np.ma.MaskedArray(np.empty(shape, dtype=code))


def compiled(kind: Any) -> Compiled:
    """What scikit-learn's newObj returns before its state is set."""
    if not isinstance(kind, Kind):
        raise Forged("makes a compiled object of something else than a compiled class")
    return Compiled(kind)


REBUILDERS: dict[tuple[str, str], Any] = {
    **{(module, "newObj"): compiled for module in REBUILT_MODULES},
    **{(module, name): Kind(name) for name, module in TREES.items()},
    **{("sklearn.metrics._dist_metrics", name): Kind(name) for name in METRICS},
    ("numpy.ma.core", "_mareconstruct"): masked_array,
    ("numpy.ma.core", "MaskedArray"): MaskedKind,
    ("numpy.ma", "MaskedArray"): MaskedKind,
    ("scipy.interpolate._bsplines", "BSpline"): Spline,
    ("scipy._lib.array_api_compat.numpy._aliases", "asarray"): inert,
}


def _tree(name: str, state: tuple[Any, ...]) -> Any:
    from sklearn.metrics import DistanceMetric
    from sklearn.neighbors import BallTree, KDTree

    data, leaf_size, metric, weights = _numbers(state[0]), state[4], state[11], state[12]
    if data.ndim != 2 or type(leaf_size) is not int or not isinstance(metric, DistanceMetric):
        raise Forged(f"describes a {name} by something else than rows, a leaf size and a distance")
    kind = KDTree if name == "KDTree" else BallTree
    return kind(data, leaf_size=leaf_size, metric=metric, sample_weight=None if weights is None else _numbers(weights))


def _distance(name: str, state: tuple[Any, ...]) -> Any:
    from sklearn.metrics import DistanceMetric

    power, vector = float(state[0]), _numbers(state[1])
    settings: dict[str, Any] = {}
    if METRICS[name] == "minkowski":
        settings["p"] = power
        if vector.size > 1:
            settings["w"] = vector
    return DistanceMetric.get_metric(METRICS[name], **settings)


def _numbers(values: Any) -> Any:
    import numpy as np

    if not isinstance(values, np.ndarray) or values.dtype != np.float64:
        raise Forged("describes a compiled object by something else than numbers")
    return values
