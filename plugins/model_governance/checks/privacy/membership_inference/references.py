"""Signals of reference models as arrays, and which record each model was trained on.

For callers outside the check: `draw_subsets` says which pool rows reference model k is trained on; train the models,
query them with every record, and pass `References` to `rmia`, `lira` and `ensemble`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.privacy.membership_inference.signals import Signals


@dataclass(frozen=True, slots=True)
class References:
    """Signals of N reference models for n records, and `inside` (N, n): whether each was trained on the record."""

    signals: Signals
    inside: np.ndarray

    def __len__(self) -> int:
        return len(self.inside)

    def without(self, number: int) -> References:
        """All but one of them, for an attack on that one."""
        import numpy as np

        others = np.arange(len(self)) != number
        return References(self.signals.rows(others), self.inside[others])


def draw_subsets(models: int, rows: int, *, root_seed: int) -> np.ndarray:
    """Which of the pool's rows each reference model is trained on, bool (models, rows): a fair coin per row.

    Subset k depends on `root_seed` and k alone, so that more models keep the first ones.
    """
    import numpy as np

    return np.array([np.random.default_rng([root_seed, number]).random(rows) < 0.5 for number in range(models)])


def outside_mean(values: np.ndarray, inside: np.ndarray, fallback: np.ndarray | float) -> np.ndarray:
    """Mean (n,) of `values` (N, n) over the models that were not trained on the record; `fallback` where all were."""
    import numpy as np

    counts = (~inside).sum(axis=0)
    sums = np.where(inside, 0.0, values).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), fallback)


def inside_mean(values: np.ndarray, inside: np.ndarray, fallback: np.ndarray | float) -> np.ndarray:
    """Mean (n,) of `values` (N, n) over the models that were trained on the record; `fallback` where none was."""
    return outside_mean(values, ~inside, fallback)
