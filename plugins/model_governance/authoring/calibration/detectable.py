"""The smallest change that a bound fails in one run, as the verdict states it for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.verdict.measurement import measurement_of
from model_governance.verdict.requirement import detectable_beyond

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.contract.result import Metric
    from model_governance.policy import Threshold
    from model_governance.verdict import Baseline
    from model_governance.verdict.budget import Budget

READ = 25
"""Windows that are read: they differ little in the width of their limits."""


def smallest_detectable(
    windows: Sequence[tuple[Sequence[Metric], Mapping[str, Baseline]]],
    threshold: Threshold,
    bound: float | None,
    *,
    budget: Budget,
) -> float | None:
    """The true value (of a change: the true change) nearest to a bound that fails a run with probability 0.95.

    The median over the windows; of several keys the one that is seen last.

    Args:
        windows: metrics of each window that the threshold judges, and what a change is measured from.
        threshold: gives the condition and its direction.
        bound: takes the place of the threshold's own; None gives None.
        budget: of the policy.
    """
    import numpy as np

    if bound is None:
        return None
    moved = threshold.model_copy(update={threshold.condition: bound})
    few = windows[: max(1, 2 * READ // max(1, len(windows[0][0])))] if windows else ()
    found = [_farthest(metrics, moved, budget=budget, baselines=before) for metrics, before in few[:READ]]
    known = [number for number in found if number is not None]
    return float(np.median(known)) if known else None


def _farthest(
    metrics: Sequence[Metric], threshold: Threshold, *, budget: Budget, baselines: Mapping[str, Baseline]
) -> float | None:
    tail = budget.level_for(threshold) / max(1, len(metrics))
    found: list[tuple[float, float]] = []
    for metric in metrics:
        before = baselines.get(metric.label) if threshold.is_change else None
        measurement = measurement_of(metric, threshold, before, earlier=(), level=tail)
        if measurement.obstacle is not None or measurement.limits is None:
            continue
        number = detectable_beyond(measurement.limits, measurement.allowed, tail=tail)
        if number is not None:
            found.append((abs(number - measurement.value), number))
    return max(found)[1] if found else None
