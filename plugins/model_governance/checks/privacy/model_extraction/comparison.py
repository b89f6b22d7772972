"""How alike copy and model are on held-out rows, and how much of that the model's answers gave away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.stats.intervals import bootstrap, clopper_pearson, paired_shares

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.checks.privacy.model_extraction.surrogates import Copy

Measured = tuple[float, tuple[float, float] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Rows that nobody asked about: as numbers (n, d), with the model's class numbers or values (n,).

    `classes` is 0 for a regression; `resamples` and `seed` are those of its intervals.
    """

    matrix: np.ndarray
    decisions: np.ndarray
    classes: int
    resamples: int
    seed: int

    def fidelity(self, copy: Copy) -> Measured:
        """Share of agreement with its exact interval; R2 with a bootstrap interval for a regression."""
        import numpy as np

        answers = copy.answers(self.matrix)
        if self.classes:
            agreeing = int((answers == self.decisions).sum())
            return agreeing / len(answers), clopper_pearson(agreeing, len(answers))
        return self._estimated(lambda rows: self._explained(answers, rows), np.arange(len(answers)))

    def gain(self, copy: Copy, baseline: Copy) -> Measured:
        """Fidelity of the copy less that of the baseline, on the same rows."""
        import numpy as np

        first, second = copy.answers(self.matrix), baseline.answers(self.matrix)
        if self.classes:
            agrees, agreed = first == self.decisions, second == self.decisions
            only, other, n = int((agrees & ~agreed).sum()), int((~agrees & agreed).sum()), len(first)
            return (only - other) / n, paired_shares(only, other, n)
        return self._estimated(
            lambda rows: self._explained(first, rows) - self._explained(second, rows), np.arange(len(first))
        )

    def constant(self) -> Measured:
        """Fidelity of the copy that gives the most frequent answer to every row."""
        import numpy as np

        if not self.classes:
            return 0.0, None
        most = int(np.unique(self.decisions, return_counts=True)[1].max())
        return most / len(self.decisions), clopper_pearson(most, len(self.decisions))

    def _explained(self, answers: np.ndarray, rows: np.ndarray) -> float:
        """R2 of the copy's values against the model's."""
        import numpy as np

        wanted = self.decisions[rows]
        total = float(np.sum((wanted - wanted.mean()) ** 2))
        return 1 - float(np.sum((answers[rows] - wanted) ** 2)) / total if total > 0 else float("nan")

    def _estimated(self, statistic: Callable[[np.ndarray], float], rows: np.ndarray) -> Measured:
        interval = bootstrap(statistic, len(rows), seed=self.seed, resamples=self.resamples)
        value = statistic(rows)
        if interval is None:
            return round(value, 9), None
        return round(value, 9), (round(interval[0], 9), round(interval[1], 9))
