"""Numbers, tables and a picture of a scan."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.artifact_scan.ledger import SEVERITIES
from model_governance.contract.result import Table
from model_governance.report.figures import CURRENT, MUTED, SERIES, canvas, to_svg

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.ledger import Ledger
    from model_governance.contract.check import Check
    from model_governance.contract.result import Artifact, Metric

MOST = 200  # rows of a table
SHOWN = 20  # bars of a picture
COLOURS = {"dangerous": CURRENT, "suspicious": SERIES[4], "note": MUTED, "": SERIES[0]}


def metrics_of(check: Check, ledger: Ledger) -> tuple[Metric, ...]:
    """Counts, which are exact: a scan is no sample."""
    parts, names = len(ledger.parts), len(ledger.names)
    undeclared = sorted(name for name, found in ledger.names.items() if found == "undeclared")
    told = ", ".join(sorted({one.rule for one in ledger.findings if one.severity == "dangerous"}))
    other = [one for one in ledger.findings if one.rule == "other format"]
    values = (
        ("dangerous_findings", ledger.count("dangerous"), parts, told),
        ("suspicious_findings", ledger.count("suspicious"), parts, ""),
        ("undeclared_types", len(undeclared), names, ", ".join(undeclared[:3])),
        ("unscanned_parts", len(ledger.unscanned), parts + len(ledger.unscanned), ", ".join(ledger.unscanned[:3])),
        ("format_mismatch", int(bool(other)), 1, other[0].what if other else ""),
        ("scanned_parts", parts, parts, ""),
        ("scanned_bytes", ledger.parts[0].size + ledger.unpacked if ledger.parts else 0, parts, ""),
        ("scanned_opcodes", ledger.opcodes, parts, ""),
    )
    return tuple(check.metric(name, value, n=n, detail=detail) for name, value, n, detail in values)


def tables_of(ledger: Ledger) -> tuple[Table, ...]:
    """What was found, which names the file uses and which parts it has; the gravest first."""
    order = {one: place for place, one in enumerate(SEVERITIES)}
    found = sorted(ledger.findings, key=lambda one: (order[one.severity], one.rule, one.where))
    standing = {"dangerous": 0, "undeclared": 1, "known": 2}
    names = sorted(ledger.names.items(), key=lambda one: (standing[one[1]], one[0]))
    parts = sorted(ledger.parts, key=lambda one: (-one.size, one.where))
    return (
        Table(
            name="findings", title="What the scan found", header=("severity", "rule", "where", "what", "what to do"),
            rows=tuple((one.severity, one.rule, one.where, one.what, one.advice) for one in found[:MOST]),
        ),
        Table(
            name="names", title="Types and functions that the file names", header=("name", "standing"),
            rows=tuple(names[:MOST]),
        ),
        Table(
            name="parts", title="Parts of the file, the largest first", header=("part", "kind", "bytes"),
            rows=tuple((one.where, one.kind, one.size) for one in parts[:MOST]),
        ),
    )  # fmt: skip


def picture_of(ledger: Ledger) -> Artifact:
    """How many bytes of which kind the file holds, and how many findings of which severity."""
    kinds: Counter[str] = Counter()
    for one in ledger.parts:
        kinds[one.kind] += one.size
    rules = Counter((one.severity, one.rule) for one in ledger.findings)
    bars = sorted(kinds.items(), key=lambda one: (-one[1], one[0]))[:SHOWN]
    marks = sorted(rules.items(), key=lambda one: (SEVERITIES.index(one[0][0]), one[0][1]))[:SHOWN]
    figure, (left, right) = canvas(columns=2, width=8.0, height=1.4 + 0.28 * max(len(bars), len(marks), 2))
    left.barh(range(len(bars)), [size for _, size in bars], color=COLOURS[""], height=0.6)
    left.set_yticks(range(len(bars)), [kind for kind, _ in bars])
    left.set_title("Bytes by kind of part")
    left.set_xscale("symlog")
    right.barh(
        range(len(marks)), [count for _, count in marks], height=0.6,
        color=[COLOURS[severity] for (severity, _), _ in marks],
    )  # fmt: skip
    right.set_yticks(range(len(marks)), [f"{rule} ({severity})" for (severity, rule), _ in marks])
    right.set_title("Findings" if marks else "No findings")
    for axis, count in ((left, len(bars)), (right, len(marks))):
        axis.set_ylim(max(count, 2) - 0.5, -0.5)
    return to_svg(figure, name="artifact_scan.svg", title="What the model file holds and what was found in it")


def highlights_of(ledger: Ledger) -> tuple[str, ...]:
    """The gravest findings in words."""
    grave = [one for one in ledger.findings if one.severity == "dangerous"]
    if grave:
        return tuple(f"{one.where}: {one.what}; {one.advice}." for one in grave[:3])
    doubtful = ledger.count("suspicious")
    if doubtful:
        return (f"Nothing dangerous was recognised; {doubtful} thing(s) deserve a look.",)
    return ("Nothing dangerous or suspicious was recognised, which is no proof that the file is harmless.",)
