"""The few facts of an ONNX file that the runtime does not tell, read from its protocol buffer wire format.

Field numbers are those of onnx.proto (ONNX IR version 3 and later); the encoding is described in
the Protocol Buffers documentation, "Encoding".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
EXTERNAL = 1  # TensorProto.DataLocation
# Where a message of one kind holds further messages, by field number.
INNER = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}


@dataclass(frozen=True, slots=True)
class OnnxFacts:
    """`labels`: the class labels of each classifying node, in order; `external`: whether tensors lie in other files."""

    labels: tuple[tuple[int | str, ...], ...]
    external: bool


def read_facts(content: bytes) -> OnnxFacts:
    """The facts of a model.

    Raises:
        ValueError: the bytes are no protocol buffer.
    """
    labels: list[tuple[int | str, ...]] = []
    external = False
    for kind, message in _messages("model", memoryview(content)):
        if kind == "tensor":
            external |= (14, EXTERNAL) in ((number, value) for number, value in _fields(message) if number == 14)
        elif kind == "attribute":
            found = _labels(message)
            if found and found not in labels:
                labels.append(found)
    return OnnxFacts(labels=tuple(labels), external=external)


def _labels(attribute: memoryview) -> tuple[int | str, ...]:
    """The class labels in an attribute such as classlabels_int64s; empty for every other attribute."""
    fields = list(_fields(attribute))
    name = b"".join(bytes(value) for number, value in fields if number == 1 and isinstance(value, memoryview))
    if not name.startswith(b"classlabels_"):
        return ()
    numbers: list[int | str] = []
    for number, value in fields:
        if number == 8 and isinstance(value, int):
            numbers.append(_signed(value))
        elif number == 8 and isinstance(value, memoryview):
            position = 0
            while position < len(value):
                one, position = _varint(value, position)
                numbers.append(_signed(one))
        elif number == 9 and isinstance(value, memoryview):
            numbers.append(bytes(value).decode())
    return tuple(numbers)


def _messages(kind: str, message: memoryview) -> Iterator[tuple[str, memoryview]]:
    waiting = [(kind, message)]
    while waiting:
        kind, message = waiting.pop()
        yield kind, message
        if INNER[kind]:
            inner = [
                (INNER[kind][number], value)
                for number, value in _fields(message)
                if number in INNER[kind] and isinstance(value, memoryview)
            ]
            waiting.extend(reversed(inner))


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        wire = key & 7
        if wire == VARINT:
            value, position = _varint(message, position)
            yield key >> 3, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(wire)
        if wire == BYTES:
            size, position = _varint(message, position)
        if size is None or position + size > len(message):
            raise ValueError(f"no ONNX file: wire type {wire} at byte {position}")
        yield key >> 3, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70 and position < len(message):
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError(f"no ONNX file: broken number at byte {position}")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
