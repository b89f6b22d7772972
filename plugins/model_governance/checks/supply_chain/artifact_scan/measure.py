"""The recipe of the artifact scan: read the bytes part by part, count what is found, report it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.artifact_scan.metrics import METRICS
from model_governance.checks.supply_chain.artifact_scan.report import figures_of, highlights_of, tables_of
from model_governance.checks.supply_chain.artifact_scan.scan import scan_file
from model_governance.contract.result import CheckResult, make_metric, versions_of

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog
    from model_governance.checks.supply_chain.artifact_scan.params import ScanParams
    from model_governance.contract.result import Metric
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: ScanParams, seed: int) -> CheckResult:
    """Read the model file part by part: opcodes of pickles, members of archives, sizes, names, foreign bytes.

    Args:
        subject: holds the model file; no dataset is read.
        params: the limits of the scan and the trusted names.
        seed: recorded only; the scan draws nothing at random.

    Returns:
        Counts of findings by severity, tables of findings, names and parts, and a figure; not applicable for an endpoint.

    Raises:
        SubjectError: the subject holds no model file.
        CheckError: the file is empty.
    """
    file = subject.require_model_file()
    if file.format == "http":
        reason = "the model is an endpoint, so there is no file to scan; scan it where it is deployed"
        return CheckResult(kind="artifact_scan", seed=seed, status="not_applicable", reason=reason)
    log = scan_file(file, params)
    return CheckResult(
        kind="artifact_scan",
        seed=seed,
        metrics=metrics_of(log),
        tables=tables_of(log),
        artifacts=figures_of(log),
        highlights=highlights_of(log),
        notes=(
            f"sha256 {file.sha256}, {len(file.content):,} bytes, declared as {file.format}; nothing was deserialised",
            "a file without findings is not proven harmless: weights can hide a backdoor that no scan of bytes sees",
        ),
        tools=versions_of("numpy"),
    )


def metrics_of(log: ScanLog) -> tuple[Metric, ...]:
    """The counts of a scan, with the first causes as detail."""
    parts, names = len(log.parts), len(log.names)
    undeclared = sorted(name for name, judged in log.names.items() if judged == "undeclared")
    rules = ", ".join(sorted({finding.rule for finding in log.findings if finding.severity == "dangerous"}))
    mismatches = [finding for finding in log.findings if finding.rule == "other format"]
    counts = (
        ("dangerous_findings", log.count("dangerous"), parts, rules),
        ("suspicious_findings", log.count("suspicious"), parts, ""),
        ("undeclared_types", len(undeclared), names, ", ".join(undeclared[:3])),
        ("unscanned_parts", len(log.unscanned), parts + len(log.unscanned), ", ".join(log.unscanned[:3])),
        ("format_mismatch", int(bool(mismatches)), 1, mismatches[0].what if mismatches else ""),
        ("scanned_parts", parts, parts, ""),
        ("scanned_bytes", log.parts[0].size + log.unpacked if log.parts else 0, parts, ""),
        ("scanned_opcodes", log.opcodes, parts, ""),
    )
    return tuple(make_metric(METRICS, name, value, n=n, detail=detail) for name, value, n, detail in counts)
