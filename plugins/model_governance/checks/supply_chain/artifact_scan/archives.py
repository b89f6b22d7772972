"""Zip archives, read member by member in memory: nothing is ever written to a disk."""

from __future__ import annotations

import json
import posixpath
import re
import stat
import zipfile
import zlib
from collections import Counter
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.calls import REFUSE, REVIEW, judge_name
from model_governance.checks.supply_chain.artifact_scan.ledger import Part
from model_governance.checks.supply_chain.artifact_scan.packed import BOMB, judge_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model_governance.checks.supply_chain.artifact_scan.ledger import Ledger

MOST_MEMBERS = 100_000
ODD = "zip programs of different kinds would unpack different things: ask who made it"
DRIVE = re.compile(r"^[A-Za-z]:")
TORCH_SAFE = frozenset({"aten", "prim", "quantized", "inductor", "prims", "torchvision", "torchaudio", "sparse"})
TORCH_OPERATOR = re.compile(rb"\bops\.(\w+)\.\w+")
TORCH_FILES = re.compile(rb"\b(torch|ops\.aten|ops\.prim)\.(from_file|save|load|_save|unpickle|PythonOp)\b")


def scan_archive(content: bytes, where: str, ledger: Ledger, depth: int, scan: Any) -> None:
    """Every member of an archive, and the archive itself; `scan` looks into the content of each.

    Args:
        content: bytes that are or end with a zip archive.
        where: its name in the report.
        ledger: takes what is found.
        depth: archives around this one.
        scan: called with content, name, ledger and depth of every member.
    """
    ledger.parts.append(Part(where=where, kind="zip", size=len(content)))
    try:
        archive = zipfile.ZipFile(BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        ledger.leave(where, f"a broken zip archive: {error}", "save the model again")
        return
    with archive:
        members = archive.infolist()
        _judge_frame(content, archive, members, where, ledger)
        _judge_layout(archive, members, where, ledger)
        for one in members[:MOST_MEMBERS]:
            inner = f"{where}!{one.filename}"
            _judge_member(one, inner, ledger)
            found = _content(archive, one, inner, ledger)
            if found is not None and not one.is_dir():
                _judge_content(one.filename, found, inner, ledger)
                scan(found, inner, ledger, depth + 1)


def _judge_frame(
    content: bytes, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], where: str, ledger: Ledger
) -> None:
    """What lies before, between and behind the members, and names that occur twice."""
    first = min((one.header_offset for one in members), default=0)
    if first > 0:
        ledger.find(
            "dangerous", "polyglot", where, f"{first:,} bytes lie before the archive: it is two files in one", ODD
        )
    if archive.comment.strip(b"\0"):
        ledger.find("suspicious", "trailing bytes", where, f"a comment of {len(archive.comment):,} bytes", ODD)
    elif (rest := len(content) - content.rfind(b"PK\x05\x06") - 22) > 0:
        ledger.find("suspicious", "trailing bytes", where, f"{rest:,} bytes follow the archive", ODD)
    counts = Counter(one.filename for one in members)
    for name in sorted(one for one, count in counts.items() if count > 1):
        ledger.find("dangerous", "duplicate member", f"{where}!{name}", "occurs twice: loaders may take either", ODD)
    ordered = sorted(members, key=lambda one: one.header_offset)
    for one, after in pairwise(ordered):
        if one.header_offset + 30 + one.compress_size > after.header_offset:
            ledger.find("dangerous", "overlap", f"{where}!{after.filename}", "lies inside another member", BOMB)
            break
    if len(members) > MOST_MEMBERS:
        ledger.find("dangerous", "bomb", where, f"{len(members):,} members", BOMB)


def _judge_member(one: zipfile.ZipInfo, where: str, ledger: Ledger) -> None:
    name = one.orig_filename
    plain = name.replace("\\", "/")
    if plain.startswith("/") or DRIVE.match(name) or ".." in plain.split("/") or "\0" in name:
        ledger.find("dangerous", "path traversal", where, "a name that leaves the folder it is unpacked to", REFUSE)
    elif "\\" in name or posixpath.normpath(plain) != plain.rstrip("/"):
        ledger.find("suspicious", "odd path", where, "a name that programs read differently", ODD)
    if stat.S_ISLNK(one.external_attr >> 16):
        ledger.find("dangerous", "symbolic link", where, "a link to some other place of the machine", REFUSE)


