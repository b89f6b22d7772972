"""A calibration as a terminal shows it: one line per threshold, then the lines to paste into the policy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import yaml

from model_governance.contract.text import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from model_governance.authoring.calibration import Calibration
    from model_governance.authoring.calibration.findings import Calibrated

UNSEEN = 0.0005


HEADER = ("check", "metric", "today", "false fails a year", "proposed", "sees a shift of")


def calibration_table(found: Calibration) -> Table:
    """The calibrated thresholds of a policy."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for column in HEADER:
        table.add_column(column)
    for threshold in found.calibrated:
        table.add_row(*map(Text, cells(threshold)))
    return table


def lead(found: Calibration) -> str:
    """What was drawn, and what the policy's owner accepts."""
    alarms = found.policy.alarms
    return (
        f"{found.policy.name}: nights of {found.rows:,} rows, drawn from {found.reference_rows:,} of the reference as if "
        f"nothing had changed. The policy accepts {alarms.false_fails_per_year} false fails a year, more in at most "
        f"{1 - alarms.confidence:.0%} of years: {found.level:.2g} a night for each threshold."
    )


def cells(one: Calibrated) -> tuple[str, ...]:
    """One threshold under `HEADER`."""
    return one.check, one.label, one.demanded, false_fails(one), proposed(one), visible(one)


def false_fails(one: Calibrated) -> str:
    """`0.1 (0 to 0.4)` under today's bound."""
    seen = one.false_fails
    if seen.high < UNSEEN:
        return _small(seen.high)
    return f"{_small(seen.value)} ({_small(seen.low)} to {_small(seen.high)})"


def proposed(one: Calibrated) -> str:
    """The proposed bound, or a dash."""
    return "-" if one.proposal.bound is None else number(rounded(one, one.proposal.bound))


def visible(one: Calibrated) -> str:
    """The smallest shift that the proposed bound fails in 95% of nights, and what today's bound needs."""
    if one.visible is None:
        return "-"
    today = "" if one.today_visible is None else f" (today {number(one.today_visible, digits=2)})"
    return number(one.visible, digits=2) + today


def rounded(one: Calibrated, bound: float, *, digits: int = 3) -> float:
    """A bound as somebody would write it, rounded to the side that fails less and never past it."""
    if bound == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(bound))) - digits + 1)
    outward = 1 if one.curve.side == "upper" else -1
    steps = round(bound / unit)
    while outward * (float(f"{steps * unit:.12g}") - bound) < 0:
        steps += outward
    return float(f"{steps * unit:.12g}")


def lines_to_paste(found: Calibration) -> Iterator[str]:
    """The thresholds as YAML, with what is known of each as a comment."""
    yield "# Proposed by calibration; nothing was edited. Paste what you agree with and have it reviewed."
    yield "checks:"
    for check in dict.fromkeys(threshold.check for threshold in found.calibrated):
        yield f"  {check}:"
        yield "    thresholds:"
        for threshold in found.calibrated:
            if threshold.check == check:
                yield from _lines(threshold)


def _lines(one: Calibrated) -> Iterator[str]:
    if one.proposal.bound is None:
        yield f"      # {one.label}: no proposal: {one.proposal.reason}"
        return
    fields = one.threshold.model_dump(mode="json", exclude_defaults=True)
    fields[one.threshold.demand] = rounded(one, one.proposal.bound)
    text = yaml.safe_dump(fields, default_flow_style=True, sort_keys=False, width=10_000).strip()
    yield f"      - {text}  # today {one.bound:.12g}"


def _small(value: float) -> str:
    if value == 0:
        return "0"
    return f"below {UNSEEN:g}" if value < UNSEEN else number(value, digits=2)
