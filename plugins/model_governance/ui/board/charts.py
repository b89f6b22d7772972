"""The pictures of the board as SVG: strips of outcomes, sparklines, and the trend of a metric with interval and bound.

Shapes differ with the outcome, as the icons of the report pages do; colours come from the page's stylesheet.
"""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

from model_governance.contract.text import bound_text, quantity
from model_governance.ui.board.standing import outcome_of
from model_governance.verdict import RANK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PITCH, TALL = 9, 14
_SHAPES = {
    "pass": "M{x} 7m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0z",
    "warn": "M{x} 2.5l4 8.500h-8z",
    "fail": "M{x} 2.750m-2.400 0h4.800l1.850 1.850v4.800l-1.850 1.850h-4.800l-1.850-1.850v-4.800z",
    "error": "M{x} 7m-3.750-3.750h7.500v7.500h-7.500zm3-.250v4.500h1.500v-4.500zm0 5.500v1.500h1.500v-1.500z",
    "uncertain": "M{x} 2.750l4.250 4.250-4.250 4.250-4.250-4.250z",
    "waived": "M{x} 7m-3.500 0a3.500 3.500 0 1 0 7 0a3.500 3.500 0 1 0-7 0zm1.500 0a2 2 0 1 1 4 0a2 2 0 1 1-4 0z",
    "skipped": "M{x} 6.250m-3 0h6v1.500h-6z",
    "": "M{x} 7m-2.500-3.500l2.500 2.500 2.500-2.500 1 1-2.500 2.500 2.500 2.500-1 1-2.500-2.500-2.500 2.500-1-1 2.500-2.500-2.500-2.500z",
}
WIDTH, HEIGHT = 760, 250
LEFT, RIGHT, TOP, BOTTOM = 64, 84, 18, 34


def strip(cells: str) -> str:
    """Outcomes of runs, the oldest on the left, one mark a run; a sentence for screen readers."""
    if not cells:
        return ""
    marks: dict[str, list[str]] = {}
    for place, cell in enumerate(cells):
        outcome = outcome_of(cell)
        marks.setdefault(outcome, []).append(_SHAPES[outcome].format(x=PITCH * place + PITCH / 2))
    paths = "".join(
        f'<path class="{outcome or "skipped"}" fill-rule="evenodd" d="{"".join(shapes)}"/>'
        for outcome, shapes in marks.items()
    )
    width = PITCH * len(cells)
    return (
        f'<svg class="strip" role="img" aria-label="{strip_sentence(cells)}" width="{width}" height="{TALL}" '
        f'viewBox="0 0 {width} {TALL}">{paths}</svg>'
    )


def strip_sentence(cells: str) -> str:
    """`The last 30 runs: 27 pass, 1 warn, 2 fail. The newest: fail`."""
    counts = Counter(outcome_of(cell) for cell in cells)
    words = [f"{counts[outcome]} {outcome}" for outcome in reversed(RANK) if counts[outcome]]
    words += [f"{counts['']} unreadable"] if counts[""] else []
    newest = outcome_of(cells[-1]) or "unreadable"
    return f"The last {len(cells)} runs: {', '.join(words)}. The newest: {newest}."


def mark(outcome: str) -> str:
    """One mark of a strip, for a cell of a table; what it means stands beside it as text."""
    shape = _SHAPES[outcome if outcome in _SHAPES else ""].format(x=PITCH / 2)
    return (
        f'<svg class="strip" width="{PITCH}" height="{TALL}" viewBox="0 0 {PITCH} {TALL}" aria-hidden="true">'
        f'<path class="{outcome or "skipped"}" fill-rule="evenodd" d="{shape}"/></svg>'
    )


