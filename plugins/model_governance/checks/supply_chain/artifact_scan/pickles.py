"""Pickles, joblib files and arrays of objects: every instruction is read, none is followed.

Joblib writes the bytes of an array into the middle of the stream; they are stepped over as joblib would, and a
pickle in their place is read like the rest.
"""

from __future__ import annotations

import ast
import pickletools
from io import BytesIO
from math import prod
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.calls import (
    DTYPE,
    REFUSE,
    REVIEW,
    judge_call,
    judge_items,
    judge_name,
    judge_state,
)
from model_governance.checks.supply_chain.artifact_scan.ledger import Part
from model_governance.checks.supply_chain.artifact_scan.machine import ADDS, CALLS, Called, Machine, Named
from model_governance.checks.supply_chain.artifact_scan.names import modern

if TYPE_CHECKING:
    import re

    from model_governance.checks.supply_chain.artifact_scan.ledger import Ledger

UNIT = {"U": 4, "?": 1}
LAYERS = 16  # pickles inside arrays inside pickles


class Broken(ValueError):
    """A stream that cannot be read to its end."""


def scan_pickle(content: bytes, where: str, ledger: Ledger, *, persistent: bool = False) -> None:
    """All pickles in the bytes, one after another, and what is left over.

    `persistent` allows references to data outside of the stream, as torch writes them.
    """
    stream = BytesIO(content)
    ledger.parts.append(Part(where=where, kind="pickle", size=len(content)))
    try:
        _read(stream, where, ledger, persistent=persistent, layer=0)
        while (start := stream.tell()) < len(content):
            rest = len(content) - start
            ledger.find(
                "suspicious", "trailing bytes", where, f"{rest:,} bytes follow the end of the pickle at byte {start:,}",
                "a loader ignores them, another program may not: save the model again",
            )  # fmt: skip
            if not content[start:].strip(b"\0") or content[start : start + 1] not in b"\x80(c}]l":
                break
            _read(stream, f"{where} at byte {start:,}", ledger, persistent=persistent, layer=0)
    except Broken as error:
        ledger.find(
            "dangerous", "broken pickle", where, f"cannot be read to its end: {error}",
            "instructions before the break have run by the time a loader notices: do not load it",
        )  # fmt: skip


def scan_array_file(content: bytes, where: str, ledger: Ledger) -> None:
    """A .npy file: an array of objects is a pickle."""
    ledger.parts.append(Part(where=where, kind="array", size=len(content)))
    try:
        width = 2 if content[6] == 1 else 4
        length = int.from_bytes(content[8 : 8 + width], "little")
        text = content[8 + width : 8 + width + length]
        if len(text) != length or length > 100_000:
            raise ValueError("its header is cut off or too long")
        header = ast.literal_eval(text.decode("latin1").strip())
        described, shape = header["descr"], tuple(int(one) for one in header["shape"])
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, RecursionError, MemoryError) as error:
        ledger.find("suspicious", "broken array", where, f"no readable array: {error}", "save the model again")
        return
    body = 8 + width + length
    plain = DTYPE.fullmatch(described) if isinstance(described, str) else None
    if _has_objects(described):
        ledger.find(
            "suspicious", "pickle inside", where, "an array of objects, which is a pickle",
            "arrays of numbers need none: save it with a plain type",
        )  # fmt: skip
        scan_pickle(content[body:], f"{where} (objects)", ledger)
    elif plain is not None and body + prod(shape) * _size(plain) != len(content):
        claimed = prod(shape) * _size(plain)
        ledger.find(
            "suspicious", "wrong size", where, f"claims {claimed:,} bytes of numbers and holds {len(content) - body:,}",
            "save the model again; a loader may reserve what the file claims",
        )  # fmt: skip


