"""The verdict of a run as a table for the terminal: one line per threshold, worst first."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.contract.text import estimate
from model_governance.report.findings import excess
from model_governance.report.reasons import in_order
from model_governance.verdict import RANK, Finding, read_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console
    from rich.table import Table


STYLES = {
    "pass": "green",
    "waived": "cyan",
    "skipped": "dim",
    "warn": "yellow",
    "uncertain": "yellow",
    "fail": "bold red",
    "error": "bold red",
}


PIPE, NARROWEST = 124, 60
MOST_PASSING_KEYS = 4
"""The most keys of one passing threshold that are listed; of more, the one nearest to the bound is."""


def run_table(
    manifest: Mapping[str, Any], *, title: str | None = None, report_of: Mapping[str, str] | None = None
) -> Table:
    """The findings of a run manifest; `report_of` gives the report path of a check."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    verdict = read_verdict(manifest["verdict"])
    heading = title or f"{verdict.name}, run of {spell_moment(parse_moment(manifest['run']['logical_date']))}"
    table = Table(
        title=f"{heading}: {verdict.outcome.upper()}", title_justify="left", title_style="bold", box=SIMPLE_HEAD,
        padding=(0, 1), pad_edge=False,
    )  # fmt: skip
    # The outcome stands first and keeps its width; everything else goes on in the next line where the terminal is narrow.
    table.add_column("outcome", no_wrap=True, min_width=max(map(len, STYLES)))
    for column in ("check", "metric", "value (95% interval)", "must be"):
        table.add_column(column, overflow="fold")
    if report_of:
        table.add_column("report", overflow="fold")
    names = [check["name"] for check in in_order(manifest["checks"])]
    for name in dict.fromkeys([*names, *(each.check for each in verdict.findings)]):
        for row, (finding, more) in enumerate(_of_check(verdict.findings, name)):
            label = f"{finding.label} and {more} more" if more else finding.label
            cells = [
                name if row == 0 else "",
                label if finding.metric else "",
                observed(finding),
                finding.requirement,
            ]
            report = [report_of.get(name, "") if row == 0 else ""] if report_of else []
            outcome = Text(finding.outcome, style=STYLES[finding.outcome])
            # Text, not markup: `attack_auc[loss]` would be read as a style called loss.
            table.add_row(outcome, *map(Text, cells), *map(Text, report))
    return table


def reasons(manifest: Mapping[str, Any]) -> list[str]:
    """The sentences of all findings that neither pass nor were skipped, worst first."""
    findings = read_verdict(manifest["verdict"]).findings
    notable = [finding for finding in findings if finding.outcome not in ("pass", "skipped")]
    return [finding.sentence for finding in sorted(notable, key=lambda finding: -RANK.index(finding.outcome))]


def observed(finding: Finding) -> str:
    """`1.93 (1.90 to 1.96)`, or that it was not measured."""
    if finding.is_damage:
        return "earlier runs are damaged"
    if finding.value is None:
        return "could not measure" if finding.outcome == "error" else "not measured"
    return estimate(finding.value, finding.low, finding.high, finding.unit, digits=3)


def console() -> Console:
    """A console on standard output, as wide as the terminal or the variable COLUMNS says, and 124 characters in a pipe.

    Below NARROWEST characters it stays that wide: the terminal breaks the lines, and nothing is cut. With NO_COLOR it
    writes no control codes at all, bold included.
    """
    from rich.console import Console as NewConsole

    made = NewConsole(highlight=False)
    columns = os.environ.get("COLUMNS", "")
    width = made.width if made.is_terminal or (columns.isdecimal() and int(columns) > 0) else PIPE
    plain = bool(os.environ.get("NO_COLOR"))
    return NewConsole(width=max(width, NARROWEST), highlight=False, color_system=None if plain else "auto")


def _of_check(findings: tuple[Finding, ...], name: str) -> list[tuple[Finding, int]]:
    """The findings of a check, worst first; where many keys pass one threshold, the nearest to its bound and how many more."""
    own = sorted(
        (finding for finding in findings if finding.check == name), key=lambda finding: -RANK.index(finding.outcome)
    )
    groups: dict[Any, list[Finding]] = {}
    for place, finding in enumerate(own):
        passing = finding.key is not None and finding.outcome == "pass"
        groups.setdefault((finding.metric, finding.condition, finding.bound) if passing else place, []).append(finding)
    shown: list[tuple[Finding, int]] = []
    for group in groups.values():
        if len(group) > MOST_PASSING_KEYS:
            shown.append((max(group, key=excess), len(group) - 1))
        else:
            shown += [(finding, 0) for finding in group]
    return shown
