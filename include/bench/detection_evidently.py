"""Evidently as a method of the detection bench: the tests that its default preset chooses, with its own functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from detection_runs import Setting


class EvidentlyColumns:
    """The drift score of every column, score, label and right answers included; the largest in units of its threshold."""

    memory = None

    def __init__(self, setting: Setting, *, seed: int) -> None:
        self.setting = setting

    def fork(self) -> EvidentlyColumns:
        """It remembers nothing."""
        return self

    def statistics(self, frames: list[pd.DataFrame]) -> list[float]:
        """The largest score over its threshold, of each run."""
        return [max(self._scores(frame)) for frame in frames]

    def _scores(self, frame: pd.DataFrame) -> list[float]:
        from evidently.legacy.calculations.stattests import get_stattest
        from evidently.legacy.core import ColumnType

        reference, found = self.setting.reference, []
        numbers, labels = (*self.setting.numbers, "score"), (*self.setting.categories, "label", "right")
        for names, kind in ((numbers, ColumnType.Numerical), (labels, ColumnType.Categorical)):
            for name in names:
                before, now = reference[name].dropna(), frame[name].dropna()
                test = get_stattest(before, now, kind, None)
                result = test(before, now, kind, test.default_threshold)
                below = "p_value" in test.display_name  # a p-value is alarming where it is small
                found.append(
                    test.default_threshold / max(result.drift_score, 1e-300)
                    if below
                    else result.drift_score / test.default_threshold
                )
        return found
