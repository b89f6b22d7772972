"""The results of all attacks of a run, from which metrics and reports are computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.outcome import Outcome, smallest
from model_governance.contract.result import Estimate
from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from model_governance.checks.robustness.evasion.params import EvasionParams
    from model_governance.checks.robustness.evasion.sample import Sample
    from model_governance.contract.result import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The drawn rows, the outcome of every attack on them, and the metrics of deferred attacks (`carried_forward`).

    `slices` maps names to masks (n,) of the attacked rows, `empty_slices` are those that no row of current is in.
    """

    sample: Sample
    outcomes: tuple[Outcome, ...]
    params: EvasionParams
    seed: int
    slices: Mapping[str, np.ndarray]
    carried_forward: tuple[Metric, ...] = ()
    empty_slices: frozenset[str] = frozenset()

    def flipped(self, budget: float) -> np.ndarray:
        """Which attacked rows some attack flipped within a budget, shape (n,)."""
        import numpy as np

        n = len(self.sample.attacked)
        return np.any([np.zeros(n, dtype=bool), *(outcome.within(budget) for outcome in self.outcomes)], axis=0)

    @property
    def examined(self) -> np.ndarray:
        """Which attacked rows some attack was given, shape (n,): a row that none was given is not robust, it is unknown.

        All of them where no attack was due.
        """
        import numpy as np

        if not self.outcomes:
            return np.ones(len(self.sample.attacked), dtype=bool)
        return np.any([outcome.examined for outcome in self.outcomes], axis=0)

    @property
    def counted(self) -> tuple[int, int]:
        """Examined rows, and drawn rows without those that were attacked by none."""
        examined = int(self.examined.sum())
        return examined, len(self.sample.frame) - (len(self.sample.attacked) - examined)

    def survivors(self, budget: float) -> int:
        """Examined rows that are classified correctly and that no attack flipped within a budget."""
        stand = self.examined & ~self.flipped(budget)
        if self.sample.correct is not None:
            stand &= self.sample.correct[self.sample.attacked]
        return int(stand.sum())

    @property
    def distances(self) -> np.ndarray:
        """Size of the smallest flip of every row that any attack found, infinite where none."""
        import numpy as np

        return smallest(self.outcomes)[0] if self.outcomes else np.full(len(self.sample.attacked), np.inf)


def share_of(name: str, count: int, n: int, *, key: str | None = None, detail: str = "") -> Estimate:
    """A share with its exact limits (Clopper and Pearson, 1934)."""
    return Estimate(
        name=name, value=count / n, n=n, key=key, detail=detail, limits=ExactShare(successes=float(count), n=float(n))
    )
