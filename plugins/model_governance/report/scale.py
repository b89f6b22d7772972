"""A finding drawn on a line: the value with its interval, the bound, and the allowed range."""

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


def draw_scale(finding: Finding, *, better: Better, others: Sequence[Finding] = ()) -> str:
    """The finding as an inline SVG with a text alternative; empty where there is no number to draw.

    Findings `others` it that answer to the same demand on the same metric share its line, so that a
    longer way past the bound is a worse value.
    """
    limits = allowed(finding, better=better)
    if finding.value is None or limits is None:
        return ""
    place = _Scale([finding, *(other for other in others if _same_threshold(other, finding))], limits)
    value = place(finding.value)
    parts = [_line("axis", place.left, place.right), _line("room", place(limits[0]), place(limits[1]))]
    parts += [_tick("bound", place(limit)) for limit in limits if math.isfinite(limit)]
    if finding.baseline is not None:
        parts.append(_tick("baseline", place(finding.baseline)))
    if finding.low is not None and finding.high is not None:
        low, high = place(finding.low), place(finding.high)
        parts += [_line("whisker", low, high), _tick("whisker", low, reach=4), _tick("whisker", high, reach=4)]
    parts.append(f'<circle class="value" cx="{value:.1f}" cy="{AXIS}" r="5"/>')
    parts.append(_text("number", value, AXIS - 12, number(finding.value)))
    parts += [_text("limit", place(bound), AXIS + 20, text) for bound, text in _bounds(finding, limits)]
    return (
        f'<svg class="scale {finding.outcome}" role="img" aria-label="{escape(_alternative_text(finding))}" '
        f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(parts)}</svg>'
    )


class _Scale:
    """Where a number lies on the line, in pixels from the left."""

    def __init__(self, findings: Sequence[Finding], limits: tuple[float, float]) -> None:
        numbers = [(finding.value, finding.low, finding.high, finding.baseline) for finding in findings]
        values = [*limits, *(value for own in numbers for value in own)]
        points = [float(value) for value in values if value is not None and math.isfinite(value)]
        low, high = min(points), max(points)
        # Most metrics start at zero: without it a small excess looks like a large one. Only where all numbers are
        # close (an accuracy of 0.79 against 0.8) does the line show their range alone.
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


def _same_threshold(finding: Finding, other: Finding) -> bool:
    same = (finding.metric, finding.condition, finding.bound) == (other.metric, other.condition, other.bound)
    return same and finding.baseline is None


def _bounds(finding: Finding, limits: tuple[float, float]) -> list[tuple[float, str]]:
    """What is written under the bounds: the numbers of the policy at the places they have."""
    if isinstance(finding.bound, tuple):
        return list(zip(limits, (number(bound) for bound in finding.bound), strict=True))
    if finding.baseline is None and finding.bound is not None:
        place = next(limit for limit in limits if math.isfinite(limit))
        if finding.condition == "equal_to":
            place = finding.bound
        return [(place, SIGNS[finding.condition or ""] + number(finding.bound))]
    return [(limit, ("≥ " if limit == limits[0] else "≤ ") + number(limit)) for limit in limits if math.isfinite(limit)]


def _alternative_text(finding: Finding) -> str:
    spread = interval(finding.low, finding.high)
    value = "" if finding.value is None else number(finding.value)
    return f"{finding.label} {value}{f', 95% interval {spread}' if spread else ''}; allowed is {finding.requirement}; outcome {finding.outcome}"


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
