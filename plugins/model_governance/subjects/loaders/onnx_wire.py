"""The few facts of an ONNX file that the runtime does not tell, read from its protocol buffer wire format.

Field numbers are those of onnx.proto (ONNX IR version 3 and later); the encoding is described in
the Protocol Buffers documentation, "Encoding".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.formats.protobuf import read_fields, read_number

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            external |= (14, EXTERNAL) in ((number, value) for number, value in read_fields(message) if number == 14)
        elif kind == "attribute":
            strings = _labels(message)
            if strings and strings not in labels:
                labels.append(strings)
    return OnnxFacts(labels=tuple(labels), external=external)


def _labels(attribute: memoryview) -> tuple[int | str, ...]:
    """The class labels in an attribute such as classlabels_int64s; empty for every other attribute."""
    fields = list(read_fields(attribute))
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
                label, position = read_number(value, position)
                numbers.append(_signed(label))
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
                for number, value in read_fields(message)
                if number in INNER[kind] and isinstance(value, memoryview)
            ]
            waiting.extend(reversed(inner))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