def _content(archive: zipfile.ZipFile, one: zipfile.ZipInfo, where: str, ledger: Ledger) -> bytes | None:
    if one.flag_bits & 0x1:
        ledger.leave(where, "encrypted, so that no scan can look inside", "save the model without a password")
        return None
    if one.file_size > ledger.allowance:
        limit = ledger.params.most_unpacked_bytes
        ledger.find("dangerous", "bomb", where, f"unpacks beyond {limit:,} bytes (most_unpacked_bytes)", BOMB)
        ledger.unscanned.append(where)
        return None
    try:
        with archive.open(one) as stream:
            # One byte more than declared shows a member that unpacks to more than it says.
            found = stream.read(one.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        ledger.leave(where, f"cannot be unpacked: {error}", "save the model again")
        return None
    ledger.take(len(found))
    judge_ratio(one.compress_size, len(found), where, ledger)
    return found


def _judge_layout(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], where: str, ledger: Ledger) -> None:
    """Whether the archive holds what its declared format needs, and code that it should not hold."""
    names = {one.filename for one in members}
    code = [one for one in names if one.endswith(".py")]
    if ledger.declared == "skops" and "!" not in where and "schema.json" not in names:
        ledger.find("suspicious", "other format", where, "declared as skops and holds no schema.json", REVIEW)
    torchscript = any(one.endswith("/constants.pkl") for one in names)
    if ledger.declared == "torchscript" and not torchscript:
        ledger.find("suspicious", "other format", where, "declared as torchscript and holds no constants.pkl", REVIEW)
    if code and not torchscript:
        ledger.find("suspicious", "code inside", where, f"{len(code):,} Python files, which no model needs", REVIEW)
    elif code and ledger.declared not in ("torchscript", ""):
        ledger.find(
            "suspicious", "code inside", where, f"TorchScript code although declared as {ledger.declared}", REVIEW
        )
    if len(archive.namelist()) == 0:
        ledger.find("suspicious", "empty archive", where, "an archive without members", "save the model again")


def _judge_content(name: str, content: bytes, where: str, ledger: Ledger) -> None:
    """Members whose meaning follows from their name."""
    base = posixpath.basename(name)
    if base == "schema.json":
        _judge_tree(content, where, ledger, _skops_name)
    elif base in ("config.json", "model.json") or base == "model_config.json":
        _judge_tree(content, where, ledger, _keras_layer)
    elif name.endswith(".py"):
        for one in sorted({one.group(1).decode() for one in TORCH_OPERATOR.finditer(content)} - TORCH_SAFE):
            ledger.find(
                "suspicious", "custom operator", where, f"calls operators of {one}, native code of others", REVIEW
            )
        for one in sorted({one.group(0).decode() for one in TORCH_FILES.finditer(content)}):
            ledger.find("dangerous", "file access", where, f"calls {one}, which reads or writes files", REFUSE)


def _judge_tree(
    content: bytes, where: str, ledger: Ledger, judge: Callable[[dict[str, Any], str, Ledger], None]
) -> None:
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError) as error:
        ledger.leave(where, f"no readable JSON: {type(error).__name__}", "save the model again")
        return
    for node in _nodes(tree):
        judge(node, where, ledger)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _skops_name(node: dict[str, Any], where: str, ledger: Ledger) -> None:
    """Types and functions that a skops schema names. `partial` stands for what it wraps, which has a node of its own."""
    module, name = node.get("__module__"), node.get("__class__")
    if not isinstance(module, str) or not isinstance(name, str):
        return
    content = node.get("content")
    if node.get("__loader__") == "FunctionNode" and isinstance(content, dict):
        module, name = str(content.get("module_path", module)), str(content.get("function", name))
    # Of the builtins, containers stand for themselves; only what is handed on as a type or function matters.
    handed_on = module != "builtins" or node.get("__loader__") in ("TypeNode", "FunctionNode")
    if handed_on and (module, name) != ("functools", "partial"):
        judge_name(f"{module}.{name}", where, ledger)


def _keras_layer(node: dict[str, Any], where: str, ledger: Ledger) -> None:
    name, module = node.get("class_name"), node.get("module")
    if name in ("Lambda", "TFOpLambda", "__lambda__") or (
        name == "function" and "code" in str(node.get("config", ""))[:200]
    ):
        ledger.find("dangerous", "code inside", where, f"a {name} layer, which carries Python code", REFUSE)
    elif (
        isinstance(name, str)
        and isinstance(module, str)
        and module.split(".")[0] not in ("keras", "builtins", "tensorflow")
    ):
        judge_name(f"{module}.{name}", where, ledger)
