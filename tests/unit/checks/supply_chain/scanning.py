"""One scan of some bytes, and short ways to read its result."""

from __future__ import annotations

import io
import warnings
import zipfile

from model_governance.checks.supply_chain.artifact_scan import CHECK
from model_governance.checks.supply_chain.artifact_scan.measure import metrics_of
from model_governance.checks.supply_chain.artifact_scan.report import highlights_of, tables_of
from model_governance.checks.supply_chain.artifact_scan.scan import scan_file
from model_governance.contract.result import CheckResult
from model_governance.contract.subject import ModelFile


def file_of(content, kind):
    return ModelFile(uri="model.bin", format=kind, sha256="0" * 64, content=content)


def scan(content, kind="pickle", **params):
    """The check's result without its picture, which would take most of the time."""
    log = scan_file(file_of(content, kind), CHECK.params.model_validate(params))
    return CheckResult(
        kind=CHECK.kind, seed=1, metrics=metrics_of(log), tables=tables_of(log),
        highlights=highlights_of(log),
    )  # fmt: skip


def value(result, name):
    return result.metric(name).value


def rules(result, severity=None):
    rows = next(one for one in result.tables if one.name == "findings").rows
    return {row[1] for row in rows if severity in (None, row[0])}


def zipped(*members, **options):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
        archive.comment = options.get("comment", b"")
    return sink.getvalue()


def clean(result):
    rows = next(one for one in result.tables if one.name == "findings").rows
    return rows == () and value(result, "unscanned_parts") == 0 and value(result, "format_mismatch") == 0
