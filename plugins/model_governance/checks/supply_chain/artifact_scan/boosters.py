"""XGBoost and LightGBM in their own formats: data only, but their readers trust sizes and places that a file states."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.calls import REVIEW
from model_governance.checks.supply_chain.artifact_scan.ledger import Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.checks.supply_chain.artifact_scan.ledger import Ledger

AGAIN = "save the model again; its reader may crash or read foreign memory"
NUMBERS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d", "C": ">c"}
DEEPEST = 200


class Crooked(ValueError):
    """Native bytes that contradict themselves."""


def scan_json(content: bytes, where: str, ledger: Ledger) -> None:
    """A model in JSON: XGBoost's own, or some other text."""
    ledger.parts.append(Part(where=where, kind="json", size=len(content)))
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError) as error:
        ledger.leave(where, f"no readable JSON: {type(error).__name__}", "save the model again")
        return
    _judge_booster(tree, where, ledger)


def scan_ubjson(content: bytes, where: str, ledger: Ledger) -> None:
    """A model in Universal Binary JSON, as XGBoost writes it."""
    ledger.parts.append(Part(where=where, kind="ubjson", size=len(content)))
    try:
        tree, end = _value(content, 0, 0)
    except (Crooked, struct.error, IndexError) as error:
        ledger.find("suspicious", "broken model", where, f"no readable UBJSON: {error}", AGAIN)
        return
    if content[end:].strip(b"\0"):
        rest = len(content) - end
        ledger.find("suspicious", "trailing bytes", where, f"{rest:,} bytes follow the model", "save the model again")
    _judge_booster(tree, where, ledger)


def scan_lightgbm(content: bytes, where: str, ledger: Ledger) -> None:
    """LightGBM's text: every tree has as many nodes as it says, and no child lies outside of it."""
    ledger.parts.append(Part(where=where, kind="lightgbm", size=len(content)))
    if b"\0" in content:
        ledger.find("suspicious", "odd bytes", where, "a text with zero bytes in it", AGAIN)
    if b"\nend of trees" not in content:
        ledger.find("suspicious", "cut off", where, "the text ends before its last tree", "save the model again")
    for number, block in enumerate(content.split(b"\nTree=")[1:]):
        fields = dict(line.split(b"=", 1) for line in block.split(b"\n\n")[0].splitlines()[1:] if b"=" in line)
        try:
            problem = _crooked(fields)
        except ValueError as error:
            problem = f"numbers that are none ({type(error).__name__})"
        if problem:
            ledger.find("dangerous", "crooked tree", f"{where} tree {number}", problem, AGAIN)


def _crooked(fields: dict[bytes, bytes]) -> str:
    leaves = int(fields.get(b"num_leaves", b"0"))
    if not 0 < leaves < 1 << 24:
        return f"claims {leaves:,} leaves"
    for name, count in ((b"left_child", leaves - 1), (b"right_child", leaves - 1), (b"split_feature", leaves - 1),
                        (b"threshold", leaves - 1), (b"leaf_value", leaves)):  # fmt: skip
        held = len(fields.get(name, b"").split())
        if held != count and not (leaves == 1 and held <= 1):
            return f"{name.decode()} has {held:,} entries where {count:,} belong"
    for name in (b"left_child", b"right_child") if leaves > 1 else ():
        places = [int(one) for one in fields[name].split()]
        if any(not -leaves <= one < leaves - 1 for one in places):
            return f"{name.decode()} points outside of the tree"
    return ""


def _judge_booster(tree: Any, where: str, ledger: Ledger) -> None:
    """XGBoost's trees: children inside the tree, sizes that agree."""
    if not isinstance(tree, dict) or not isinstance(tree.get("learner"), dict):
        if ledger.declared == "xgboost":
            ledger.find("suspicious", "other format", where, "holds no learner, so it is no XGBoost model", REVIEW)
        return
    for number, one in enumerate(_trees(tree["learner"])):
        left, right = (one.get(name) for name in ("left_children", "right_children"))
        if not isinstance(left, list) or not isinstance(right, list):
            continue
        sizes = {len(one[name]) for name in one if name in SIZED and isinstance(one[name], list)}
        if len(sizes) > 1:
            ledger.find("dangerous", "crooked tree", f"{where} tree {number}", "lists of different lengths", AGAIN)
        elif any(not -1 <= place < len(left) for place in (*left, *right) if isinstance(place, int)):
            ledger.find("dangerous", "crooked tree", f"{where} tree {number}", "a child outside of the tree", AGAIN)


SIZED = ("left_children", "right_children", "parents", "split_indices", "split_conditions", "default_left")


def _trees(learner: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting: list[Any] = [learner.get("gradient_booster")]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "left_children" in one:
                yield one
            else:
                waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(each for each in one if isinstance(each, dict))


def _value(content: bytes, place: int, depth: int) -> tuple[Any, int]:
    """The value at a place and the place behind it; numbers in typed lists are read at once."""
    if depth > DEEPEST:
        raise Crooked("too deep")
    marker = chr(content[place])
    place += 1
    if marker in "ZTFN":
        return {"Z": None, "T": True, "F": False, "N": None}[marker], place
    if marker in "SH":
        size, place = _length(content, place)
        return _slice(content, place, size).decode("utf-8", "replace"), place + size
    if marker == "[":
        return _list(content, place, depth)
    if marker == "{":
        return _object(content, place, depth)
    if marker not in NUMBERS:
        raise Crooked(f"unknown marker at byte {place - 1:,}")
    return struct.unpack_from(NUMBERS[marker], content, place)[0], place + struct.calcsize(NUMBERS[marker])


def _length(content: bytes, place: int) -> tuple[int, int]:
    size, place = _value(content, place, 0)
    if type(size) is not int or not 0 <= size <= len(content):
        raise Crooked(f"claims {size} items at byte {place:,}, more than the file has")
    return size, place


def _slice(content: bytes, place: int, size: int) -> bytes:
    if place + size > len(content):
        raise Crooked("ends too early")
    return content[place : place + size]


def _list(content: bytes, place: int, depth: int) -> tuple[Any, int]:
    if content[place : place + 1] == b"$":
        kind = chr(content[place + 1])
        if content[place + 2 : place + 3] != b"#" or kind not in NUMBERS:
            raise Crooked(f"a typed list of no numbers at byte {place:,}")
        count, place = _length(content, place + 3)
        size = struct.calcsize(NUMBERS[kind])
        packed = _slice(content, place, count * size)
        return list(struct.unpack(f">{count}{NUMBERS[kind][1]}", packed)), place + count * size
    count = -1
    if content[place : place + 1] == b"#":
        count, place = _length(content, place + 1)
    found: list[Any] = []
    while len(found) != count:
        if count < 0 and content[place : place + 1] == b"]":
            return found, place + 1
        one, place = _value(content, place, depth + 1)
        found.append(one)
    return found, place


def _object(content: bytes, place: int, depth: int) -> tuple[Any, int]:
    count = -1
    if content[place : place + 1] == b"#":
        count, place = _length(content, place + 1)
    found: dict[str, Any] = {}
    read = 0
    while read != count:
        if count < 0 and content[place : place + 1] == b"}":
            return found, place + 1
        size, place = _length(content, place)
        name = _slice(content, place, size).decode("utf-8", "replace")
        found[name], place = _value(content, place + size, depth + 1)
        read += 1
    return found, place
