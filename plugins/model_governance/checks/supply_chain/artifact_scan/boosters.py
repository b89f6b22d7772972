"""XGBoost and LightGBM in their own formats: data only, but their C++ readers trust sizes and indices in the file."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.findings import Part
from model_governance.checks.supply_chain.artifact_scan.pickle_calls import REVIEW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog

SAVE_AGAIN = "save the model again; its reader may crash or read foreign memory"
NUMBERS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d", "C": ">c"}
MAX_DEPTH = 200


class Inconsistent(ValueError):
    """A native model file that contradicts itself."""


def scan_json(content: bytes, where: str, log: ScanLog) -> None:
    """A model in JSON: XGBoost's own, or some other text."""
    log.parts.append(Part(where=where, kind="json", size=len(content)))
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError) as error:
        log.skip(where, f"no readable JSON: {type(error).__name__}", "save the model again")
        return
    _judge_booster(tree, where, log)


def scan_ubjson(content: bytes, where: str, log: ScanLog) -> None:
    """A model in Universal Binary JSON, as XGBoost writes it."""
    log.parts.append(Part(where=where, kind="ubjson", size=len(content)))
    try:
        tree, end = _value(content, 0, 0)
    except (Inconsistent, struct.error, IndexError) as error:
        log.skip(where, f"no readable UBJSON: {error}", SAVE_AGAIN)
        return
    if content[end:].strip(b"\0"):
        rest = len(content) - end
        log.add("suspicious", "trailing bytes", where, f"{rest:,} bytes follow the model", "save the model again")
    _judge_booster(tree, where, log)


def scan_lightgbm(content: bytes, where: str, log: ScanLog) -> None:
    """LightGBM's text: every tree has as many nodes as it says, and no child lies outside of it."""
    log.parts.append(Part(where=where, kind="lightgbm", size=len(content)))
    if b"\0" in content:
        log.add("suspicious", "zero bytes", where, "a text with zero bytes in it", SAVE_AGAIN)
    if b"\nend of trees" not in content:
        log.add("suspicious", "cut off", where, "the text ends before its last tree", "save the model again")
    for number, block in enumerate(content.split(b"\nTree=")[1:]):
        fields = dict(line.split(b"=", 1) for line in block.split(b"\n\n")[0].splitlines()[1:] if b"=" in line)
        try:
            problem = _inconsistency(fields)
        except ValueError as error:
            problem = f"numbers that are none ({type(error).__name__})"
        if problem:
            log.add("dangerous", "inconsistent tree", f"{where} tree {number}", problem, SAVE_AGAIN)


def _inconsistency(fields: dict[bytes, bytes]) -> str:
    leaves = int(fields.get(b"num_leaves", b"0"))
    if not 0 < leaves < 1 << 24:
        return f"claims {leaves:,} leaves"
    for name, count in ((b"left_child", leaves - 1), (b"right_child", leaves - 1), (b"split_feature", leaves - 1),
                        (b"threshold", leaves - 1), (b"leaf_value", leaves)):  # fmt: skip
        held = len(fields.get(name, b"").split())
        if held != count and not (leaves == 1 and held <= 1):
            return f"{name.decode()} has {held:,} entries where {count:,} belong"
    for name in (b"left_child", b"right_child") if leaves > 1 else ():
        children = [int(child) for child in fields[name].split()]
        if any(not -leaves <= child < leaves - 1 for child in children):
            return f"{name.decode()} points outside of the tree"
    return ""


def _judge_booster(tree: Any, where: str, log: ScanLog) -> None:
    """XGBoost's trees: children inside the tree, sizes that agree."""
    if not isinstance(tree, dict) or not isinstance(tree.get("learner"), dict):
        if log.declared == "xgboost":
            log.add("suspicious", "other format", where, "holds no learner, so it is no XGBoost model", REVIEW)
        return
    for number, fields in enumerate(_trees(tree["learner"])):
        left, right = (fields.get(name) for name in ("left_children", "right_children"))
        if not isinstance(left, list) or not isinstance(right, list):
            continue
        sizes = {len(fields[name]) for name in fields if name in SIZED and isinstance(fields[name], list)}
        if len(sizes) > 1:
            log.add(
                "dangerous", "inconsistent tree", f"{where} tree {number}", "lists of different lengths", SAVE_AGAIN
            )
        elif any(not -1 <= child < len(left) for child in (*left, *right) if isinstance(child, int)):
            log.add(
                "dangerous", "inconsistent tree", f"{where} tree {number}", "a child outside of the tree", SAVE_AGAIN
            )


SIZED = ("left_children", "right_children", "parents", "split_indices", "split_conditions", "default_left")


def _trees(learner: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting: list[Any] = [learner.get("gradient_booster")]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "left_children" in node:
                yield node
            else:
                waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(item for item in node if isinstance(item, dict))


def _value(content: bytes, place: int, depth: int) -> tuple[Any, int]:
    """The value at a byte and the byte behind it; numbers in typed lists are read at once."""
    if depth > MAX_DEPTH:
        raise Inconsistent("too deep")
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
        raise Inconsistent(f"unknown marker at byte {place - 1:,}")
    return struct.unpack_from(NUMBERS[marker], content, place)[0], place + struct.calcsize(NUMBERS[marker])


def _length(content: bytes, place: int) -> tuple[int, int]:
    size, place = _value(content, place, 0)
    if type(size) is not int or not 0 <= size <= len(content):
        raise Inconsistent(f"claims {size} items at byte {place:,}, more than the file has")
    return size, place


def _slice(content: bytes, place: int, size: int) -> bytes:
    if place + size > len(content):
        raise Inconsistent("ends too early")
    return content[place : place + size]


def _list(content: bytes, place: int, depth: int) -> tuple[Any, int]:
    if content[place : place + 1] == b"$":
        kind = chr(content[place + 1])
        if content[place + 2 : place + 3] != b"#" or kind not in NUMBERS:
            raise Inconsistent(f"a typed list of no numbers at byte {place:,}")
        count, place = _length(content, place + 3)
        size = struct.calcsize(NUMBERS[kind])
        packed = _slice(content, place, count * size)
        return list(struct.unpack(f">{count}{NUMBERS[kind][1]}", packed)), place + count * size
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
    count = -1
    if content[place : place + 1] == b"#":
        count, place = _length(content, place + 1)
    fields: dict[str, Any] = {}
    read = 0
    while read != count:
        if count < 0 and content[place : place + 1] == b"}":
            return fields, place + 1
        size, place = _length(content, place)
        name = _slice(content, place, size).decode("utf-8", "replace")
        fields[name], place = _value(content, place + size, depth + 1)
        read += 1
    return fields, place
