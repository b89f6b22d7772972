"""Models with gradients, as the attacks use them: logits and vector-Jacobian products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Vjp = Callable[[np.ndarray], np.ndarray]


class Network(Protocol):
    """Logits (n, k) of points (n, d), and the gradient (n, d) of sum_k weights (n, k) * logits, row by row.

    `rows` (n,) are the numbers of the rows under attack that the points belong to; a network whose answer depends on
    more than the point (features that an attack cannot move) needs them.
    """

    def logits(self, points: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Scores before the softmax; the prediction is the largest."""

    def vjp(self, points: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, Vjp]:
        """The logits, and a function that takes weights (n, k) and returns gradients (n, d)."""


@dataclass(frozen=True, slots=True)
class CallableNetwork:
    """A network made of two functions: points -> logits, and (points, weights) -> gradients."""

    call_logits: Callable[[np.ndarray], np.ndarray]
    call_gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def logits(self, points: np.ndarray, _rows: np.ndarray | None = None) -> np.ndarray:
        """As `Network.logits`."""
        return self.call_logits(points)

    def vjp(self, points: np.ndarray, _rows: np.ndarray | None = None) -> tuple[np.ndarray, Vjp]:
        """As `Network.vjp`; the gradient is computed when it is asked for."""
        return self.call_logits(points), lambda weights: self.call_gradient(points, weights)


@dataclass(frozen=True, slots=True)
class TorchNetwork:
    """A PyTorch module in evaluation mode, float32, fed with rows of this shape; its parameters get no gradients."""

    module: Any
    shape: tuple[int, ...]
    device: Any = "cpu"

    def logits(self, points: np.ndarray, _rows: np.ndarray | None = None) -> np.ndarray:
        """As `Network.logits`."""
        import torch

        with torch.no_grad():
            return self._array(self.module(self._tensor(points)), len(points))

    def vjp(self, points: np.ndarray, _rows: np.ndarray | None = None) -> tuple[np.ndarray, Vjp]:
        """As `Network.vjp`: one forward pass now, one backward pass when the gradient is asked for."""
        import torch

        given = self._tensor(points).requires_grad_()
        outputs = self.module(given)

        def back(weights: np.ndarray) -> np.ndarray:
            vector = torch.from_numpy(weights.astype("float32", copy=False)).to(self.device)
            vector = vector if outputs.shape[1] > 1 else vector[:, 1:]
            (gradients,) = torch.autograd.grad(outputs, given, grad_outputs=vector)
            flat: np.ndarray = gradients.reshape(len(points), -1).cpu().numpy()
            return flat

        return self._array(outputs.detach(), len(points)), back

    def _tensor(self, points: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(points.astype("float32", copy=False)).to(self.device).reshape(-1, *self.shape)

    def _array(self, outputs: Any, rows: int) -> np.ndarray:
        import numpy as np

        found = outputs.float().cpu().numpy()
        if found.ndim != 2 or len(found) != rows or not np.isfinite(found).all():
            raise ModelMisbehaved(
                f"the network returned shape {found.shape} for {rows} rows, or NaN; finite logits (rows, classes) were expected"
            )
        return found if found.shape[1] > 1 else np.concatenate([np.zeros_like(found), found], axis=1)


def network_of(estimator: Any) -> Network:
    """The network inside an ART estimator, called directly: ART's `loss_gradient` costs several forward passes.

    Args:
        estimator: ART's PyTorchClassifier, or any object with `logits` and `vjp` as `Network`.

    Raises:
        CheckError: the estimator is not a PyTorchClassifier, or its preprocessing is not in PyTorch.
    """
    if hasattr(estimator, "logits") and hasattr(estimator, "vjp"):
        network: Network = estimator
        return network
    if not hasattr(estimator, "all_framework_preprocessing") or not hasattr(estimator, "model"):
        raise CheckError(
            f"{type(estimator).__name__} gives no access to logits and gradients; this attack takes ART's "
            "PyTorchClassifier, or attacks.networks.CallableNetwork of two functions"
        )
    module = estimator.model.eval()
    if not estimator.preprocessing_operations:
        return TorchNetwork(module, tuple(estimator.input_shape), estimator.device)
    if not estimator.all_framework_preprocessing:
        raise CheckError(
            f"{type(estimator).__name__} preprocesses outside PyTorch, where gradients end; move it into the module"
        )

    def prepared(given: Any) -> Any:
        ready, _ = estimator._apply_preprocessing(given, y=None, fit=False, no_grad=False)  # noqa: SLF001
        return module(ready)

    return TorchNetwork(prepared, tuple(estimator.input_shape), estimator.device)
