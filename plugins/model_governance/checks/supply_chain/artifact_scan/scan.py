"""The scan itself: what the bytes are decides who reads them, whatever the policy calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.artifact_scan.archives import scan_archive
from model_governance.checks.supply_chain.artifact_scan.boosters import scan_json, scan_lightgbm, scan_ubjson
from model_governance.checks.supply_chain.artifact_scan.calls import REFUSE, REVIEW
from model_governance.checks.supply_chain.artifact_scan.ledger import Ledger, Part
from model_governance.checks.supply_chain.artifact_scan.magic import (
    COMPRESSED,
    EXPECTED,
    credentials,
    executables,
    kind_of,
)
from model_governance.checks.supply_chain.artifact_scan.onnx_graph import scan_graph
from model_governance.checks.supply_chain.artifact_scan.packed import unpack
from model_governance.checks.supply_chain.artifact_scan.pickles import scan_array_file, scan_pickle
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.ledger import Severity
    from model_governance.checks.supply_chain.artifact_scan.params import ScanParams
    from model_governance.contract.subject import ModelFile

READERS = {
    "array": scan_array_file, "onnx": scan_graph, "json": scan_json, "ubjson": scan_ubjson, "lightgbm": scan_lightgbm,
}  # fmt: skip
# Names in an archive that say what their content is, where the first bytes cannot.
PICKLES = (".pkl", ".pickle", ".joblib")
CARRIES_PICKLES = ("joblib", "pickle", "torchscript", "keras", "torch")


def scan_file(file: ModelFile, params: ScanParams) -> Ledger:
    """Everything that the bytes of a model show without loading any of it.

    Raises:
        CheckError: there are no bytes; an empty scan is never a pass.
    """
    if not file.content:
        raise CheckError(
            f"{file.uri}: the model file is empty, so there is nothing to scan; an empty scan is never a pass"
        )
    ledger = Ledger(params=params, declared=file.format)
    expected, seen = EXPECTED.get(file.format), kind_of(file.content)
    if expected is not None and seen not in expected:
        severity: Severity = "dangerous" if seen in ("pickle", "executable", "script") else "suspicious"
        ledger.find(
            severity, "other format", file.uri, f"declared as {file.format}, and begins like {seen}",
            "correct model.format, or find out who replaced the file",
        )  # fmt: skip
    scan_bytes(file.content, file.uri, ledger, 0)
    return ledger


def scan_bytes(content: bytes, where: str, ledger: Ledger, depth: int) -> None:
    """One part, and what it holds."""
    if depth > ledger.params.most_depth:
        ledger.leave(where, f"lies deeper than {ledger.params.most_depth} archives (most_depth)", REVIEW)
        return
    kind = _kind(content, where, ledger)
    _judge_foreign(content, kind, where, ledger)
    if kind == "zip":
        scan_archive(content, where, ledger, depth, scan_bytes)
    elif kind == "pickle":
        if depth and ledger.declared not in CARRIES_PICKLES:
            ledger.find(
                "suspicious", "pickle inside", where, f"a pickle in a file declared as {ledger.declared}", REVIEW
            )
        scan_pickle(content, where, ledger, persistent=where.endswith(".pkl") and "!" in where)
    elif kind in COMPRESSED:
        found = unpack(content, kind, where, ledger)
        if found:
            scan_bytes(found, f"{where} ({kind})", ledger, depth + 1)
    elif kind in READERS:
        READERS[kind](content, where, ledger)
    else:
        ledger.parts.append(Part(where=where, kind=kind, size=len(content)))
        if depth == 0:
            ledger.leave(where, f"of a kind that this scan cannot read ({kind})", REVIEW)


def _kind(content: bytes, where: str, ledger: Ledger) -> str:
    """By the first bytes; where those say little, by the name in the archive, or by the declared format at the top."""
    kind = kind_of(content)
    inner = where.rsplit("!", 1)[1] if "!" in where else ""
    if inner.endswith(PICKLES) and kind not in ("zip", *COMPRESSED):
        return "pickle"
    if inner and kind in ("pickle", "onnx", "zlib", "lzma") and not inner.endswith(PICKLES):
        # Weights are bytes without a name and may begin like anything; a pickle has a head and an end.
        return kind if kind == "pickle" and _whole_pickle(content) else "data"
    if not inner and kind == "unknown" and ledger.declared in ("pickle", "joblib"):
        return "pickle"
    return kind


def _whole_pickle(content: bytes) -> bool:
    return content[0] == 0x80 and 2 <= content[1] <= 5 and content.rstrip(b"\0").endswith(b".")


def _judge_foreign(content: bytes, kind: str, where: str, ledger: Ledger) -> None:
    """Programs and secrets in the bytes of a part; archives are judged member by member."""
    if kind == "zip" or kind in COMPRESSED:
        return
    for what, place in executables(content)[:20]:
        ledger.find("dangerous", "program inside", f"{where} @{place}", f"holds {what}", REFUSE)
    for what, place in credentials(content)[:20]:
        ledger.find(
            "suspicious", "credential", f"{where} @{place}", f"holds what looks like {what}",
            "take the credential back and save the model without it",
        )  # fmt: skip
    if b"PK\x05\x06" in content[-66000:] and b"PK\x01\x02" in content:
        ledger.find("dangerous", "polyglot", where, "ends in a zip archive: it is two files in one", REFUSE)
