"""Compressed streams, unpacked in memory within the budget."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.findings import Part
from model_governance.contract.text import library_words

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog

BOMB = "do not unpack it; ask who made it"
BOMB_FROM = 1 << 20  # unpacked bytes: below, no ratio makes a bomb


def unpack(content: bytes, kind: str, where: str, log: ScanLog) -> bytes | None:
    """The unpacked bytes; None where they cannot or must not be unpacked, which is recorded as a finding."""
    log.parts.append(Part(where=where, kind=kind, size=len(content)))
    if kind == "lz4":
        log.skip(where, "compressed with lz4, which this scan cannot unpack", "save the model with zlib or gzip")
        return None
    decompressor = _decompressor(kind)
    try:
        unpacked: bytes = decompressor.decompress(content, log.remaining_bytes + 1)
    except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        log.skip(where, f"broken {kind} stream: {library_words(error)}", "save the model again")
        return None
    if not log.count_unpacked(len(unpacked)):
        limit = log.params.max_unpacked_bytes
        log.add("dangerous", "bomb", where, f"unpacks to more than {limit:,} bytes (max_unpacked_bytes)", BOMB)
        log.unscanned.append(where)
        return None
    judge_ratio(len(content), len(unpacked), where, log)
    if not decompressor.eof:
        log.unscanned.append(where)
        log.add("suspicious", "cut off", where, f"the {kind} stream ends too early", "save the model again")
    elif decompressor.unused_data.strip(b"\0"):
        rest = len(decompressor.unused_data)
        log.add(
            "suspicious", "trailing bytes", where, f"{rest:,} bytes follow the compressed stream",
            "a loader ignores them, another program may not: save the model again",
        )  # fmt: skip
    return unpacked


def judge_ratio(packed: int, unpacked: int, where: str, log: ScanLog) -> None:
    """Record a part that unpacks to far more than its size."""
    if unpacked > BOMB_FROM and unpacked > log.params.max_compression_ratio * max(packed, 1):
        ratio = unpacked / max(packed, 1)
        log.add("dangerous", "bomb", where, f"unpacks to {ratio:,.0f} times its size (max_compression_ratio)", BOMB)


def _decompressor(kind: str) -> Any:
    if kind == "bzip2":
        return bz2.BZ2Decompressor()
    if kind in ("xz", "lzma"):
        return lzma.LZMADecompressor(memlimit=1 << 28)
    return zlib.decompressobj(31 if kind == "gzip" else 15)
