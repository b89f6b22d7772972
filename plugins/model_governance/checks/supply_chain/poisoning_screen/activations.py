"""Activations of a network: spectral signatures (Tran, Li and Madry, 2018) and activation clustering (Chen et al., 2018).

ART's defences point at rows of any window, poisoned or not: one at a fixed share of every class, the other at the smaller
of two clusters. What counts here is whether they point at the new window more often than at the accepted one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.attacks.art_toolbox import quiet_attack
from model_governance.checks.supply_chain.poisoning_screen.windows import difference

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool
    from model_governance.contract.result import Estimate
    from model_governance.contract.subject import Model

EXPECTED_SHARE = 0.1  # of a class that is poisoned at most; ART points at one and a half times as many
MIN_ROWS = 30  # rows of a class in either window, or its cluster means nothing


def is_network(model: Model) -> bool:
    """Whether the model is one of torch, by the names of its types: torch is not imported for others."""
    names = {f"{base.__module__}.{base.__name__}" for base in type(model.native).__mro__}
    return "torch.nn.modules.module.Module" in names


def find_clusters(model: Model, pool: Pool, seed: int) -> tuple[list[Estimate], str]:
    """How much more often ART's two defences point at the new window; and why not, where they could not run.

    Activations are those before the last layer, centred within their class: ART 1.20 takes the singular
    vectors of centred activations and projects those that are not, so that the mean of a class drowns the rest.

    Raises:
        ModelMisbehaved: the model raised.
    """
    import numpy as np

    activations = _penultimate(model, pool.frame)
    if activations is None:
        return [], "the network's layers are no plain sequence, so its activations could not be had"
    classes = _frequent_classes(pool)
    rows = np.isin(pool.labels, classes)
    if len(classes) < 2:
        return [], f"fewer than two classes have {MIN_ROWS} rows in both windows, so activations were not compared"
    labels = np.searchsorted(classes, pool.labels[rows])
    centred = activations[rows].astype(np.float64)
    for label in range(len(classes)):
        centred[labels == label] -= centred[labels == label].mean(axis=0)
    new = pool.new[rows]
    return [
        difference(f"{name}_change", _share(flagged, new), _share(flagged, ~new))
        for name, flagged in _flagged(centred, labels, len(classes), seed)
    ], ""


def _flagged(activations: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> list[tuple[str, np.ndarray]]:
    """Rows that each defence points at, shape (n,) bool."""
    import numpy as np

    with quiet_attack(seed):
        from art.defences.detector.poison import ActivationDefence, SpectralSignatureDefense

        one_hot = np.eye(classes)[labels]
        numbers = np.arange(len(labels), dtype=np.float64)[:, None]
        recorded = _Recorded(activations, classes)
        spectral = SpectralSignatureDefense(recorded, numbers, one_hot, expected_pp_poison=EXPECTED_SHARE)
        _, clean = spectral.detect_poison()
        clusters = ActivationDefence(recorded, numbers, one_hot)
        dimensions = min(10, activations.shape[1])
        _, usual = clusters.detect_poison(nb_clusters=2, nb_dims=dimensions, reduce="PCA", cluster_analysis="smaller")
    return [("spectral", np.asarray(clean) == 0), ("activation", np.asarray(usual) == 0)]


class _Recorded:
    """Stands for a network in ART's defences: returns the recorded activations of row numbers."""

    layer_names = ("penultimate",)

    def __init__(self, activations: np.ndarray, classes: int) -> None:
        self._activations = activations
        self.nb_classes = classes

    def get_activations(self, x: np.ndarray, **_: Any) -> np.ndarray:
        """Activations of rows by their numbers, shape (n, width)."""
        return self._activations[x[:, 0].astype(int)]


def _penultimate(model: Model, frame: pd.DataFrame) -> np.ndarray | None:
    """Inputs of the last layer, shape (n, width); None where they cannot be recorded."""
    hook = getattr(model.native, "register_forward_pre_hook", None)
    if any(base.__name__ == "ScriptModule" for base in type(model.native).__mro__) or hook is None:
        return _of_sequence(model, frame)
    layers = [layer for layer in model.native.modules() if not list(layer.children()) and list(layer.parameters())]
    recorded: list[Any] = []
    handle = layers[-1].register_forward_pre_hook(lambda _, inputs: recorded.append(inputs[0].detach()))
    try:
        model.predict(frame)
    finally:
        handle.remove()
    return _matrix(recorded, len(frame))


def _matrix(recorded: list[Any], rows: int) -> np.ndarray | None:
    import numpy as np

    if not recorded:
        return None
    matrix = np.concatenate([batch.reshape(len(batch), -1).cpu().numpy() for batch in recorded])
    return matrix if len(matrix) == rows else None


def _of_sequence(model: Model, frame: pd.DataFrame) -> np.ndarray | None:
    """TorchScript takes no hooks: its layers are called one by one, if that gives the answers of the whole."""
    import numpy as np
    import torch

    try:
        value = torch.from_numpy(frame.astype("float64").to_numpy(dtype=np.float32))
        before = value
        with torch.no_grad():
            for layer in model.native.children():
                before, value = value, layer(value)
            whole = model.native(torch.from_numpy(frame.astype("float64").to_numpy(dtype=np.float32)))
    except (RuntimeError, TypeError, ValueError):
        return None
    if not isinstance(value, torch.Tensor) or value.shape != whole.shape or not torch.equal(value, whole):
        return None
    return np.asarray(before.reshape(len(frame), -1).cpu().numpy())


def _frequent_classes(pool: Pool) -> np.ndarray:
    import numpy as np

    numbers = range(len(pool.classes))
    return np.array(
        [label for label in numbers if min(_count(pool, label, new=True), _count(pool, label, new=False)) >= MIN_ROWS],
        dtype=int,
    )


def _count(pool: Pool, label: int, *, new: bool) -> int:
    return int(((pool.labels == label) & (pool.new == new)).sum())


def _share(flagged: np.ndarray, window: np.ndarray) -> tuple[int, int]:
    return int((flagged & window).sum()), int(window.sum())