def sparkline(values: Sequence[float | None], bound: float | None) -> str:
    """The values of a metric over runs as a line with its bound; empty with fewer than two. The number stands beside it."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    scale = _Scale([*known, *([bound] if bound is not None else [])], top=2, bottom=20)
    step = 118 / (len(values) - 1)
    lines = _lines([(1 + step * place, value) for place, value in enumerate(values)], scale)
    rule = f'<path class="bound" d="M0 {scale(bound):.1f}H120"/>' if bound is not None else ""
    return (
        f'<svg class="spark" width="120" height="22" viewBox="0 0 120 22" aria-hidden="true">{rule}'
        f'<path class="line" d="{lines}"/></svg>'
    )


def whisker(
    value: float, low: float | None, high: float | None, *, ends: tuple[float, float], beside: float | None = None
) -> str:
    """A value with its 95% interval on a line from one end to the other, `beside` as a rule. The numbers stand beside it."""
    first, last = ends
    width = (last - first) or 1.0

    def place(number: float) -> float:
        return 5 + 150 * (number - first) / width

    interval = (
        "" if low is None or high is None else f'<path class="whisker" d="M{place(low):.1f} 11H{place(high):.1f}"/>'
    )
    rule = "" if beside is None else f'<path class="bound" d="M{place(beside):.1f} 2V20"/>'
    return (
        f'<svg class="spark" width="160" height="22" viewBox="0 0 160 22" aria-hidden="true"><path class="axis" d="M0 11H160"/>'
        f'{rule}{interval}<circle class="value" cx="{place(value):.1f}" cy="11" r="3.500"/></svg>'
    )


def trend(points: Sequence[Mapping[str, Any]], *, label: str, events: Sequence[tuple[int, str]], unit: str = "") -> str:
    """A metric over runs: line and marks, the 95% interval as a band, the bound as a step line, events as vertical rules.

    Args:
        points: one per run, the oldest first: `value`, `low`, `high`, `bound`, `outcome`, `day`; numbers may be None.
        label: of the metric, for the sentence.
        events: place of a point and the letter of what changed before it.
        unit: of the metric.
    """
    numbers = [point[name] for point in points for name in ("value", "low", "high", "bound") if point[name] is not None]
    if len(points) < 2 or not numbers:
        return ""
    scale = _Scale(numbers, top=TOP, bottom=HEIGHT - BOTTOM)
    step = (WIDTH - LEFT - RIGHT) / (len(points) - 1)
    xs = [LEFT + step * place for place in range(len(points))]
    parts = [
        f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>',
        *(
            _text("end", LEFT - 8, scale(end) + 4, quantity(end, unit, digits=3), "end")
            for end in (scale.low, scale.high)
        ),
        _text("end", LEFT, HEIGHT - BOTTOM + 18, points[0]["day"], "start"),
        _text("end", WIDTH - RIGHT, HEIGHT - BOTTOM + 18, points[-1]["day"], "end"),
        *(_event(xs[place], letter) for place, letter in events),
        f'<path class="band" d="{_band(points, xs, scale)}"/>',
        f'<path class="bound" d="{_steps(points, xs, scale, step)}"/>',
        f'<path class="line" d="{_lines([(x, point["value"]) for x, point in zip(xs, points, strict=True)], scale)}"/>',
        *(_dot(x, point, scale) for x, point in zip(xs, points, strict=True) if point["value"] is not None),
        *_direct_labels(points, scale, unit),
    ]
    values = [point["value"] for point in points if point["value"] is not None]
    sentence = (
        f"{label}, {len(points)} runs: {quantity(min(values), unit, digits=3)} to {quantity(max(values), unit, digits=3)}"
        if values
        else label
    )
    return (
        f'<svg class="trend" role="img" aria-label="{escape(sentence)}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}">{"".join(parts)}</svg>'
    )


class _Scale:
    """Where a number lies, in pixels from the top. The ends are those of the numbers, with some room."""

    def __init__(self, numbers: Sequence[float], *, top: float, bottom: float) -> None:
        low, high = min(numbers), max(numbers)
        room = 0.06 * ((high - low) or abs(high) or 1.0)
        self.low, self.high = (0.0 if 0 <= low < 0.25 * high else low), high
        self._low, self._high, self._top, self._bottom = self.low - room, high + room, top, bottom

    def __call__(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return self._bottom - share * (self._bottom - self._top)


def _lines(points: Sequence[tuple[float, float | None]], scale: _Scale) -> str:
    """Lines through the points; a point without value leaves a gap."""
    parts, pen = [], "M"
    for x, value in points:
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{x:.1f} {scale(value):.1f}")
        pen = "L"
    return "".join(parts)


def _band(points: Sequence[Mapping[str, Any]], xs: Sequence[float], scale: _Scale) -> str:
    """The intervals of neighbouring runs as areas."""
    parts: list[str] = []
    run: list[tuple[float, float, float]] = []

    def close() -> None:
        if len(run) > 1:
            upper = "L".join(f"{x:.1f} {scale(high):.1f}" for x, _, high in run)
            lower = "L".join(f"{x:.1f} {scale(low):.1f}" for x, low, _ in reversed(run))
            parts.append(f"M{upper}L{lower}z")
        run.clear()

    for x, point in zip(xs, points, strict=True):
        if point["low"] is None or point["high"] is None:
            close()
        else:
            run.append((x, point["low"], point["high"]))
    close()
    return "".join(parts)


def _steps(points: Sequence[Mapping[str, Any]], xs: Sequence[float], scale: _Scale, step: float) -> str:
    """The bound of each run as a level line; it may change from run to run."""
    parts, before = [], None
    for x, point in zip(xs, points, strict=True):
        bound, start, end = point["bound"], max(x - step / 2, LEFT), min(x + step / 2, WIDTH - RIGHT)
        if bound is not None:
            height = scale(bound)
            parts.append(f"M{start:.1f} {height:.1f}" if before is None else f"V{height:.1f}")
            parts.append(f"H{end:.1f}")
        before = bound
    return "".join(parts)


def _dot(x: float, point: Mapping[str, Any], scale: _Scale) -> str:
    outcome = point["outcome"]
    if outcome == "pass":
        return ""
    shape = _SHAPES[outcome if outcome in _SHAPES else ""].format(x=0)
    return f'<path class="{outcome or "skipped"} dot" fill-rule="evenodd" transform="translate({x:.1f} {scale(point["value"]) - 7:.1f})" d="{shape}"/>'


def _event(x: float, letter: str) -> str:
    return (
        f'<path class="event" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>' + _text("event", x, TOP - 5, letter, "middle")
    )  # fmt: skip


def _direct_labels(points: Sequence[Mapping[str, Any]], scale: _Scale, unit: str) -> list[str]:
    """Names at the right end of the lines, moved apart where they would touch."""
    newest, x = points[-1], WIDTH - RIGHT + 10
    labels: list[tuple[float, str, str]] = []
    if newest["value"] is not None:
        labels.append(
            (scale(newest["value"]), "now", quantity(newest["value"], unit, digits=3, beside=[newest["bound"]]))
        )
    if newest["bound"] is not None:
        labels.append((scale(newest["bound"]), "bound", f"bound {bound_text(newest['bound'], unit)}"))
    labels.sort()
    if len(labels) == 2 and labels[1][0] - labels[0][0] < 14:
        middle = (labels[0][0] + labels[1][0]) / 2
        labels = [(middle - 7, *labels[0][1:]), (middle + 7, *labels[1][1:])]
    return [_text(name, x, y + 4, text, "start") for y, name, text in labels]


def _text(name: str, x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="{name}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
