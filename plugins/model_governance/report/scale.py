"""A finding drawn on a line: the value with its interval, the bound, and the allowed range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from model_governance.contract.text import bound_text, quantity

if TYPE_CHECKING:
    from model_governance.contract.result import Better
    from model_governance.verdict import Finding

WIDTH, HEIGHT, AXIS = 280, 48, 24
LEFT, RIGHT = 5, WIDTH - 5
APART = 48
"""Pixels between the middles of two numbers below the line, so that they do not overlap."""
SIGNS = {"equal_to": "= ", "greater_than": "> ", "less_than": "< ", "geq_to": "≥ ", "leq_to": "≤ ", "between": ""}


def allowed(finding: Finding, *, better: Better) -> tuple[float, float] | None:
    """The values that the demand allows, tolerance included, as (low, high) with infinities; None if unknown.

    A demand on change allows everything from its baseline onwards in the metric's better direction.
    """
    if finding.bound is None or finding.condition is None:
        return None
    if isinstance(finding.bound, tuple):
        low, high = finding.bound
        return low - finding.tolerance * abs(low), high + finding.tolerance * abs(high)
    bound, slack = finding.bound, finding.tolerance * abs(finding.bound)
    if finding.condition in ("less_than", "leq_to"):
        return -math.inf, bound + slack
    if finding.condition in ("greater_than", "geq_to"):
        return bound - slack, math.inf
    if finding.condition == "equal_to":
        return bound - slack, bound + slack
    if finding.baseline is None:
        return None
    step = (bound - slack) * (abs(finding.baseline) if finding.condition == "min_relative_change" else 1.0)
    if better == "higher":
        return finding.baseline + step, math.inf
    return -math.inf, finding.baseline - step


def draw_scale(finding: Finding, *, better: Better) -> str:
    """The finding as an inline SVG with a text alternative; empty where there is no number to draw, or one number is required.

    The ends of the line follow from what is allowed and not from the value, so that every finding of a threshold has the
    same line, on each page. A value beyond an end is drawn at the end with an arrow.
    """
    limits = allowed(finding, better=better)
    if finding.value is None or limits is None or limits[0] == limits[1]:
        return ""
    scale = _Scale(*_ends(limits, finding))
    value = scale.place(finding.value)
    parts = [_line("axis", LEFT, RIGHT), _line("room", scale.place(limits[0]), scale.place(limits[1]))]
    parts += [_tick("bound", scale.place(limit)) for limit in limits if math.isfinite(limit)]
    if finding.baseline is not None:
        parts.append(_tick("baseline", scale.place(finding.baseline)))
    if finding.low is not None and finding.high is not None:
        low, high = scale.place(finding.low), scale.place(finding.high)
        parts += [_line("whisker", low, high), _tick("whisker", low, reach=4), _tick("whisker", high, reach=4)]
    parts.append(_mark(value) if scale.holds(finding.value) else _arrow(value))
    parts.append(_text("number", value, AXIS - 12, finding.seen))
    bounds = _bounds(finding, limits)
    parts += [_text("limit", scale.place(bound), AXIS + 20, text) for bound, text in bounds]
    taken = [scale.place(bound) for bound, _ in bounds]
    parts += [
        _text("end", place, AXIS + 20, quantity(end, finding.unit, digits=2))
        for place, end in ((LEFT, scale.low), (RIGHT, scale.high))
        if all(abs(place - other) > APART for other in taken)
    ]
    return (
        f'<svg class="scale {finding.outcome}" role="img" aria-label="{escape(_alternative_text(finding))}" '
        f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg>'
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """A line from one number to another; numbers beyond an end have the place of the end."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def place(self, value: float) -> float:
        """Where a number lies, in pixels from the left."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return LEFT + share * (RIGHT - LEFT)


def _ends(limits: tuple[float, float], finding: Finding) -> tuple[float, float]:
    """The numbers at the ends of the line: the bound in its middle, 0 or the whole share at an end where that is possible."""
    low, high = limits
    if finding.baseline is not None:
        edge = low if math.isfinite(low) else high
        reach = 3 * (abs(edge - finding.baseline) or 0.1 * abs(finding.baseline) or 1.0)
        return min(edge, finding.baseline) - reach, max(edge, finding.baseline) + reach
    if math.isfinite(low) and math.isfinite(high):
        reach = (high - low) or abs(high) or 1.0
        return (0.0 if low == 0 else low - reach), high + reach
    bound = low if math.isfinite(low) else high
    if bound == 0:
        return -1.0, 1.0
    if 0.5 <= bound < 1:
        return 0.0, 1.0
    return min(0.0, 2 * bound), max(0.0, 2 * bound)


def _bounds(finding: Finding, limits: tuple[float, float]) -> list[tuple[float, str]]:
    """What is written under the bounds: the numbers of the policy at the places they have."""
    if isinstance(finding.bound, tuple):
        return list(zip(limits, (bound_text(bound, finding.unit) for bound in finding.bound), strict=True))
    if finding.baseline is None and finding.bound is not None:
        place = next(limit for limit in limits if math.isfinite(limit))
        if finding.condition == "equal_to":
            place = finding.bound
        return [(place, SIGNS[finding.condition or ""] + bound_text(finding.bound, finding.unit))]
    return [
        (limit, ("≥ " if limit == limits[0] else "≤ ") + quantity(limit, finding.unit))
        for limit in limits
        if math.isfinite(limit)
    ]


def _alternative_text(finding: Finding) -> str:
    spread = f", 95% interval {finding.spread}" if finding.spread else ""
    return f"{finding.label} {finding.seen}{spread}; allowed is {finding.requirement}; outcome {finding.outcome}"


def _mark(place: float) -> str:
    return f'<circle class="value" cx="{place:.1f}" cy="{AXIS}" r="5"/>'


def _arrow(place: float) -> str:
    """A triangle at an end of the line: the value lies further out."""
    tip, back = (place + 5, place - 5) if place > WIDTH / 2 else (place - 5, place + 5)
    return f'<path class="value" d="M{tip:.1f} {AXIS} L{back:.1f} {AXIS - 6} L{back:.1f} {AXIS + 6} Z"/>'


def _line(name: str, start: float, end: float) -> str:
    return f'<line class="{name}" x1="{start:.1f}" x2="{end:.1f}" y1="{AXIS}" y2="{AXIS}"/>'


def _tick(name: str, place: float, *, reach: int = 8) -> str:
    return f'<line class="{name}" x1="{place:.1f}" x2="{place:.1f}" y1="{AXIS - reach}" y2="{AXIS + reach}"/>'


def _text(name: str, place: float, height: float, text: str) -> str:
    # Letters near an end would be cut off if they were centred.
    near = 3.5 * len(text)
    anchor = "start" if place < near else "end" if place > WIDTH - near else "middle"
    x = {"start": 0.0, "end": float(WIDTH), "middle": place}[anchor]
    return f'<text class="{name}" x="{x:.1f}" y="{height}" text-anchor="{anchor}">{escape(text)}</text>'
