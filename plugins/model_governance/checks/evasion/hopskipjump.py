"""HopSkipJump (Chen, Jordan and Wainwright, 2019), ART's implementation, on valid raw rows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from model_governance.attack_library import quiet_attack

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.evasion.params import EvasionParams
    from model_governance.checks.evasion.queries import Queries

ARMS = 15
# ART halves its step for ever where a start sits on the boundary to the last bit.
PATIENCE = 100_000


class PatienceSpentError(Exception):
    """One row asked more than PATIENCE questions; what was found so far counts."""


def attack(queries: Queries, starts: np.ndarray, params: EvasionParams, *, seed: int) -> None:
    """Walk every row that has a start (n, width) along the decision boundary; `queries` keeps what it finds.

    ART attacks one row after the other. Each row draws from its own seed, so that its result does
    not depend on the rows before it. Rows without a start (NaN) and rows that flip for nothing are
    passed over.
    """
    import numpy as np

    for row in range(len(starts)):
        if np.isnan(starts[row]).any() or queries.nearest[row] == 0:
            continue
        row_seed = int(np.random.SeedSequence([seed, row]).generate_state(1)[0])
        with quiet_attack(row_seed):
            try:
                _walk(queries, row, starts[row], params)
            except PatienceSpentError:
                continue
    queries.shrink()
    queries.vary_categories()


def _walk(queries: Queries, row: int, start: np.ndarray, params: EvasionParams) -> None:
    import numpy as np
    from art.estimators.classification import BlackBoxClassifier

    questions = 0

    def answers(points: np.ndarray) -> np.ndarray:
        """One-hot (n, 2): column 0 the prediction as it was, column 1 another one."""
        nonlocal questions
        questions += len(points)
        if questions > PATIENCE:
            raise PatienceSpentError
        return np.eye(2, dtype=np.float32)[queries.flips(points, np.full(len(points), row)).astype(int)]

    classifier = BlackBoxClassifier(answers, (queries.space.width,), 2, clip_values=(0.0, 1.0))
    walker = _walker()(
        classifier,
        batch_size=params.max_evaluations,
        norm=np.inf if params.norm == "linf" else 2,
        max_iter=params.max_iterations,
        max_eval=params.max_evaluations,
        init_eval=min(100, params.max_evaluations),
        verbose=False,
    )
    origin = queries.origins.encoded[row][None, :]
    walker.generate(x=origin, y=np.array([0]), x_adv_init=start[None, :].copy())


@cache
def _walker() -> type[Any]:
    """ART's class with a projection that asks about ARMS points at once instead of one."""
    import numpy as np
    from art.attacks.evasion import HopSkipJump

    class WideSearchHopSkipJump(HopSkipJump):
        """HopSkipJump whose bisection cuts each interval into 16: a call costs more than its rows."""

        def _binary_search(
            self, current_sample: np.ndarray, original_sample: np.ndarray, target: int, norm: Any,
            clip_min: float, clip_max: float, threshold: float | None = None,
        ) -> np.ndarray:  # fmt: skip
            def between(alpha: float) -> np.ndarray:
                point: np.ndarray = self._interpolate(current_sample, original_sample, alpha, norm)
                return point

            low, high = 0.0, 1.0 if norm == 2 else float(np.abs(original_sample - current_sample).max())
            if threshold is None:
                threshold = float(self.theta if norm == 2 else min(high * self.theta, self.theta))
            while high - low > threshold:
                cuts = np.linspace(low, high, ARMS + 2)[1:-1]
                flips = self._adversarial_satisfactory(np.stack([between(a) for a in cuts]), target, clip_min, clip_max)
                first = int(np.argmax(flips)) if flips.any() else ARMS
                low, high = (cuts[first - 1] if first else low), (cuts[first] if first < ARMS else high)
            return between(high)

    return WideSearchHopSkipJump
