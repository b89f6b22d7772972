"""A fitted multi-layer perceptron of scikit-learn, forwards and backwards (Rumelhart, Hinton and Williams, 1986)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Weights of each layer (inputs, outputs), biases (outputs,), and the activation between layers."""

    weights: Sequence[np.ndarray]
    biases: Sequence[np.ndarray]
    activation: str

    def scores(self, inputs: np.ndarray) -> np.ndarray:
        """What goes into the last activation, (n, outputs)."""
        return self._forwards(inputs)[1]

    def gradients(self, inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Gradient of sum(weights * scores) with regard to the inputs; weights (n, outputs), result (n, inputs)."""
        hidden, _ = self._forwards(inputs)
        back = weights @ self.weights[-1].T
        for layer, output in zip(reversed(self.weights[:-1]), reversed(hidden), strict=True):
            back = (back * SLOPES[self.activation](output)) @ layer.T
        return back

    def _forwards(self, inputs: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Outputs of the hidden layers, and the scores."""
        hidden: list[np.ndarray] = []
        here = inputs
        for weights, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            here = _activated(self.activation, here @ weights + bias)
            hidden.append(here)
        return hidden, here @ self.weights[-1] + self.biases[-1]


# Each slope as a function of the activation's own output.
SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "identity": lambda output: output * 0 + 1,
    "relu": lambda output: (output > 0).astype(float),
    "tanh": lambda output: 1 - output**2,
    "logistic": lambda output: output * (1 - output),
}


def network_of(estimator: Any) -> Network | None:
    """The network of an MLPClassifier or MLPRegressor; None for every other estimator."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not isinstance(estimator, (MLPClassifier, MLPRegressor)):
        return None
    return Network(weights=estimator.coefs_, biases=estimator.intercepts_, activation=estimator.activation)


def _activated(activation: str, values: np.ndarray) -> np.ndarray:
    import numpy as np
    from scipy.special import expit

    activations: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "identity": lambda values: values, "relu": lambda values: np.maximum(values, 0), "tanh": np.tanh, "logistic": expit
    }  # fmt: skip
    return activations[activation](values)