def _read(stream: BytesIO, where: str, ledger: Ledger, *, persistent: bool, layer: int) -> Any:
    """One pickle, up to its STOP; leaves the stream behind it and returns what would be loaded."""
    if layer > LAYERS:
        raise Broken("pickles inside pickles too deep to follow")
    machine, begun = Machine(), stream.tell()
    try:
        for opcode, argument, place in pickletools.genops(stream):
            ledger.opcodes += 1
            if ledger.opcodes > ledger.params.most_opcodes:
                raise Broken(f"more than {ledger.params.most_opcodes:,} instructions (most_opcodes)")
            if opcode.name == "STOP":
                return machine.stack.pop()
            top = machine.step(opcode, argument)
            _judge(opcode.name, top, f"{where} @{begun if place is None else place}", where, ledger,
                   persistent=persistent)  # fmt: skip
            if opcode.name == "BUILD" and _is_stored_array(top):
                _step_over(top, stream, where, ledger, persistent=persistent, layer=layer)
    except Broken:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError) as error:
        raise Broken(f"{type(error).__name__} near byte {stream.tell():,}") from error
    raise Broken("it has no end")


def _judge(name: str, top: Any, place: str, where: str, ledger: Ledger, *, persistent: bool) -> None:
    """What one instruction says about the file."""
    if name in ("GLOBAL", "STACK_GLOBAL", "INST") and isinstance(one := top.function if name == "INST" else top, Named):
        if (one.module, one.name) != ("functools", "partial"):
            judge_name(modern(one.module, one.name), where, ledger)
    elif name == "STACK_GLOBAL":
        ledger.find("dangerous", "hidden name", place, "names something by what it computes while loading", REFUSE)
    elif name.startswith("EXT"):
        ledger.find("dangerous", "extension", place, "calls a registered extension by number", REFUSE)
    elif name in ("PERSID", "BINPERSID") and not persistent:
        ledger.find(
            "suspicious", "outside reference", place, "refers to data outside of the file", "save the model again"
        )
    if name in ("INST", "OBJ"):
        ledger.find(
            "suspicious", "old instruction", place, f"makes objects by {name}, as nothing has since Python 2", REVIEW
        )
    if name in CALLS and isinstance(top, Called):
        judge_call(top, place, where, ledger)
    elif name == "BUILD":
        judge_state(top, place, ledger)
    elif name in ADDS:
        judge_items(name, top, place, ledger)


def _is_stored_array(top: Any) -> bool:
    if not isinstance(top, Called) or not isinstance(top.function, Named):
        return False
    return (top.function.module, top.function.name) == ("joblib.numpy_pickle", "NumpyArrayWrapper")


def _step_over(wrapper: Called, stream: BytesIO, where: str, ledger: Ledger, *, persistent: bool, layer: int) -> None:
    """Step over the bytes of an array that joblib stored here, or read the pickle that stands for it."""
    state = wrapper.state if isinstance(wrapper.state, dict) else {}
    dtype, shape = state.get("dtype"), state.get("shape")
    arguments = dtype.arguments if isinstance(dtype, Called) else None
    code = arguments[0] if isinstance(arguments, tuple) and arguments else None
    plain = DTYPE.fullmatch(code) if isinstance(code, str) else None
    if plain is None or not isinstance(shape, tuple) or not all(type(one) is int and one >= 0 for one in shape):
        raise Broken("an array is described by something else than a type and a shape")
    if ledger.declared == "pickle":
        ledger.find(
            "suspicious", "joblib in a pickle", where, "holds arrays in joblib's layout, which plain pickle reads as "
            "instructions", "declare format joblib, or save the model again",
        )  # fmt: skip
    if plain.group(1) == "O":
        _read(stream, where, ledger, persistent=persistent, layer=layer + 1)
        return
    if state.get("numpy_array_alignment_bytes") is not None:
        stream.seek(int.from_bytes(stream.read(1), "little"), 1)
    size = prod(shape) * _size(plain)
    if stream.tell() + size > len(stream.getbuffer()):
        raise Broken(f"an array claims {size:,} bytes, more than the file has")
    stream.seek(size, 1)


def _has_objects(described: Any) -> bool:
    """Whether a type as .npy files spell it, plain or with fields, holds Python objects."""
    if isinstance(described, str):
        return described.lstrip("<>=|").startswith("O")
    return isinstance(described, list) and any(_has_objects(one[1]) for one in described if len(one) > 1)


def _size(dtype: re.Match[str]) -> int:
    """Bytes of one element."""
    kind, digits = dtype.groups()
    return int(digits or 1) * UNIT.get(kind, 1)
