"""Sentences, tables and the figure of a scan."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.artifact_scan.findings import SEVERITIES
from model_governance.contract.result import Table
from model_governance.report.figures import CURRENT, MUTED, SERIES, canvas, to_svg

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog
    from model_governance.contract.result import Artifact

MAX_ROWS = 200  # of a table
MAX_BARS = 20  # of a figure
COLOURS = {"dangerous": CURRENT, "suspicious": SERIES[4], "note": MUTED, "": SERIES[0]}
STANDINGS = {"dangerous": 0, "undeclared": 1, "known": 2}


def highlights_of(log: ScanLog) -> tuple[str, ...]:
    """The most severe findings as sentences."""
    dangerous = [finding for finding in log.findings if finding.severity == "dangerous"]
    if dangerous:
        return tuple(f"{finding.where}: {finding.what}; {finding.advice}." for finding in dangerous[:3])
    suspicious = log.count("suspicious")
    if suspicious:
        return (f"Nothing dangerous was recognised; {suspicious} thing(s) deserve a look.",)
    return ("Nothing dangerous or suspicious was recognised, which is no proof that the file is harmless.",)


def tables_of(log: ScanLog) -> tuple[Table, ...]:
    """Findings, names and parts; the most severe first."""
    findings = sorted(
        log.findings, key=lambda finding: (SEVERITIES.index(finding.severity), finding.rule, finding.where)
    )
    names = sorted(log.names.items(), key=lambda item: (STANDINGS[item[1]], item[0]))
    parts = sorted(log.parts, key=lambda part: (-part.size, part.where))
    return (
        Table(
            name="findings", title="What the scan found", header=("severity", "rule", "where", "what", "what to do"),
            rows=tuple(
                (finding.severity, finding.rule, finding.where, finding.what, finding.advice)
                for finding in findings[:MAX_ROWS]
            ),
        ),
        Table(
            name="names", title="Types and functions that the file names", header=("name", "standing"),
            rows=tuple(names[:MAX_ROWS]),
        ),
        Table(
            name="parts", title="Parts of the file, the largest first", header=("part", "kind", "bytes"),
            rows=tuple((part.where, part.kind, part.size) for part in parts[:MAX_ROWS]),
        ),
    )  # fmt: skip


def figures_of(log: ScanLog) -> tuple[Artifact, ...]:
    """Bytes by kind of part, and number of findings by rule and severity; nothing where there are no findings."""
    if not log.findings:
        return ()
    sizes: Counter[str] = Counter()
    for part in log.parts:
        sizes[part.kind] += part.size
    rules = Counter((finding.severity, finding.rule) for finding in log.findings)
    kinds = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:MAX_BARS]
    counts = sorted(rules.items(), key=lambda item: (SEVERITIES.index(item[0][0]), item[0][1]))[:MAX_BARS]
    figure, (left, right) = canvas(columns=2, width=8.0, height=1.4 + 0.28 * max(len(kinds), len(counts), 2))
    left.barh(range(len(kinds)), [size for _, size in kinds], color=COLOURS[""], height=0.6)
    left.set_yticks(range(len(kinds)), [kind for kind, _ in kinds])
    left.set_title("Bytes by kind of part")
    left.set_xscale("symlog")
    right.barh(
        range(len(counts)), [count for _, count in counts], height=0.6,
        color=[COLOURS[severity] for (severity, _), _ in counts],
    )  # fmt: skip
    right.set_yticks(range(len(counts)), [f"{rule} ({severity})" for (severity, rule), _ in counts])
    right.set_title("Findings")
    for axis, count in ((left, len(kinds)), (right, len(counts))):
        axis.set_ylim(max(count, 2) - 0.5, -0.5)
    return (to_svg(figure, name="artifact_scan.svg", title="What the model file holds and what was found in it"),)
