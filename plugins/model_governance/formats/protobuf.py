"""The wire format of protocol buffers, read without a schema (Protocol Buffers documentation, "Encoding")."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def read_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers and values of a message, in order: numbers as they are, everything else as bytes.

    Raises:
        ValueError: it is no message.
    """
    position = 0
    while position < len(message):
        key, position = read_number(message, position)
        wire = key & 7
        if wire == VARINT:
            value, position = read_number(message, position)
            yield key >> 3, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(wire)
        if wire == BYTES:
            size, position = read_number(message, position)
        if size is None or position + size > len(message):
            raise ValueError(f"no protocol buffer: wire type {wire} at byte {position:,}")
        yield key >> 3, message[position : position + size]
        position += size


def read_number(message: memoryview, position: int) -> tuple[int, int]:
    """The number that starts at a byte, and the byte behind it.

    Raises:
        ValueError: no number ends within ten bytes.
    """
    value = shift = 0
    while shift < 70 and position < len(message):
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError(f"no protocol buffer: broken number at byte {position:,}")
