"""The results of all attacks of a run, from which metrics and reports are computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.moves import ROUNDING
from model_governance.checks.robustness.evasion.outcome import Outcome, smallest
from model_governance.contract.result import Estimate
from model_governance.stats.limits import ExactShare, PartlyKnownShare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from model_governance.checks.robustness.evasion.params import EvasionParams
    from model_governance.checks.robustness.evasion.sample import Sample
    from model_governance.contract.result import Metric
    from model_governance.stats.limits import Limits

MOST_UNATTACKED = 0.5
"""Share of rows without a flip at any distance from which on they count as unknown, and not as robust."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The drawn rows, the outcome of every attack on them, and the metrics of deferred attacks (`carried_forward`).

    `slices` maps names to masks (n,) of the attacked rows, `empty_slices` are those that no row of current is in,
    `worth` (n,) says what each attacked row is worth to the attacker.
    """

    sample: Sample
    outcomes: tuple[Outcome, ...]
    params: EvasionParams
    seed: int
    slices: Mapping[str, np.ndarray]
    carried_forward: tuple[Metric, ...] = ()
    empty_slices: frozenset[str] = frozenset()
    worth: np.ndarray | None = None

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
        """Examined rows, and drawn rows without those that were attacked by none or cannot be changed."""
        examined, sample = int(self.examined.sum()), self.sample
        return examined, len(sample.frame) - sample.unchangeable - (len(sample.attacked) - examined)

    def changeable(self, budget: float) -> bool:
        """Whether some attacked row has an allowed change within a budget, without which no question tells anything."""
        least = self.sample.smallest_change
        return least is None or bool((least[self.sample.attacked] <= budget + ROUNDING).any())

    def undecided(self, budget: float) -> np.ndarray:
        """Examined rows (n,) of which nothing is known at a budget, where they are more than MOST_UNATTACKED of all; else none.

        HopSkipJump, which searches at every distance, found no flip of them, no other attack searched within the budget, and
        nothing proves that there is none.
        """
        import numpy as np

        found = np.zeros(len(self.sample.attacked), dtype=bool)
        if not any(outcome.attack == "hopskipjump" for outcome in self.outcomes):
            return found
        unattacked = without_flip(self.outcomes)
        if unattacked.mean() <= MOST_UNATTACKED:
            return found
        found = unattacked & self.examined
        for outcome in self.outcomes:
            if outcome.exact is not None:
                found &= ~outcome.exact.proven(budget)
            elif outcome.attack != "hopskipjump":
                found &= outcome.asked == 0
        return found

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


def without_flip(outcomes: Sequence[Outcome]) -> np.ndarray:
    """Mask (n,) of the rows that no attack flipped at any distance, although nothing proves that there is no flip."""
    import numpy as np

    open_ = ~np.isfinite(smallest(outcomes)[0])
    for outcome in outcomes:
        if outcome.exact is not None:
            open_[outcome.exact.impossible] = False
    return open_


def share_of(
    name: str, count: int, n: int, *, key: str | None = None, detail: str = "", undecided: int = 0, doubtful: int = 0
) -> Estimate:
    """A share with its exact limits (Clopper and Pearson, 1934).

    `undecided` rows more may count, and `doubtful` ones of those that are counted may not.
    """
    limits: Limits = ExactShare(successes=float(count), n=float(n))
    if undecided or doubtful:
        limits = PartlyKnownShare(successes=float(count - doubtful), undecided=float(undecided + doubtful), n=float(n))
    return Estimate(name=name, value=count / n, n=n, key=key, detail=detail, limits=limits)
