"""Outcomes, counts, sizes and cells as the pages write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from model_governance.contract import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOT_NOTABLE = ("pass", "skipped")
"""Outcomes that need nobody's attention."""

OUTCOMES: dict[str, tuple[str, str]] = {
    "pass": ("Pass", "every threshold holds"),
    "warn": ("Warning", "a threshold of severity warn is violated, or what earlier runs left is damaged"),
    "fail": ("Fail", "a threshold is violated"),
    "error": ("Error", "this could not be measured, which is never a pass"),
    "uncertain": ("Uncertain", "the interval lies on both sides of the threshold, or there are too few rows"),
    "skipped": ("Skipped", "the question does not apply here; nothing was measured"),
    "waived": ("Waived", "a threshold is violated and an approver accepts that until a date"),
}
"""The word on the badge and what it means."""

BETTER = {"lower": "lower", "higher": "higher", "neither": "—"}


def format_counts(pairs: Iterable[tuple[str, int]]) -> str:
    """`(("fail", 2), ("pass", 9))` as "2 fail, 9 pass"."""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in pairs)


def counted(count: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def interval(low: float | None, high: float | None, unit: str = "") -> str:
    """The interval as 1.91 to 1.95, or a dash where no interval exists."""
    return text.interval(low, high, unit) or "—"


def cell(value: Any) -> str:
    """A cell of a table: numbers short, years without separators, a dash where there is no value."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return text.number(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and cells, sorted by name, so that a page does not depend on the order in which a record was built."""
    return [(name, cell(value)) for name, value in sorted(values.items())]


def size(count: int) -> str:
    """A number of bytes: "2.0 kB"."""
    if count < 1000:
        return f"{count} bytes"
    amount, units = count / 1000, ["kB", "MB", "GB"]
    while amount >= 999.95 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.1f} {units[0]}"


def seconds(amount: float | None) -> str:
    """A duration: "0.4 s", "3 min 20 s", or a dash."""
    if amount is None:
        return "—"
    if amount < 60:
        return f"{amount:.1f} s"
    minutes, rest = divmod(round(amount), 60)
    return f"{minutes} min {rest} s"
