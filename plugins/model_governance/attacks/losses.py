"""Losses that gradient attacks maximise: functions of logits (n, k) with derivatives, positive towards a flip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

LossName = Literal["cross_entropy", "dlr"]


def margins(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Own logit minus the best other one, shape (n,): not positive where the prediction differs or ties."""
    import numpy as np

    rows = np.arange(len(labels))
    others = logits.astype(np.float64)
    own = others[rows, labels].copy()
    others[rows, labels] = -np.inf
    gap: np.ndarray = own - others.max(axis=1)
    return gap


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Loss (n,) and derivative by the logits (n, k)."""
    import numpy as np

    rows = np.arange(len(labels))
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(axis=1, keepdims=True)
    derivatives = powers / total
    derivatives[rows, labels] -= 1.0
    return np.log(total[:, 0]) - shifted[rows, labels], derivatives


def dlr(logits: np.ndarray, labels: np.ndarray, targets: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Difference of logits ratio (Croce and Hein, 2020), untargeted or towards `targets` (n,), with derivative (n, k).

    Divided by z1 - z3 (untargeted) or z1 - (z3 + z4) / 2 (targeted), z1 >= z2 >= ...: it does not change when
    the logits are scaled or shifted. Fewer classes leave fewer terms: with three, both divide by z1 - z3, with two
    the denominator is empty and the loss is the plain difference.
    """
    import numpy as np

    z = logits.astype(np.float64)
    rows, k, targeted = np.arange(len(z)), z.shape[1], targets is not None
    order = np.argsort(-z, axis=1, kind="stable")
    if targets is None:
        targets = np.where(order[:, 0] == labels, order[:, 1], order[:, 0])
    derivatives = np.zeros_like(z)
    derivatives[rows, targets] += 1.0
    derivatives[rows, labels] -= 1.0
    above = z[rows, targets] - z[rows, labels]
    if k == 2:
        return above, derivatives
    lower = order[:, 2:4] if targeted and k > 3 else order[:, 2:3]
    below = z[rows, order[:, 0]] - np.take_along_axis(z, lower, axis=1).mean(axis=1) + 1e-12
    ratio = above / below
    spread = np.zeros_like(z)
    spread[rows, order[:, 0]] += 1.0
    np.put_along_axis(spread, lower, np.take_along_axis(spread, lower, axis=1) - 1.0 / lower.shape[1], axis=1)
    return ratio, (derivatives - ratio[:, None] * spread) / below[:, None]


def loss_of(
    name: LossName, logits: np.ndarray, labels: np.ndarray, targets: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The named loss (n,) and its derivative (n, k); the targeted DLR wherever targets are given."""
    if name == "cross_entropy" and targets is None:
        return cross_entropy(logits, labels)
    return dlr(logits, labels, targets)


def nearest_classes(logits: np.ndarray, labels: np.ndarray, *, most: int) -> np.ndarray:
    """The `most` classes other than the own with the largest logits, best first, shape (n, min(most, k - 1))."""
    import numpy as np

    others = logits.astype(np.float64)
    others[np.arange(len(labels)), labels] = -np.inf
    best: np.ndarray = np.argsort(-others, axis=1, kind="stable")[:, : min(most, logits.shape[1] - 1)]
    return best
