"""The metrics of `artifact_scan`: exact counts, because a scan is no sample."""

from __future__ import annotations

from model_governance.contract.result import NOT_NEGATIVE, SHARE, MetricSpec

METRICS = (
    MetricSpec(
        name="dangerous_findings", better="lower", range=NOT_NEGATIVE,
        meaning="things in the file that can run code, leave their folder, exhaust the machine or pose as something else",
    ),
    MetricSpec(
        name="suspicious_findings", better="lower", range=NOT_NEGATIVE,
        meaning="things in the file that a model does not need and that are not dangerous by themselves",
    ),
    MetricSpec(
        name="undeclared_types", better="lower", range=NOT_NEGATIVE,
        meaning="types, functions and operator domains that the file needs and neither the allow-list nor trusted knows",
    ),
    MetricSpec(
        name="unscanned_parts", better="lower", range=NOT_NEGATIVE,
        meaning="parts that the scan could not look into: encrypted, broken, too deep, too large or of no known kind",
    ),
    MetricSpec(
        name="format_mismatch", better="lower", range=SHARE,
        meaning="1 where the bytes are not of the declared format, otherwise 0",
    ),
    MetricSpec(name="scanned_parts", better="neither", range=NOT_NEGATIVE, meaning="files, archive members and nested pickles that were read"),
    MetricSpec(name="scanned_bytes", better="neither", range=NOT_NEGATIVE, unit="bytes", meaning="bytes that were read, unpacked ones too"),
    MetricSpec(name="scanned_opcodes", better="neither", range=NOT_NEGATIVE, meaning="pickle opcodes that were read"),
)  # fmt: skip
