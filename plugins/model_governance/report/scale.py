"""A finding drawn on a line: the value with its interval, the bound, and the side that is allowed."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from model_governance.contract.text import interval, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.contract.result import Better
    from model_governance.verdict import Finding

WIDTH, HEIGHT, MARGIN, AXIS = 280, 48, 5, 24
SIGNS = {"equal_to": "= ", "greater_than": "> ", "less_than": "< ", "geq_to": "≥ ", "leq_to": "≤ ", "between": ""}


def allowed(finding: Finding, *, better: Better) -> tuple[float, float] | None:
    """The values that the demand allows, tolerance included, as (low, high) with infinities; None if unknown.

    A demand on change allows everything from its baseline onwards in the metric's better direction.
    """
    if finding.bound is None or finding.demand is None:
        return None
    if isinstance(finding.bound, tuple):
        low, high = finding.bound
        return low - finding.tolerance * abs(low), high + finding.tolerance * abs(high)
    bound, slack = finding.bound, finding.tolerance * abs(finding.bound)
    if finding.demand in ("less_than", "leq_to"):
        return -math.inf, bound + slack
    if finding.demand in ("greater_than", "geq_to"):
        return bound - slack, math.inf
    if finding.demand == "equal_to":
        return bound - slack, bound + slack
    if finding.baseline is None:
        return None
    step = (bound - slack) * (abs(finding.baseline) if finding.demand == "min_relative_change" else 1.0)
    if better == "higher":
        return finding.baseline + step, math.inf
    return -math.inf, finding.baseline - step


def draw_scale(finding: Finding, *, better: Better, beside: Sequence[Finding] = ()) -> str:
    """The finding as an inline SVG with a text alternative; empty where there is no number to draw.

    Findings `beside` it that answer to the same demand on the same metric share its line, so that a
    longer way past the bound is a worse value.
    """
    room = allowed(finding, better=better)
    if finding.value is None or room is None:
        return ""
    place = _Places([finding, *(one for one in beside if _asks_the_same(one, finding))], room)
    value = place(finding.value)
    parts = [_line("axis", place.left, place.right), _line("room", place(room[0]), place(room[1]))]
    parts += [_tick("bound", place(limit)) for limit in room if math.isfinite(limit)]
    if finding.baseline is not None:
        parts.append(_tick("baseline", place(finding.baseline)))
    if finding.low is not None and finding.high is not None:
        low, high = place(finding.low), place(finding.high)
        parts += [_line("whisker", low, high), _tick("whisker", low, reach=4), _tick("whisker", high, reach=4)]
    parts.append(f'<circle class="value" cx="{value:.1f}" cy="{AXIS}" r="5"/>')
    parts.append(_text("number", value, AXIS - 12, number(finding.value)))
    parts += [_text("limit", place(one), AXIS + 20, text) for one, text in _limits(finding, room)]
    return (
        f'<svg class="scale {finding.outcome}" role="img" aria-label="{escape(_spoken(finding))}" '
        f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg>'
    )


class _Places:
    """Where a number lies on the line, in pixels from the left."""

    def __init__(self, findings: Sequence[Finding], room: tuple[float, float]) -> None:
        numbers = [(finding.value, finding.low, finding.high, finding.baseline) for finding in findings]
        seen = [*room, *(number for several in numbers for number in several)]
        points = [float(one) for one in seen if one is not None and math.isfinite(one)]
        low, high = min(points), max(points)
        # Most metrics start at nought: without it a small excess looks like a large one. Only where everything
        # lies close together (an accuracy of 0.79 against 0.8) the line is cut to what can be told apart.
        if 0 <= low < 0.9 * high:
            low = 0.0
        span = (high - low) or abs(high) or 1.0
        self.left, self.right = MARGIN, WIDTH - MARGIN
        self._low = low if low == 0 else low - 0.12 * span
        self._high = high + 0.12 * span

    def __call__(self, number: float) -> float:
        if math.isinf(number):
            return self.right if number > 0 else self.left
        share = (number - self._low) / (self._high - self._low)
        return self.left + share * (self.right - self.left)


def _asks_the_same(one: Finding, other: Finding) -> bool:
    return (one.metric, one.demand, one.bound) == (other.metric, other.demand, other.bound) and one.baseline is None


def _limits(finding: Finding, room: tuple[float, float]) -> list[tuple[float, str]]:
    """What is written under the bounds: the numbers of the policy at the places they have."""
    if isinstance(finding.bound, tuple):
        return list(zip(room, (number(one) for one in finding.bound), strict=True))
    if finding.baseline is None and finding.bound is not None:
        place = next(limit for limit in room if math.isfinite(limit))
        if finding.demand == "equal_to":
            place = finding.bound
        return [(place, SIGNS[finding.demand or ""] + number(finding.bound))]
    return [(limit, ("≥ " if limit == room[0] else "≤ ") + number(limit)) for limit in room if math.isfinite(limit)]


def _spoken(finding: Finding) -> str:
    limits = interval(finding.low, finding.high)
    value = "" if finding.value is None else number(finding.value)
    return f"{finding.label} {value}{f', 95% interval {limits}' if limits else ''}; allowed is {finding.demanded}; outcome {finding.outcome}"


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
