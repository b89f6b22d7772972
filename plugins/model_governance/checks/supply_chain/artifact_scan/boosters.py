"""XGBoost and LightGBM in their own formats: data only, but their C++ readers trust sizes and indices in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.artifact_scan.findings import Part
from model_governance.checks.supply_chain.artifact_scan.pickle_calls import REVIEW
from model_governance.formats.lightgbm_file import InconsistentText, check_text
from model_governance.formats.xgboost_file import (
    InconsistentModel,
    UnreadableModel,
    UnsupportedModel,
    check_document,
    read_document,
)

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog

SAVE_AGAIN = "save the model again; its reader may crash or read foreign memory"


def scan_json(content: bytes, where: str, log: ScanLog) -> None:
    """A model in JSON: XGBoost's own, or some other text."""
    log.parts.append(Part(where=where, kind="json", size=len(content)))
    _scan_document(content, where, log)


def scan_ubjson(content: bytes, where: str, log: ScanLog) -> None:
    """A model in Universal Binary JSON, as XGBoost writes it."""
    log.parts.append(Part(where=where, kind="ubjson", size=len(content)))
    _scan_document(content, where, log)


def scan_lightgbm(content: bytes, where: str, log: ScanLog) -> None:
    """LightGBM's text: numbers that parse, and no index that points outside of its tree."""
    log.parts.append(Part(where=where, kind="lightgbm", size=len(content)))
    try:
        check_text(content)
    except InconsistentText as error:
        log.add("dangerous", "inconsistent tree", where, str(error), SAVE_AGAIN)


def _scan_document(content: bytes, where: str, log: ScanLog) -> None:
    try:
        document, rest = read_document(content)
    except UnreadableModel as error:
        log.skip(where, str(error), SAVE_AGAIN)
        return
    if content[len(content) - rest :].strip(b"\0"):
        log.add("suspicious", "trailing bytes", where, f"{rest:,} bytes follow the model", "save the model again")
    if not isinstance(document.get("learner"), dict):
        if log.declared == "xgboost":
            log.add("suspicious", "other format", where, "holds no learner, so it is no XGBoost model", REVIEW)
        return
    try:
        check_document(document, size=len(content))
    except UnsupportedModel as error:
        log.add("note", "unsupported model", where, str(error), "the loader refuses it")
    except InconsistentModel as error:
        log.add("dangerous", "inconsistent tree", where, str(error), SAVE_AGAIN)
