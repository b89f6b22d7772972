"""What one line of the coverage table is: a law to draw samples from, and how often intervals of its samples hold the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from model_governance.contract.result import Estimate

    Intervals = Mapping[str, tuple[float, float] | None]

BAND = (0.93, 0.97)

EXACT = "exact at any n, therefore conservative"
SQUARES = "exact limits of each class, added in squares, are conservative"
BOUND = "a bound around an estimate that is biased upwards, therefore conservative"
DISCRETE = "hardly a row differs: the count is discrete, and the interval conservative"
HEAVY = "heavy tails: a sample this small has not seen the largest errors"
FEW_POSITIVES = "few positives: the interval says so by its width, therefore conservative"
EDGE = "the truth is near 0, the edge of the range, where an interval is one-sided and conservative"
SHORT = "moments this dependent need longer blocks: set block_length"
UNEVEN = "too narrow: a few of these 200 customers hold most of the rows"
DIRECTION = "the design effect of the direction in which customers differ most, therefore conservative in others"
FEW_ROWS = "a little too narrow with so few rows"
UNRELIABLE = "the result says that the tail is heavy and the interval unreliable"


@dataclass(frozen=True)
class Law:
    """One way to draw samples of n; `draw` returns the interval of every metric in `methods`.

    `remarks` are reasons why a metric may miss the band here; a law whose samples are costly has so many times `fewer`.
    """

    name: str
    n: int
    methods: Mapping[str, str]
    truths: Mapping[str, float]
    draw: Callable[[np.random.Generator], Intervals]
    remarks: Mapping[str, str] = field(default_factory=dict)
    fewer: int = 1


def intervals(estimates: Iterable[Estimate]) -> Intervals:
    return {one.name: one.interval for one in estimates}


def values(estimates: Iterable[Estimate]) -> dict[str, float]:
    return {one.name: one.value for one in estimates if one.value is not None}


def simulate(law: Law, repetitions: int, seed: int) -> list[tuple[str, float, float, float]]:
    """Metric, share of samples whose interval holds the truth, mean width, and share of samples without an interval."""
    draw, lines = np.random.default_rng(seed), []
    samples = [law.draw(draw) for _ in range(repetitions)]
    for name in law.methods:
        found = [one for one in (sample[name] for sample in samples) if one is not None]
        held = sum(low <= law.truths[name] <= high for low, high in found) / max(len(found), 1)
        width = float(np.mean([high - low for low, high in found])) if found else math.nan
        lines.append((name, held, width, 1 - len(found) / repetitions))
    return lines


def judge(held: float, remark: str, *, samples: int) -> str:
    """Inside the band, outside for a reason, or outside without one; fewer samples than 2,000 widen it by their error."""
    wider = max(0.0, 2 * math.sqrt(0.95 * 0.05 / samples) - 0.01)
    if BAND[0] - wider <= held <= BAND[1] + wider:
        return "as promised"
    if remark == UNRELIABLE or (remark and (held > BAND[1]) == ("conservative" in remark)):
        return remark
    return "conservative" if held > BAND[1] else "LOW"
