"""Gradients of scikit-learn estimators that have one, through the user's preprocessing, in raw units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.subjects.loaders.sklearn_affine import through_all
from model_governance.subjects.loaders.sklearn_network import network_of
from model_governance.subjects.loaders.sklearn_scores import last_step, prepared, scores_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pandas as pd

    Gradients = Callable[[np.ndarray, np.ndarray], np.ndarray]
    Feed = Callable[[pd.DataFrame], Any]

# The step that balances rounding against curvature in a central difference: the cube root of 2^-52.
STEP = 6e-6
LINEAR = (
    "LogisticRegression", "LogisticRegressionCV", "RidgeClassifier", "RidgeClassifierCV", "SGDClassifier", "Perceptron",
    "LinearSVC", "LinearDiscriminantAnalysis", "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet",
    "ElasticNetCV", "Lars", "LassoLars", "SGDRegressor", "HuberRegressor", "LinearSVR", "BayesianRidge", "ARDRegression",
    "QuantileRegressor", "TheilSenRegressor",
)  # fmt: skip


def gradient_of(
    estimator: Any, feed: Feed, given: Sequence[str], numeric: Sequence[str]
) -> Callable[[pd.DataFrame, np.ndarray], np.ndarray] | None:
    """Rows and weights (n, k) -> gradient of sum(weights * scores), (n, numeric); None where the scores have none.

    `given` are the columns in the order of the estimator, `numeric` those to differentiate. Scalers, imputers,
    encoders of categories and column transformers of them are differentiated exactly; any other preprocessing by
    central differences of the preprocessing.
    """
    steps, last = last_step(estimator)
    gradients = _gradients(last)
    if gradients is None or scores_of(estimator) is None:
        return None
    matrix = through_all(steps, given, numeric)
    if matrix is not None:
        return lambda frame, weights: gradients(prepared(steps, feed(frame)), weights) @ matrix

    def differenced(frame: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
        back = gradients(prepared(steps, feed(frame)), weights)
        return _differenced(lambda rows: prepared(steps, feed(rows)), frame, back, numeric)

    return differenced


def _differenced(
    prepare: Callable[[pd.DataFrame], np.ndarray], frame: pd.DataFrame, back: np.ndarray, numeric: Sequence[str]
) -> np.ndarray:
    import numpy as np

    result = np.zeros((len(frame), len(numeric)))
    for place, name in enumerate(numeric):
        values = frame[name].to_numpy(dtype=np.float64)
        step = STEP * np.maximum(1, np.abs(values))
        low, high = (prepare(frame.assign(**{name: values + side * step})) for side in (-1, 1))
        result[:, place] = (back * (high - low)).sum(axis=1) / (2 * step)
    return result


def _gradients(last: Any) -> Gradients | None:
    """Prepared inputs (n, m) and weights (n, k) -> (n, m), for the step that decides."""
    import numpy as np

    network = network_of(last)
    if network is not None:
        return lambda inputs, weights: network.gradients(inputs, _of_scores(weights, network.biases[-1].size))
    if type(last).__name__ in LINEAR and type(last).__module__.startswith("sklearn."):
        coefficients = np.atleast_2d(last.coef_.toarray() if hasattr(last.coef_, "toarray") else last.coef_)
        return lambda _, weights: _of_scores(weights, len(coefficients)) @ coefficients
    return _kernel_slopes(last)


def _of_scores(weights: np.ndarray, count: int) -> np.ndarray:
    """The weights of the model's own scores: of columns (0, s) the second counts."""
    return weights[:, -1:] if count == 1 else weights


def _kernel_slopes(last: Any) -> Gradients | None:
    """Support-vector machines with one score: linear kernels, and radial ones through their support vectors."""
    import numpy as np
    from sklearn.svm import SVC, SVR, NuSVC, NuSVR

    if not isinstance(last, (SVC, NuSVC, SVR, NuSVR)) or len(getattr(last, "classes_", (0, 1))) > 2:
        return None
    if last.kernel not in ("linear", "rbf"):
        return None
    vectors, dual = (
        matrix.toarray() if hasattr(matrix, "toarray") else matrix
        for matrix in (last.support_vectors_, last.dual_coef_)
    )
    if last.kernel == "linear":
        line = dual @ vectors
        return lambda _, weights: weights[:, -1:] @ line
    gamma = vars(last)["_gamma"]

    def radial(inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
        distances = (inputs**2).sum(axis=1)[:, None] + (vectors**2).sum(axis=1) - 2 * inputs @ vectors.T
        pull = dual * np.exp(-gamma * distances)
        return -2 * gamma * weights[:, -1:] * (pull.sum(axis=1)[:, None] * inputs - pull @ vectors)

    return radial
