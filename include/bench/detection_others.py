"""alibi-detect and river as methods of the detection bench."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from detection_runs import Setting

KERNEL_ROWS = 1_000
DELTAS = tuple(10.0**-place for place in range(1, 16))
LAMBDAS = tuple(1.5**place for place in range(16))


class TabularTests:
    """Kolmogorov-Smirnov for numbers, chi-square for categories, score, label and right answers included."""

    memory = None

    def __init__(self, setting: Setting, *, seed: int) -> None:
        from alibi_detect.cd import TabularDrift

        self.setting = setting
        self.labels = (*setting.categories, "label", "right")
        self.levels = {name: {} for name in self.labels}
        first = len(setting.numbers) + 1
        self.detector = TabularDrift(
            self._matrix(setting.reference), p_val=0.05,
            categories_per_feature=dict.fromkeys(range(first, first + len(self.labels))),
        )  # fmt: skip

    def fork(self) -> TabularTests:
        """It remembers nothing."""
        return self

    def _matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Numbers (missing ones below all others) and codes; a label never seen before gets the next code."""
        import numpy as np

        columns = [frame[name].fillna(-1e3).to_numpy(float) for name in (*self.setting.numbers, "score")]
        for name in self.labels:
            levels = self.levels[name]
            columns.append(np.array([levels.setdefault(value, len(levels)) for value in frame[name]], float))
        return np.column_stack(columns)

    def statistics(self, frames: list[pd.DataFrame]) -> list[float]:
        """Minus the logarithm of the smallest p-value of each run."""
        found = []
        for frame in frames:
            answer = self.detector.predict(self._matrix(frame), drift_type="batch", return_p_val=True)
            found.append(-math.log(max(float(answer["data"]["p_val"].min()), 1e-300)))
        return found


class KernelDiscrepancy:
    """Squared MMD over standardised numbers and one-hot categories, with a sample of the reference."""

    memory = None

    def __init__(self, setting: Setting, *, seed: int) -> None:
        import torch
        from alibi_detect.cd import MMDDrift

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        reference = setting.reference
        self.setting = setting
        self.middle, self.spread = (reference[list(setting.numbers)].agg(how) for how in ("median", "std"))
        self.levels = {name: sorted(reference[name].unique()) for name in setting.categories}
        rows = reference.sample(min(KERNEL_ROWS, len(reference)), random_state=1)
        self.detector = MMDDrift(self._matrix(rows), backend="pytorch", n_permutations=2)

    def fork(self) -> KernelDiscrepancy:
        """It remembers nothing."""
        return self

    def _matrix(self, frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        numbers = ((frame[list(self.setting.numbers)].fillna(self.middle) - self.middle) / self.spread).to_numpy()
        hot = [frame[name].to_numpy()[:, None] == np.array(levels, object) for name, levels in self.levels.items()]
        return np.hstack([numbers, *hot]).astype("float32")

    def statistics(self, frames: list[pd.DataFrame]) -> list[float]:
        """The squared MMD of each run."""
        return [float(self.detector.predict(self._matrix(frame))["data"]["distance"]) for frame in frames]


class RunMeans:
    """One detector per column on the means of runs, each at several settings: the strictest setting that rings."""

    def __init__(self, setting: Setting, make: Any, strictness: tuple[float, ...]) -> None:
        self.setting = setting
        rows, size = setting.reference, setting.rows
        parts = [self._means(rows[start : start + size]) for start in range(0, len(rows) - size + 1, size)]
        self.middle = {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
        self.spread = {name: _spread([part[name] for part in parts]) for name in parts[0]}
        self.memory = [{name: make(value) for name in parts[0]} for value in strictness]

    @classmethod
    def adwin(cls, setting: Setting, *, seed: int) -> RunMeans:
        """ADWIN, asked after every run."""
        from river.drift import ADWIN

        return cls(setting, lambda delta: ADWIN(delta=delta, clock=1), DELTAS)

    @classmethod
    def page_hinkley(cls, setting: Setting, *, seed: int) -> RunMeans:
        """Page and Hinkley's test, two-sided."""
        from river.drift import PageHinkley

        return cls(setting, lambda threshold: PageHinkley(threshold=threshold, delta=0.25, min_instances=10), LAMBDAS)

    def fork(self) -> RunMeans:
        """The detectors as they are now."""
        own = copy.copy(self)
        own.memory = copy.deepcopy(self.memory)
        return own

    def _means(self, frame: pd.DataFrame) -> dict[str, float]:
        """Means of numbers, score, label and right answers, shares of missing values and of all but rare labels."""
        means = {name: float(frame[name].mean()) for name in (*self.setting.numbers, "score", "label")}
        means |= {f"{name} missing": float(frame[name].isna().mean()) for name in self.setting.numbers}
        means["right"] = float((frame["right"] == "yes").mean())
        for name in self.setting.categories:
            counts = self.setting.reference[name].value_counts(normalize=True)
            now = frame[name].value_counts(normalize=True)
            means |= {f"{name} {label}": float(now.get(label, 0.0)) for label in counts.index[:20]}
            means[f"{name} new"] = float((~frame[name].isin(counts.index)).mean())
        return means

    def statistics(self, frames: list[pd.DataFrame]) -> list[float]:
        """The number of the strictest setting that rings in each run, 0 where none does."""
        return [self._strictest(self._means(frame)) for frame in frames]

    def _strictest(self, means: dict[str, float]) -> float:
        found = 0.0
        for place, detectors in enumerate(self.memory):
            for name, value in means.items():
                detector = detectors[name]
                detector.update((value - self.middle[name]) / self.spread[name])
                if detector.drift_detected:
                    found = float(place + 1)
        return found


def _spread(values: list[float]) -> float:
    middle = sum(values) / len(values)
    return max(math.sqrt(sum((value - middle) ** 2 for value in values) / max(1, len(values) - 1)), 1e-4)
