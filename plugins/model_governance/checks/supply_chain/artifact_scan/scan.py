"""The scan: the bytes decide which reader is used, whatever format the policy declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.artifact_scan.archives import scan_archive
from model_governance.checks.supply_chain.artifact_scan.boosters import scan_json, scan_lightgbm, scan_ubjson
from model_governance.checks.supply_chain.artifact_scan.compression import unpack
from model_governance.checks.supply_chain.artifact_scan.findings import Part, ScanLog
from model_governance.checks.supply_chain.artifact_scan.magic import (
    COMPRESSED,
    EXPECTED,
    credentials,
    executables,
    kind_of,
)
from model_governance.checks.supply_chain.artifact_scan.onnx_graph import scan_graph
from model_governance.checks.supply_chain.artifact_scan.pickle_calls import REFUSE, REVIEW
from model_governance.checks.supply_chain.artifact_scan.pickles import scan_array_file, scan_pickle
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.findings import Severity
    from model_governance.checks.supply_chain.artifact_scan.params import ScanParams
    from model_governance.contract.subject import ModelFile

READERS = {
    "array": scan_array_file, "onnx": scan_graph, "json": scan_json, "ubjson": scan_ubjson, "lightgbm": scan_lightgbm,
}  # fmt: skip
# Names in an archive that say what their content is, where the first bytes cannot.
PICKLES = (".pkl", ".pickle", ".joblib")
TORCH_PICKLES = (".pkl", "_pkl")
CARRIES_PICKLES = ("joblib", "pickle", "torchscript", "keras", "torch")


def scan_file(file: ModelFile, params: ScanParams) -> ScanLog:
    """Scan the bytes of a model without loading any of it.

    Raises:
        CheckError: there are no bytes; an empty scan is never a pass.
    """
    if not file.content:
        raise CheckError(
            f"{file.uri}: the model file is empty, so there is nothing to scan; an empty scan is never a pass"
        )
    log = ScanLog(params=params, declared=file.format)
    expected, kind = EXPECTED.get(file.format), kind_of(file.content)
    if expected is not None and kind not in expected:
        severity: Severity = "dangerous" if kind in ("pickle", "executable", "script") else "suspicious"
        log.add(
            severity, "other format", file.uri, f"declared as {file.format}, and begins like {kind}",
            "correct model.format, or find out who replaced the file",
        )  # fmt: skip
    scan_bytes(file.content, file.uri, log, 0)
    return log


def scan_bytes(content: bytes, where: str, log: ScanLog, depth: int) -> None:
    """Scan one part and the parts inside it; `depth` is the number of archives around it."""
    if depth > log.params.max_depth:
        log.skip(where, f"lies deeper than {log.params.max_depth} archives (max_depth)", REVIEW)
        return
    kind = _kind(content, where, log)
    _judge_foreign(content, kind, where, log)
    if kind == "zip":
        scan_archive(content, where, log, depth, scan_bytes)
    elif kind == "pickle":
        if depth and log.declared not in CARRIES_PICKLES:
            log.add("suspicious", "pickle inside", where, f"a pickle in a file declared as {log.declared}", REVIEW)
        in_archive = "!" in where and where.endswith(TORCH_PICKLES)
        scan_pickle(content, where, log, family="torchscript" if in_archive else "pickle")
    elif kind in COMPRESSED:
        unpacked = unpack(content, kind, where, log)
        if unpacked:
            scan_bytes(unpacked, f"{where} ({kind})", log, depth + 1)
    elif kind in READERS:
        READERS[kind](content, where, log)
        if not depth and log.declared in ("pickle", "joblib"):
            # Their loaders ask for no magic number: the same bytes are instructions to them.
            scan_pickle(content, where, log)
    else:
        log.parts.append(Part(where=where, kind=kind, size=len(content)))
        if depth == 0:
            log.skip(where, f"of a kind that this scan cannot read ({kind})", REVIEW)


def _kind(content: bytes, where: str, log: ScanLog) -> str:
    """By the first bytes; where those say little, by the name in the archive, or by the declared format at the top."""
    kind = kind_of(content)
    inner = where.rsplit("!", 1)[1] if "!" in where else ""
    if inner.endswith(PICKLES) and kind not in ("zip", *COMPRESSED):
        return "pickle"
    if inner and kind in ("pickle", "onnx", "zlib", "lzma") and not inner.endswith(PICKLES):
        # Weights are bytes without a name and may begin like anything; a pickle has a head and an end.
        return kind if kind == "pickle" and _whole_pickle(content) else "data"
    if not inner and log.declared in ("pickle", "joblib") and kind not in ("zip", *COMPRESSED, *READERS):
        return "pickle"
    return kind


def _whole_pickle(content: bytes) -> bool:
    return content[0] == 0x80 and 2 <= content[1] <= 5 and content.rstrip(b"\0").endswith(b".")


def _judge_foreign(content: bytes, kind: str, where: str, log: ScanLog) -> None:
    """Programs and secrets in the bytes of a part; archives are judged member by member."""
    if kind == "zip" or kind in COMPRESSED:
        return
    for what, place in executables(content)[:20]:
        log.add("dangerous", "program inside", f"{where} @{place}", f"holds {what}", REFUSE)
    for what, place in credentials(content)[:20]:
        log.add(
            "suspicious", "credential", f"{where} @{place}", f"holds what looks like {what}",
            "take the credential back and save the model without it",
        )  # fmt: skip
    if b"PK\x05\x06" in content[-66000:] and b"PK\x01\x02" in content:
        log.add("dangerous", "polyglot", where, "ends in a zip archive: it is two files in one", REFUSE)
