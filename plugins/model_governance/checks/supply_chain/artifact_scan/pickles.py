"""Pickles, joblib files and arrays of objects: every opcode is read and none is executed on real objects.

Joblib writes the bytes of an array into the middle of the stream. They are skipped as joblib would skip them, and a
pickle in their place is read like the rest.
"""

from __future__ import annotations

import ast
import pickletools
from io import BytesIO
from math import prod
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.findings import Part
from model_governance.checks.supply_chain.artifact_scan.pickle_calls import (
    DTYPE,
    REFUSE,
    REVIEW,
    judge_call,
    judge_items,
    judge_name,
    judge_state,
)
from model_governance.formats.pickle_opcodes import ADDS, CALLS, Call, Global, PickleMachine

if TYPE_CHECKING:
    import re

    from model_governance.checks.supply_chain.artifact_scan.dangerous_names import Family
    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog

UNIT = {"U": 4, "?": 1}
MAX_NESTING = 16  # pickles inside arrays inside pickles
STORED_ARRAY = Global("joblib.numpy_pickle", "NumpyArrayWrapper")


class UnreadablePickle(ValueError):
    """A stream that cannot be read to its end."""


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
        _read(stream, where, log, family=family, nesting=0)
        while (start := stream.tell()) < len(content):
            rest = len(content) - start
            log.add(
                "suspicious", "trailing bytes", where, f"{rest:,} bytes follow the end of the pickle at byte {start:,}",
                "a loader ignores them, another program may not: save the model again",
            )  # fmt: skip
            if not content[start:].strip(b"\0") or content[start : start + 1] not in b"\x80(c}]l":
                break
            _read(stream, f"{where} at byte {start:,}", log, family=family, nesting=0)
    except UnreadablePickle as error:
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
        log.add("suspicious", "broken array", where, f"no readable array: {error}", "save the model again")
        return
    body = 8 + width + length
    plain = DTYPE.fullmatch(described) if isinstance(described, str) else None
    if _has_objects(described):
        log.add(
            "suspicious", "pickle inside", where, "an array of objects, which is a pickle",
            "arrays of numbers need none: save it with a plain type",
        )  # fmt: skip
        scan_pickle(content[body:], f"{where} (objects)", log)
    elif plain is not None and body + prod(shape) * _size(plain) != len(content):
        claimed = prod(shape) * _size(plain)
        log.add(
            "suspicious", "wrong size", where, f"claims {claimed:,} bytes of numbers and holds {len(content) - body:,}",
            "save the model again; a loader may reserve what the file claims",
        )  # fmt: skip


def _read(stream: BytesIO, where: str, log: ScanLog, *, family: Family, nesting: int) -> Any:
    """Read one pickle up to its STOP and return the symbol of the loaded object; the stream is then behind it."""
    if nesting > MAX_NESTING:
        raise UnreadablePickle("pickles inside pickles too deep to follow")
    machine, start = PickleMachine(), stream.tell()
    try:
        for opcode, argument, place in pickletools.genops(stream):
            log.opcodes += 1
            if log.opcodes > log.params.max_opcodes:
                raise UnreadablePickle(f"more than {log.params.max_opcodes:,} opcodes (max_opcodes)")
            if opcode.name == "STOP":
                return machine.stack.pop()
            top = machine.step(opcode, argument)
            _judge(opcode.name, top, f"{where} @{start if place is None else place}", where, log,
                   family=family)  # fmt: skip
            if opcode.name == "BUILD" and _is_stored_array(top):
                _skip_array(top, stream, where, log, family=family, nesting=nesting)
    except UnreadablePickle:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError) as error:
        raise UnreadablePickle(f"{type(error).__name__} near byte {stream.tell():,}") from error
    raise UnreadablePickle("it has no end")


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
        judge_call(top, place, where, log)
    elif name == "BUILD":
        judge_state(top, place, log)
    elif name in ADDS:
        judge_items(name, top, place, log)


def _is_stored_array(top: Any) -> bool:
    return isinstance(top, Call) and top.function == STORED_ARRAY


def _skip_array(wrapper: Call, stream: BytesIO, where: str, log: ScanLog, *, family: Family, nesting: int) -> None:
    """Skip the bytes of an array that joblib stored here, or read the pickle in their place."""
    state = wrapper.state if isinstance(wrapper.state, dict) else {}
    dtype, shape = state.get("dtype"), state.get("shape")
    arguments = dtype.arguments if isinstance(dtype, Call) else None
    code = arguments[0] if isinstance(arguments, tuple) and arguments else None
    plain = DTYPE.fullmatch(code) if isinstance(code, str) else None
    if plain is None or not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise UnreadablePickle("an array is described by something else than a type and a shape")
    if log.declared == "pickle":
        log.add(
            "suspicious", "joblib in a pickle", where, "holds arrays in joblib's layout, which plain pickle reads as "
            "instructions", "declare format joblib, or save the model again",
        )  # fmt: skip
    if plain.group(1) == "O":
        _read(stream, where, log, family=family, nesting=nesting + 1)
        return
    if state.get("numpy_array_alignment_bytes") is not None:
        stream.seek(int.from_bytes(stream.read(1), "little"), 1)
    size = prod(shape) * _size(plain)
    if stream.tell() + size > len(stream.getbuffer()):
        raise UnreadablePickle(f"an array claims {size:,} bytes, more than the file has")
    stream.seek(size, 1)


def _has_objects(described: Any) -> bool:
    """Whether a type as .npy files spell it, plain or with fields, holds Python objects."""
    if isinstance(described, str):
        return described.lstrip("<>=|").startswith("O")
    return isinstance(described, list) and any(_has_objects(field[1]) for field in described if len(field) > 1)


def _size(dtype: re.Match[str]) -> int:
    """Bytes of one element."""
    kind, digits = dtype.groups()
    return int(digits or 1) * UNIT.get(kind, 1)
