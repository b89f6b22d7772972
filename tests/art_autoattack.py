"""What ART's AutoAttack finds on the rows that a network gets right."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from model_governance.attacks.art_toolbox import load_art, quiet_attack

if TYPE_CHECKING:
    import pytest

SQUARE_QUERIES = 300  # ART's 25,000 a row would take minutes, and gradients have found what Square finds


def found_by_art(
    net: Any, x: np.ndarray, y: np.ndarray, *, norm: str, epsilon: float, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, int]:
    """Rows (n, ...) that ART's AutoAttack flips within the budget, of those that the network gets right.

    ART's Square takes images only and raises on flat rows, so it is left out there.
    """
    import torch

    load_art()
    from art.attacks.evasion import AutoAttack
    from art.estimators.classification import PyTorchClassifier

    # ART imports this undeclared module whether it needs it or not.
    monkeypatch.setitem(sys.modules, "multiprocess", types.ModuleType("multiprocess"))
    estimator = PyTorchClassifier(
        net, loss=torch.nn.CrossEntropyLoss(), input_shape=x.shape[1:], nb_classes=10, clip_values=(0.0, 1.0),
        device_type="cpu",
    )  # fmt: skip
    rows = x.astype(np.float32)
    right = estimator.predict(rows).argmax(axis=1) == y
    rows, labels = rows[right], y[right]
    attack = AutoAttack(estimator, norm=np.inf if norm == "linf" else 2, eps=epsilon, eps_step=epsilon / 4)
    attack.attacks = [one for one in attack.attacks if x.ndim == 4 or "Square" not in type(one).__name__]
    for member in attack.attacks:
        member.verbose = False
        if "Square" in type(member).__name__:
            member.max_iter, member.nb_restarts = SQUARE_QUERIES, 1
    with quiet_attack(0):
        points = attack.generate(rows, labels)
    change = (points.astype(np.float64) - rows).reshape(len(rows), -1)
    sizes = np.abs(change).max(axis=1) if norm == "linf" else np.linalg.norm(change, axis=1)
    flips = (estimator.predict(points).argmax(axis=1) != labels) & (sizes <= epsilon * (1 + 1e-4))
    return int(flips.sum()), len(rows)
