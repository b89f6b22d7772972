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
UNSURE = 0.05
"""How often the unchanged metric lies nearer to a bound than is reckoned with."""
NEAR = 1e-3
"""Bounds nearer to each other than this part of themselves are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One metric of a window: its number, the edge that the bound allows, and the number that fails in 95% of runs.

    `low` and `high` are the limits of the number, each with 95% confidence.
    """

    value: float
    low: float
    high: float
    edge: float
    detectable: float

    @property
    def reach(self) -> float:
        """How far from the metric the number lies."""
        return abs(self.detectable - self.value)

    def edge_seen_at_twice(self, reference_error: float) -> float:
        """The edge as far from the unchanged metric as the number lies beyond the edge of now.

        Args:
            reference_error: as of `bound_seen_at_twice`.
        """
        # The nearer the unchanged metric lies to the bound, the smaller is a change of twice the bound.
        nearest = self.high if self.detectable > self.edge else self.low
        return self.value + reference_error * (nearest - self.value) + (self.detectable - self.edge)


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
    windows: Sequence[Window],
    threshold: Threshold,
    bound: float | None,
    *,
    budget: Budget,
    reference_error: float = 0.0,
) -> float | None:
    """The nearest bound that fails a change of twice its size in 95% of single runs; this bound where it does already.

    A change of twice the size lies as far beyond the bound as the bound lies from the unchanged metric, which the reference
    tells with an error: the bound holds for the nearest unchanged metric that the reference allows with 95% confidence.
    None where what is detectable is not known.

    Args:
        windows: as of `smallest_detectable`; the metrics of unchanged runs.
        threshold: gives the condition and its direction.
        bound: to start from; None gives None.
        budget: of the policy.
        reference_error: standard error of the unchanged metric as a part of that of a run; 0 where a run is compared with
            the reference itself.
    """
    import numpy as np

    if bound is None:
        return None
    side = 1 if side_of(threshold) == "upper" else -1

    def wanted_edge(one: _Seen) -> float:
        return one.edge_seen_at_twice(reference_error)

    for _ in range(STEPS):
        found = [
            _farthest(seen, key=lambda one: side * wanted_edge(one))
            for seen in _windows(windows, threshold, bound, budget=budget)
        ]
        known = [one for one in found if one is not None]
        if not known:
            return None
        edge = float(np.median([one.edge for one in known]))
        wanted = float(np.median([wanted_edge(one) for one in known]))
        # The edge of a relative change is a multiple of its bound.
        moved = bound * wanted / edge if edge else wanted
        if side * (moved - bound) <= 0 or abs(moved - bound) <= NEAR * abs(bound):
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
        limits = measurement.limits
        number = detectable_beyond(limits, measurement.allowed, tail=tail)
        if number is not None:
            low, high = limits.low(UNSURE), limits.high(UNSURE)
            edge = _edge(measurement.allowed)
            found.append(_Seen(value=measurement.value, low=low, high=high, edge=edge, detectable=number))
    return found


def _edge(allowed: Allowed) -> float:
    return allowed.high if math.isfinite(allowed.high) else allowed.low


def _farthest(seen: Sequence[_Seen], *, key: Callable[[_Seen], float]) -> _Seen | None:
    return max(seen, key=key) if seen else None
