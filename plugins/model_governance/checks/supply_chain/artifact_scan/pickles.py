"""Pickles, joblib files and arrays of objects: every opcode is read and none is executed on real objects.

Joblib writes the bytes of an array into the middle of the stream. They are skipped as joblib would skip them, and a
pickle in their place is read like the rest.
"""

from __future__ import annotations

import ast
from io import BytesIO
from math import prod
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.findings import Part
from model_governance.checks.supply_chain.artifact_scan.pickle_calls import (
    REFUSE,
    REVIEW,
    judge_call,
    judge_items,
    judge_name,
    judge_state,
)
from model_governance.formats.pickle_opcodes import ADDS, CALLS, Call, Global
from model_governance.formats.pickle_stream import DTYPE, ForgedPickle, UnreadablePickle, bytes_of_element, read_pickle

if TYPE_CHECKING:
    from model_governance.checks.supply_chain.artifact_scan.dangerous_names import Family
    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog


def scan_pickle(content: bytes, where: str, log: ScanLog, *, family: Family = "pickle") -> None:
    """Scan all pickles in the bytes, one after another, and report what follows them.

    Args:
        content: bytes of a pickle or joblib stream.
        where: name of the part in the report.
        log: takes the findings.
        family: the loader that would read it; torch's archives may refer to data outside of the stream.
    """
    stream = BytesIO(content)
    log.parts.append(Part(where=where, kind="pickle", size=len(content)))
    try:
        _read(stream, where, log, family=family)
        while (start := stream.tell()) < len(content):
            rest = len(content) - start
            log.add(
                "suspicious", "trailing bytes", where, f"{rest:,} bytes follow the end of the pickle at byte {start:,}",
                "a loader ignores them, another program may not: save the model again",
            )  # fmt: skip
            if not content[start:].strip(b"\0") or content[start : start + 1] not in b"\x80(c}]l":
                break
            _read(stream, f"{where} at byte {start:,}", log, family=family)
    except ForgedPickle as error:
        log.add("dangerous", "forged pickle", where, str(error), REFUSE)
        log.unscanned.append(where)
    except UnreadablePickle as error:
        log.unscanned.append(where)
        log.add(
            "dangerous", "broken pickle", where, f"cannot be read to its end: {error}",
            "instructions before the break have run by the time a loader notices: do not load it",
        )  # fmt: skip


def scan_array_file(content: bytes, where: str, log: ScanLog) -> None:
    """A .npy file: an array of objects is a pickle."""
    log.parts.append(Part(where=where, kind="array", size=len(content)))
    try:
        width = 2 if content[6] == 1 else 4
        length = int.from_bytes(content[8 : 8 + width], "little")
        text = content[8 + width : 8 + width + length]
        if len(text) != length or length > 100_000:
            raise ValueError("its header is cut off or too long")
        header = ast.literal_eval(text.decode("latin1").strip())
        described, shape = header["descr"], tuple(int(size) for size in header["shape"])
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, RecursionError, MemoryError) as error:
        log.skip(where, f"no readable array: {error}", "save the model again")
        return
    body = 8 + width + length
    plain = DTYPE.fullmatch(described) if isinstance(described, str) else None
    if _has_objects(described):
        log.add(
            "suspicious", "pickle inside", where, "an array of objects, which is a pickle",
            "arrays of numbers need none: save it with a plain type",
        )  # fmt: skip
        scan_pickle(content[body:], f"{where} (objects)", log)
    elif plain is not None and body + prod(shape) * bytes_of_element(plain) != len(content):
        claimed = prod(shape) * bytes_of_element(plain)
        log.add(
            "suspicious", "wrong size", where, f"claims {claimed:,} bytes of numbers and holds {len(content) - body:,}",
            "save the model again; a loader may reserve what the file claims",
        )  # fmt: skip


def _read(stream: BytesIO, where: str, log: ScanLog, *, family: Family) -> None:
    """Read one pickle up to its STOP; the stream is then behind it."""

    def visit(name: str, top: Any, place: int) -> None:
        if name == "STORED_ARRAY":
            _judge_array(where, log)
            return
        log.opcodes += 1
        if log.opcodes > log.params.max_opcodes:
            raise UnreadablePickle(f"more than {log.params.max_opcodes:,} opcodes (max_opcodes)")
        _judge(name, top, f"{where} @{place}", where, log, family=family)

    read_pickle(stream, visit)


def _judge(name: str, top: Any, place: str, where: str, log: ScanLog, *, family: Family) -> None:
    """Record what one opcode shows."""
    named = top.function if name == "INST" else top
    if name in ("GLOBAL", "STACK_GLOBAL", "INST") and isinstance(named, Global):
        judge_name(named.module, named.name, where, log, family=family)
    elif name == "STACK_GLOBAL":
        log.add("dangerous", "hidden name", place, "names something by what it computes while loading", REFUSE)
    elif name.startswith("EXT"):
        log.add("dangerous", "extension", place, "calls a registered extension by number", REFUSE)
    elif name in ("PERSID", "BINPERSID") and family != "torchscript":
        log.add("suspicious", "outside reference", place, "refers to data outside of the file", "save the model again")
    if name in ("INST", "OBJ"):
        log.add(
            "suspicious", "old instruction", place, f"makes objects by {name}, as nothing has since Python 2", REVIEW
        )
    if name in CALLS and isinstance(top, Call):
        judge_call(name, top, place, where, log, family=family)
    elif name == "BUILD":
        judge_state(top, place, log)
    elif name in ADDS:
        judge_items(name, top, place, log)


def _judge_array(where: str, log: ScanLog) -> None:
    if log.declared == "pickle":
        log.add(
            "suspicious", "joblib in a pickle", where, "holds arrays in joblib's layout, which plain pickle reads as "
            "instructions", "declare format joblib, or save the model again",
        )  # fmt: skip


def _has_objects(described: Any) -> bool:
    """Whether a type as .npy files spell it, plain or with fields, holds Python objects."""
    if isinstance(described, str):
        return described.lstrip("<>=|").startswith("O")
    return isinstance(described, list) and any(_has_objects(field[1]) for field in described if len(field) > 1)
