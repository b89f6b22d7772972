"""Compressed streams, unpacked in memory and never further than the budget goes."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.ledger import Part

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.ledger import Ledger

BOMB = "do not unpack it; ask who made it"
SMALL = 1 << 20  # bytes: below, no ratio makes a bomb


def unpack(content: bytes, kind: str, where: str, ledger: Ledger) -> bytes | None:
    """What the bytes unpack to; None where they cannot be or must not be unpacked, which is a finding."""
    ledger.parts.append(Part(where=where, kind=kind, size=len(content)))
    if kind == "lz4":
        ledger.leave(where, "compressed with lz4, which this scan cannot unpack", "save the model with zlib or gzip")
        return None
    machine = _machine(kind)
    try:
        found: bytes = machine.decompress(content, ledger.allowance + 1)
    except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
        ledger.leave(where, f"broken {kind} stream: {error}", "save the model again")
        return None
    if not ledger.take(len(found)):
        limit = ledger.params.most_unpacked_bytes
        ledger.find("dangerous", "bomb", where, f"unpacks to more than {limit:,} bytes (most_unpacked_bytes)", BOMB)
        ledger.unscanned.append(where)
        return None
    judge_ratio(len(content), len(found), where, ledger)
    if not machine.eof:
        ledger.find("suspicious", "cut off", where, f"the {kind} stream ends too early", "save the model again")
    elif machine.unused_data.strip(b"\0"):
        rest = len(machine.unused_data)
        ledger.find(
            "suspicious", "trailing bytes", where, f"{rest:,} bytes follow the compressed stream",
            "a loader ignores them, another program may not: save the model again",
        )  # fmt: skip
    return found


def judge_ratio(packed: int, unpacked: int, where: str, ledger: Ledger) -> None:
    """Note a part that unpacks to far more than it weighs."""
    if unpacked > SMALL and unpacked > ledger.params.most_ratio * max(packed, 1):
        ratio = unpacked / max(packed, 1)
        ledger.find("dangerous", "bomb", where, f"unpacks to {ratio:,.0f} times its size (most_ratio)", BOMB)


def _machine(kind: str) -> Any:
    if kind == "bzip2":
        return bz2.BZ2Decompressor()
    if kind in ("xz", "lzma"):
        return lzma.LZMADecompressor(memlimit=1 << 28)
    return zlib.decompressobj(31 if kind == "gzip" else 15)
