"""The smallest change that a bound fails in one run, as the verdict states it for a run, and bounds it can be seen from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.authoring.calibration.critical import side_of
from model_governance.verdict.measurement import measurement_of
from model_governance.verdict.requirement import detectable_beyond

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from model_governance.contract.result import Metric
    from model_governance.policy import Threshold
    from model_governance.verdict import Baseline
    from model_governance.verdict.budget import Budget
    from model_governance.verdict.requirement import Allowed

    Window = tuple[Sequence[Metric], Mapping[str, Baseline]]

READ = 25
"""Windows that are read: they differ little in the width of their limits."""
STEPS = 25
NEAR = 1e-3
"""Bounds nearer to each other than this part of themselves are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One metric of a window: its number, the edge that the bound allows, and the number that fails in 95% of runs."""

    value: float
    edge: float
    detectable: float

    @property
    def reach(self) -> float:
        """How far from the metric the number lies."""
        return abs(self.detectable - self.value)

    @property
    def edge_seen_at_twice(self) -> float:
        """The edge as far from the metric as the number lies beyond the edge of now."""
        return self.value + (self.detectable - self.edge)


def smallest_detectable(
    windows: Sequence[Window],
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
    found = [_farthest(seen, key=lambda one: one.reach) for seen in _windows(windows, threshold, bound, budget=budget)]
    known = [one.detectable for one in found if one is not None]
    return float(np.median(known)) if known else None


def bound_seen_at_twice(
    windows: Sequence[Window], threshold: Threshold, bound: float | None, *, budget: Budget
) -> float | None:
    """The nearest bound that fails a change of twice its size in 95% of single runs; this bound where it does already.

    A change of twice the size lies as far beyond the bound as the bound lies from the unchanged metric. None where what is
    detectable is not known.

    Args:
        windows: as of `smallest_detectable`; the metrics of unchanged runs.
        threshold: gives the condition and its direction.
        bound: to start from; None gives None.
        budget: of the policy.
    """
    import numpy as np

    if bound is None:
        return None
    upper = side_of(threshold) == "upper"
    for _ in range(STEPS):
        found = [
            _farthest(seen, key=lambda one: one.edge_seen_at_twice if upper else -one.edge_seen_at_twice)
            for seen in _windows(windows, threshold, bound, budget=budget)
        ]
        known = [one for one in found if one is not None]
        if not known:
            return None
        edge, wanted = (
            float(np.median([getattr(one, name) for one in known])) for name in ("edge", "edge_seen_at_twice")
        )
        # The edge of a relative change is a multiple of its bound.
        moved = bound * wanted / edge if edge else wanted
        nearer = moved <= bound if upper else moved >= bound
        if nearer or abs(moved - bound) <= NEAR * abs(bound):
            return bound
        bound = moved
    return bound


def _windows(windows: Sequence[Window], threshold: Threshold, bound: float, *, budget: Budget) -> list[list[_Seen]]:
    """What each window sees under a bound; of many keys fewer windows."""
    moved = threshold.model_copy(update={threshold.condition: bound})
    few = windows[: max(1, 2 * READ // max(1, len(windows[0][0])))] if windows else ()
    return [_seen(metrics, moved, budget=budget, baselines=before) for metrics, before in few[:READ]]


def _seen(
    metrics: Sequence[Metric], threshold: Threshold, *, budget: Budget, baselines: Mapping[str, Baseline]
) -> list[_Seen]:
    tail = budget.level_for(threshold) / max(1, len(metrics))
    found = []
    for metric in metrics:
        before = baselines.get(metric.label) if threshold.is_change else None
        measurement = measurement_of(metric, threshold, before, earlier=(), level=tail)
        if measurement.obstacle is not None or measurement.limits is None:
            continue
        number = detectable_beyond(measurement.limits, measurement.allowed, tail=tail)
        if number is not None:
            edge = _edge(measurement.allowed)
            found.append(_Seen(value=measurement.value, edge=edge, detectable=number))
    return found


def _edge(allowed: Allowed) -> float:
    return allowed.high if math.isfinite(allowed.high) else allowed.low


def _farthest(seen: Sequence[_Seen], *, key: Callable[[_Seen], float]) -> _Seen | None:
    return max(seen, key=key) if seen else None
