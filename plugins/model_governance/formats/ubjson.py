"""Universal Binary JSON as XGBoost writes it (ubjson.org, draft 12): read strictly, numbers in typed lists at once."""

from __future__ import annotations

import struct
from typing import Any

NUMBERS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d", "C": ">c"}
ARRAYS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
MAX_DEPTH = 200


class UnreadableUbjson(ValueError):
    """Bytes that are no UBJSON, or of a kind that XGBoost does not write."""


def read_ubjson(content: bytes) -> tuple[Any, int]:
    """The value in the bytes and the place behind it; typed lists are arrays.

    Raises:
        UnreadableUbjson: they are none; a name that occurs twice counts as none, because readers take either.
    """
    try:
        return _value(content, 0, 0)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise UnreadableUbjson(f"{type(error).__name__}: it ends too early or holds no text") from error


def _value(content: bytes, place: int, depth: int) -> tuple[Any, int]:
    if depth > MAX_DEPTH:
        raise UnreadableUbjson("too deep")
    marker = chr(content[place])
    place += 1
    if marker in "ZTF":
        return {"Z": None, "T": True, "F": False}[marker], place
    if marker == "S":
        size, place = _length(content, place)
        return _slice(content, place, size).decode(), place + size
    if marker == "[":
        return _list(content, place, depth)
    if marker == "{":
        return _object(content, place, depth)
    if marker not in NUMBERS:
        raise UnreadableUbjson(f"unknown marker at byte {place - 1:,}")
    return struct.unpack_from(NUMBERS[marker], content, place)[0], place + struct.calcsize(NUMBERS[marker])


def _length(content: bytes, place: int) -> tuple[int, int]:
    if chr(content[place]) not in "iUIlL":
        raise UnreadableUbjson(f"a length that is no whole number at byte {place:,}")
    size, place = _value(content, place, 0)
    if not 0 <= size <= len(content):
        raise UnreadableUbjson(f"claims {size} items at byte {place:,}, more than the file has")
    return size, place


def _slice(content: bytes, place: int, size: int) -> bytes:
    if place + size > len(content):
        raise UnreadableUbjson("ends too early")
    return content[place : place + size]


def _list(content: bytes, place: int, depth: int) -> tuple[Any, int]:
    import numpy as np

    if content[place : place + 1] == b"$":
        kind = chr(content[place + 1])
        if content[place + 2 : place + 3] != b"#" or kind not in ARRAYS:
            raise UnreadableUbjson(f"a typed list of no numbers at byte {place:,}")
        count, place = _length(content, place + 3)
        dtype = np.dtype(ARRAYS[kind])
        packed = _slice(content, place, count * dtype.itemsize)
        return np.frombuffer(packed, dtype=dtype), place + len(packed)
    count = -1
    if content[place : place + 1] == b"#":
        count, place = _length(content, place + 1)
    items: list[Any] = []
    while len(items) != count:
        if count < 0 and content[place : place + 1] == b"]":
            return items, place + 1
        item, place = _value(content, place, depth + 1)
        items.append(item)
    return items, place


def _object(content: bytes, place: int, depth: int) -> tuple[Any, int]:
    if content[place : place + 1] in (b"#", b"$"):
        raise UnreadableUbjson(f"an object with a size, as XGBoost writes none, at byte {place:,}")
    fields: dict[str, Any] = {}
    while content[place : place + 1] != b"}":
        size, place = _length(content, place)
        name = _slice(content, place, size).decode()
        if name in fields:
            raise UnreadableUbjson(f"the name {name!r} occurs twice")
        fields[name], place = _value(content, place + size, depth + 1)
    return fields, place + 1
