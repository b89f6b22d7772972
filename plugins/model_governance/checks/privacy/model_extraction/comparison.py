"""How closely a surrogate agrees with the model on held-out rows, and how much of that the outputs revealed.

Fidelity is the agreement with the model, not with the truth (Jagielski et al., 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.stats.intervals import bootstrap, paired_shares
from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from model_governance.checks.privacy.model_extraction.extraction import Extraction
    from model_governance.checks.privacy.model_extraction.surrogates import Surrogate


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number with its 95% interval, None where there is none, and its limits at any level where it is a share."""

    value: float
    interval: tuple[float, float] | None
    limits: ExactShare | None = None

    @classmethod
    def share(cls, successes: int, n: int) -> Measured:
        """A share with its exact limits."""
        limits = ExactShare(successes=successes, n=n)
        return cls(value=limits.value, interval=limits.interval(), limits=limits)

    def estimate(self, name: str, *, n: int, key: str | None = None, detail: str = "") -> Estimate:
        """The metric of this name."""
        return Estimate(
            name=name, value=self.value, n=n, interval=self.interval, limits=self.limits, key=key, detail=detail
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Rows that no attack queries, as a matrix (n, d), with the model's class numbers or values (n,).

    `classes` is 0 for a regression; `resamples` and `seed` are those of its bootstrap intervals.
    """

    matrix: np.ndarray
    predictions: np.ndarray
    classes: int
    resamples: int
    seed: int

    def fidelity(self, surrogate: Surrogate) -> Measured:
        """Share of agreement with its exact interval; R2 with a bootstrap interval for a regression."""
        import numpy as np

        predictions = surrogate.predict(self.matrix)
        if self.classes:
            agreeing = int((predictions == self.predictions).sum())
            return Measured.share(agreeing, len(predictions))
        return self._bootstrapped(lambda rows: self._r2(predictions, rows), np.arange(len(predictions)))

    def gain(self, surrogate: Surrogate, baseline: Surrogate) -> Measured:
        """Fidelity of the surrogate minus that of the baseline, on the same rows."""
        import numpy as np

        first, second = surrogate.predict(self.matrix), baseline.predict(self.matrix)
        if self.classes:
            first_agrees, second_agrees = first == self.predictions, second == self.predictions
            first_only = int((first_agrees & ~second_agrees).sum())
            second_only = int((~first_agrees & second_agrees).sum())
            n = len(first)
            interval = paired_shares(first_only, second_only, n)
            return Measured(value=(first_only - second_only) / n, interval=interval)
        return self._bootstrapped(lambda rows: self._r2(first, rows) - self._r2(second, rows), np.arange(len(first)))

    def constant(self) -> Measured:
        """Fidelity of the surrogate that predicts the most frequent class for every row."""
        import numpy as np

        if not self.classes:
            return Measured(value=0.0, interval=None)
        most_frequent = int(np.unique(self.predictions, return_counts=True)[1].max())
        return Measured.share(most_frequent, len(self.predictions))

    def _r2(self, values: np.ndarray, rows: np.ndarray) -> float:
        """R2 of the surrogate's values against the model's."""
        import numpy as np

        truth = self.predictions[rows]
        total = float(np.sum((truth - truth.mean()) ** 2))
        return 1 - float(np.sum((values[rows] - truth) ** 2)) / total if total > 0 else float("nan")

    def _bootstrapped(self, statistic: Callable[[np.ndarray], float], rows: np.ndarray) -> Measured:
        interval = bootstrap(statistic, len(rows), seed=self.seed, resamples=self.resamples)
        value = statistic(rows)
        rounded = None if interval is None else (round(interval[0], 9), round(interval[1], 9))
        return Measured(value=round(value, 9), interval=rounded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A surrogate beside the baseline of as many true labels: `gain` is None where one of them is missing."""

    extraction: Extraction
    fidelity: Measured | None
    gain: Measured | None
    reason: str = ""

    @property
    def key(self) -> str:
        """Attack and number of queries, as a threshold names them."""
        return f"{self.extraction.attack}@{self.extraction.queries}"


def compare(
    extractions: Sequence[Extraction], baselines: Mapping[int, Surrogate | None], held_out: HeldOut
) -> list[Comparison]:
    """Compare every surrogate with the model on the held-out rows, and with the baseline of as many labels."""
    comparisons = []
    for extraction in extractions:
        surrogate, baseline = extraction.surrogate, baselines[extraction.queries]
        if surrogate is None:
            comparisons.append(Comparison(extraction=extraction, fidelity=None, gain=None, reason=extraction.reason))
            continue
        comparisons.append(
            Comparison(
                extraction=extraction,
                fidelity=held_out.fidelity(surrogate),
                gain=None if baseline is None else held_out.gain(surrogate, baseline),
                reason=""
                if baseline
                else f"there are no {extraction.queries:,} public rows with labels to compare with",
            )
        )
    return comparisons


def estimates(
    comparisons: Sequence[Comparison], baselines: Mapping[int, Surrogate | None], held_out: HeldOut
) -> tuple[Estimate, ...]:
    """Every metric of the check, in the order of the record."""
    n = len(held_out.predictions)
    metrics = []
    for comparison in comparisons:
        surrogate = comparison.extraction.surrogate
        family = f"surrogate family: {surrogate.family}" if surrogate is not None else ""
        for name, measured in (("fidelity_gain", comparison.gain), ("fidelity", comparison.fidelity)):
            metrics.append(
                measured.estimate(name, n=n, key=comparison.key, detail=family)
                if measured is not None
                else Estimate(name=name, value=None, n=n, key=comparison.key, detail=family, reason=comparison.reason)
            )
    for rows, baseline in baselines.items():
        reason = f"fewer than {rows:,} public rows remain beside those held out"
        metrics.append(
            held_out.fidelity(baseline).estimate("baseline_fidelity", n=n, key=str(rows))
            if baseline is not None
            else Estimate(name="baseline_fidelity", value=None, n=n, key=str(rows), reason=reason)
        )
    metrics.append(held_out.constant().estimate("constant_fidelity", n=n))
    return tuple(metrics)
