"""Metrics of two runs as dumb-bells: the older value, the newer one, and the line between them, each row on a scale of its own."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 12
"""Rows of a picture at most."""
WIDTH, ROW, HEAD = 760, 32, 28
NAMES, FIRST, LAST = 250, 370, 640
"""Where names end, and where the scales begin and end."""
LETTERS = 38
"""Letters of a name that fit before the scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A value with its 95% interval, where it has one, as a number and as text."""

    value: float
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A metric of two runs; `outcome` is that of the newer one."""

    name: str
    older: End
    newer: End
    outcome: str


def dumbbells(pairs: Sequence[Pair], *, older: str, newer: str) -> str:
    """The first MOST pairs as SVG, the moments of the runs above them; empty without any.

    A row reaches from the smallest to the largest of its own numbers, intervals included: metrics of different units share no
    scale. A hollow circle is the older run, a filled one the newer.
    """
    if not pairs:
        return ""
    shown = pairs[:MOST]
    height = HEAD + ROW * len(shown)
    sentence = "; ".join(f"{each.name}: {each.older.text}, then {each.newer.text}" for each in shown)
    head = (
        f'<circle class="older" cx="{FIRST - 16}" cy="11" r="4.5"/>{_text(FIRST - 26, 15, older, "end", "end")}'
        f'<circle class="newer" cx="{LAST + 16}" cy="11" r="4.5"/>{_text(LAST + 26, 15, newer, "end", "start")}'
    )
    rows = "".join(_row(pair, HEAD + ROW * place + ROW / 2) for place, pair in enumerate(shown))
    return (
        f'<svg class="dumbbells" role="img" aria-label="{escape(sentence)}" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}">{head}{rows}</svg>'
    )


def _row(pair: Pair, y: float) -> str:
    ends = (pair.older, pair.newer)
    numbers = [number for end in ends for number in (end.value, end.low, end.high) if number is not None]
    low, high = min(numbers), max(numbers)

    def place(number: float) -> float:
        return (FIRST + LAST) / 2 if high == low else FIRST + (number - low) / (high - low) * (LAST - FIRST)

    def whisker(end: End, shift: float) -> str:
        if end.low is None or end.high is None:
            return ""
        return f'<path class="whisker" d="M{place(end.low):.1f} {y + shift:.1f}H{place(end.high):.1f}"/>'

    a, b = place(pair.older.value), place(pair.newer.value)
    name = pair.name if len(pair.name) <= LETTERS else f"{pair.name[: LETTERS - 1]}…"
    return (
        f'<g class="{escape(pair.outcome) or "skipped"}">{_text(NAMES, y + 4, name, "name", "end")}'
        f'<path class="axis" d="M{FIRST} {y:.1f}H{LAST}"/>{whisker(pair.older, -4)}{whisker(pair.newer, 4)}'
        f'<path class="between" d="M{a:.1f} {y:.1f}H{b:.1f}"/>'
        f'<circle class="older" cx="{a:.1f}" cy="{y:.1f}" r="5.5"/><circle class="newer" cx="{b:.1f}" cy="{y:.1f}" r="5.5"/>'
        f"{_text(FIRST - 14, y + 4, pair.older.text, 'value', 'end')}{_text(LAST + 14, y + 4, pair.newer.text, 'value', 'start')}</g>"
    )


def _text(x: float, y: float, text: str, name: str, anchor: str) -> str:
    return f'<text class="{name}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
