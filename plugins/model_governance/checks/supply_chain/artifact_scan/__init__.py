"""Artifact scan: what does the model file hold, read before anything loads it?

ML06:2023 (AI supply chain attacks) and ML10:2023 (model poisoning) of the OWASP Machine Learning Security Top Ten,
AML.T0010 (AI supply chain compromise), AML.T0018 (manipulate AI model) and AML.T0011.000 (unsafe AI artifacts) of MITRE
ATLAS. Bytes are read and never deserialised. A finding is a reason to refuse; no finding is no proof of innocence, which is
why loading has its own guard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.artifact_scan.hostile_file import poison_file
from model_governance.checks.supply_chain.artifact_scan.params import ScanParams
from model_governance.checks.supply_chain.artifact_scan.report import highlights_of, metrics_of, picture_of, tables_of
from model_governance.checks.supply_chain.artifact_scan.scan import scan_file
from model_governance.contract.check import Check, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, MetricSpec, versions_of

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns, Subject

__all__ = ["CHECK", "ScanParams"]


def measure(subject: Subject, params: ScanParams, seed: int) -> CheckResult:
    """Read the model file part by part: instructions of pickles, members of archives, sizes, names, foreign bytes.

    Raises:
        SubjectError: the subject holds no model file.
        CheckError: the file is empty.
    """
    file = subject.require_model_file()
    if file.format == "http":
        reason = "the model is an endpoint, so there is no file to scan; scan it where it is deployed"
        return CheckResult(kind="artifact_scan", seed=seed, status="not_applicable", reason=reason)
    ledger = scan_file(file, params)
    return CheckResult(
        kind="artifact_scan",
        seed=seed,
        metrics=metrics_of(CHECK, ledger),
        tables=tables_of(ledger),
        artifacts=(picture_of(ledger),),
        highlights=highlights_of(ledger),
        notes=(
            f"sha256 {file.sha256}, {len(file.content):,} bytes, declared as {file.format}; nothing was deserialised",
            "a file without findings is not proven harmless: weights can hide a backdoor that no scan of bytes sees",
        ),
        tools=versions_of("numpy"),
    )


def suggest(_frame: pd.DataFrame, _columns: Columns) -> Suggestion:
    """Nothing dangerous, nothing unread, nothing that nobody has declared."""
    return Suggestion(
        thresholds=(
            {"metric": "dangerous_findings", "equal_to": 0, "severity": "error"},
            {"metric": "format_mismatch", "equal_to": 0, "severity": "error"},
            {"metric": "unscanned_parts", "equal_to": 0, "severity": "error"},
            {"metric": "suspicious_findings", "equal_to": 0, "severity": "warn"},
        ),
        comment=(
            "The file is read and never loaded. Whatever can run code while loading stops the night, and so does a part "
            "that nobody could look into. Types of your own that the file needs are warnings: read them, then list them "
            "under params.trusted."
        ),
    )


CHECK = Check(
    kind="artifact_scan",
    title="Artifact scan",
    question="Does the model file hold anything that a model does not need?",
    params=ScanParams,
    metrics=(
        MetricSpec(
            name="dangerous_findings", better="lower",
            meaning="things in the file that can run code, leave their folder, exhaust the machine or pose as something else",
        ),
        MetricSpec(
            name="suspicious_findings", better="lower",
            meaning="things in the file that a model does not need and that are not dangerous by themselves",
        ),
        MetricSpec(
            name="undeclared_types", better="lower",
            meaning="types, functions and operator domains that the file needs and neither the allow-list nor trusted knows",
        ),
        MetricSpec(
            name="unscanned_parts", better="lower",
            meaning="parts that the scan could not look into: encrypted, broken, too deep, too large or of no known kind",
        ),
        MetricSpec(
            name="format_mismatch", better="lower",
            meaning="1 where the bytes are not of the declared format, otherwise 0",
        ),
        MetricSpec(name="scanned_parts", better="neither", meaning="files, archive members and nested pickles that were read"),
        MetricSpec(name="scanned_bytes", better="neither", unit="bytes", meaning="bytes that were read, unpacked ones too"),
        MetricSpec(name="scanned_opcodes", better="neither", meaning="pickle instructions that were read"),
    ),
    roles=(),
    needs_model=False,
    reads_model_file=True,
    measure=measure,
    self_test=SelfTest(
        description="a pickle that runs a command of the shell when it is loaded",
        threshold={"metric": "dangerous_findings", "equal_to": 0},
        apply=poison_file,
    ),
    suggest=suggest,
)  # fmt: skip
