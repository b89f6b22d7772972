"""A calibration as a table for the terminal, one line per threshold, and as lines to paste into the policy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import yaml

from model_governance.authoring.calibration.curve import Estimate
from model_governance.authoring.calibration.results import UNCERTAIN_SHARE
from model_governance.contract.text import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from model_governance.authoring.calibration import Calibration
    from model_governance.authoring.calibration.results import Calibrated

SMALLEST_SHOWN = 0.0005

HEADER = (
    "check",
    "metric",
    "current",
    "unchanged runs: pass",
    "uncertain",
    "fail",
    "false fails a year",
    "proposed",
    "detects",
)


def calibration_table(calibration: Calibration) -> Table:
    """The calibrated thresholds of a policy."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for column in HEADER:
        table.add_column(column)
    for threshold in calibration.calibrated:
        table.add_row(*map(Text, cells(threshold)))
    return table


def summary(calibration: Calibration) -> str:
    """What was drawn, what is proposed, and how many false fails the owner accepts."""
    alarms = calibration.policy.alarms
    return (
        f"{calibration.policy.name}: runs of {calibration.rows:,} rows, drawn from {calibration.reference_rows:,} of the reference as if "
        f"nothing had changed. A proposed bound is the one nearest to the numbers at which at most {UNCERTAIN_SHARE:.0%} of "
        f"unchanged runs are uncertain. The policy accepts {alarms.false_fails_per_year} false fails a year, more in at most "
        f"{1 - alarms.confidence:.0%} of years: {calibration.level:.2g} a run for each threshold. `detects` is the true value that "
        "fails one run with probability 0.95."
    )


def cells(threshold: Calibrated) -> tuple[str, ...]:
    """One threshold under `HEADER`."""
    beyond, failing = threshold.not_passing, threshold.failing_windows
    passing = Estimate(value=1 - beyond.value, low=1 - beyond.high, high=1 - beyond.low)
    return (
        threshold.check,
        threshold.label,
        threshold.requirement,
        _share(passing),
        f"{beyond.value - failing.value:.0%}",
        _share(failing),
        false_fails(threshold),
        proposed(threshold),
        detectable(threshold),
    )


def false_fails(threshold: Calibrated) -> str:
    """`0.1 (0 to 0.4)` under the current bound."""
    rate = threshold.false_fails
    if rate.high < SMALLEST_SHOWN:
        return _small(rate.high)
    return f"{_small(rate.value)} ({_small(rate.low)} to {_small(rate.high)})"


def proposed(threshold: Calibrated) -> str:
    """The proposed bound, or a dash."""
    return "-" if threshold.proposal.bound is None else number(rounded(threshold, threshold.proposal.bound))


def detectable(threshold: Calibrated) -> str:
    """The true value that the proposed bound fails in 95% of runs, and that of the current bound."""
    if threshold.detectable is None:
        return "-"
    current = "" if threshold.detectable_now is None else f" (current {number(threshold.detectable_now, digits=3)})"
    return number(threshold.detectable, digits=3) + current


def rounded(threshold: Calibrated, bound: float, *, digits: int = 3) -> float:
    """A bound as somebody would write it, rounded to the side that fails less and never past it."""
    if bound == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(bound))) - digits + 1)
    outward = 1 if threshold.passes.side == "upper" else -1
    steps = round(bound / unit)
    while outward * (float(f"{steps * unit:.12g}") - bound) < 0:
        steps += outward
    return float(f"{steps * unit:.12g}")


def lines_to_paste(calibration: Calibration) -> Iterator[str]:
    """The thresholds as YAML, with what is known of each as a comment."""
    yield "# Proposed by calibration; nothing was edited. Paste what you agree with and have it reviewed."
    yield "checks:"
    for check in dict.fromkeys(threshold.check for threshold in calibration.calibrated):
        yield f"  {check}:"
        yield "    thresholds:"
        for threshold in calibration.calibrated:
            if threshold.check == check:
                yield from _lines(threshold)


def _lines(threshold: Calibrated) -> Iterator[str]:
    if threshold.proposal.bound is None:
        yield f"      # {threshold.label}: no proposal: {threshold.proposal.reason}"
        return
    fields = threshold.threshold.model_dump(mode="json", exclude_defaults=True)
    fields[threshold.threshold.condition] = rounded(threshold, threshold.proposal.bound)
    text = yaml.safe_dump(fields, default_flow_style=True, sort_keys=False, width=10_000).strip()
    yield f"      - {text}  # now {threshold.bound:.12g}"


def _small(value: float) -> str:
    if value == 0:
        return "0"
    return f"below {SMALLEST_SHOWN:g}" if value < SMALLEST_SHOWN else number(value, digits=2)


def _share(estimate: Estimate) -> str:
    """`97.0% (93.1 to 99.0)`."""
    return f"{estimate.value:.1%} ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"
