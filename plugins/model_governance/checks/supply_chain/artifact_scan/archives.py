"""Zip archives: every member is read in memory, and nothing is written to a disk."""

from __future__ import annotations

import json
import posixpath
import re
import zipfile
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from model_governance.checks.supply_chain.artifact_scan.compression import BOMB, judge_ratio
from model_governance.checks.supply_chain.artifact_scan.findings import Part
from model_governance.checks.supply_chain.artifact_scan.pickle_calls import REFUSE, REVIEW, judge_name
from model_governance.contract.text import library_words
from model_governance.formats.json_objects import objects_of
from model_governance.formats.zip_members import (
    LENGTH_OF_HEADER,
    bytes_after,
    bytes_before,
    is_ambiguous,
    is_link,
    leaves_folder,
    overlapping,
    repeated_names,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog

MAX_MEMBERS = 100_000
AMBIGUOUS = "zip programs of different kinds would unpack different things: ask who made it"
TORCH_SAFE = frozenset({"aten", "prim", "quantized", "inductor", "prims", "torchvision", "torchaudio", "sparse"})
TORCH_OPERATOR = re.compile(rb"\bops\.(\w+)\.\w+")
TORCH_FILES = re.compile(rb"\b(torch|ops\.aten|ops\.prim)\.(from_file|save|load|_save|unpickle|PythonOp)\b")
KERAS_CONFIGS = ("config.json", "model.json", "model_config.json")


def scan_archive(content: bytes, where: str, log: ScanLog, depth: int, scan: Any) -> None:
    """Scan an archive and every member of it.

    Args:
        content: bytes that are or end with a zip archive.
        where: its name in the report.
        log: takes the findings.
        depth: number of archives around this one.
        scan: called with content, name, log and depth of every member.
    """
    log.parts.append(Part(where=where, kind="zip", size=len(content)))
    try:
        archive = zipfile.ZipFile(BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        log.skip(where, f"a broken zip archive: {library_words(error)}", "save the model again")
        return
    with archive:
        members = archive.infolist()
        _judge_frame(content, archive, where, log)
        _judge_layout({member.filename for member in members}, where, log)
        for member in members[:MAX_MEMBERS]:
            inner = f"{where}!{member.filename}"
            _judge_member(member, inner, log)
            unpacked = _unpack(content, archive, member, inner, log)
            if unpacked is not None and not member.is_dir():
                _judge_content(member.filename, unpacked, inner, log)
                scan(unpacked, inner, log, depth + 1)


def _judge_frame(content: bytes, archive: zipfile.ZipFile, where: str, log: ScanLog) -> None:
    """Bytes before and behind the members, members that overlap, and names that occur twice."""
    members = archive.infolist()
    before = bytes_before(members)
    if before > 0:
        log.add(
            "dangerous",
            "polyglot",
            where,
            f"{before:,} bytes lie before the archive: it is two files in one",
            AMBIGUOUS,
        )
    if archive.comment.strip(b"\0"):
        log.add("suspicious", "trailing bytes", where, f"a comment of {len(archive.comment):,} bytes", AMBIGUOUS)
    elif (after := bytes_after(content)) > 0:
        log.add("suspicious", "trailing bytes", where, f"{after:,} bytes follow the archive", AMBIGUOUS)
    for name in repeated_names(members):
        log.add("dangerous", "duplicate member", f"{where}!{name}", "occurs twice: loaders may take either", AMBIGUOUS)
    inside = overlapping(members)
    if inside is not None:
        log.add("dangerous", "overlap", f"{where}!{inside.filename}", "lies inside another member", BOMB)
    if len(members) > MAX_MEMBERS:
        log.add("dangerous", "bomb", where, f"{len(members):,} members", BOMB)


def _judge_member(member: zipfile.ZipInfo, where: str, log: ScanLog) -> None:
    if leaves_folder(member.orig_filename):
        log.add("dangerous", "path traversal", where, "a name that leaves the folder it is unpacked to", REFUSE)
    elif is_ambiguous(member.orig_filename):
        log.add("suspicious", "ambiguous path", where, "a name that programs read differently", AMBIGUOUS)
    if is_link(member):
        log.add("dangerous", "symbolic link", where, "a link to some other place of the machine", REFUSE)


def _unchecked(content: bytes, member: zipfile.ZipInfo, *, limit: int) -> bytes | None:
    """What a program finds in a member that asks for no checksum and no flag; None where it finds nothing."""
    head = content[member.header_offset : member.header_offset + LENGTH_OF_HEADER]
    start = (
        member.header_offset + LENGTH_OF_HEADER + sum(int.from_bytes(head[at : at + 2], "little") for at in (26, 28))
    )
    packed = content[start : start + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        return packed[:limit] or None
    try:
        return zlib.decompressobj(-15).decompress(packed, limit) or None
    except zlib.error:
        return None


def _unpack(
    content: bytes, archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str, log: ScanLog
) -> bytes | None:
    if member.file_size > log.remaining_bytes:
        limit = log.params.max_unpacked_bytes
        log.add("dangerous", "bomb", where, f"unpacks beyond {limit:,} bytes (max_unpacked_bytes)", BOMB)
        log.unscanned.append(where)
        return None
    encrypted = bool(member.flag_bits & 0x1)
    if encrypted:
        log.skip(where, "encrypted, so that no scan can look inside", "save the model without a password")
    try:
        with archive.open(member) as stream:
            # One byte more than declared shows a member that unpacks to more than it says.
            unpacked = stream.read(member.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        if not encrypted:
            log.skip(where, f"cannot be unpacked: {library_words(error)}", "save the model again")
        return _unchecked(content, member, limit=member.file_size)
    log.count_unpacked(len(unpacked))
    judge_ratio(member.compress_size, len(unpacked), where, log)
    return unpacked


def _judge_layout(names: set[str], where: str, log: ScanLog) -> None:
    """Whether the archive holds what its declared format needs, and code that it should not hold."""
    code = [name for name in names if name.endswith(".py")]
    if log.declared == "skops" and "!" not in where and "schema.json" not in names:
        log.add("suspicious", "other format", where, "declared as skops and holds no schema.json", REVIEW)
    torchscript = any(name.endswith("/constants.pkl") for name in names)
    if log.declared == "torchscript" and not torchscript:
        log.add("suspicious", "other format", where, "declared as torchscript and holds no constants.pkl", REVIEW)
    if code and not torchscript:
        log.add("suspicious", "code inside", where, f"{len(code):,} Python files, which no model needs", REVIEW)
    elif code and log.declared not in ("torchscript", ""):
        log.add("suspicious", "code inside", where, f"TorchScript code although declared as {log.declared}", REVIEW)
    if not names:
        log.add("suspicious", "empty archive", where, "an archive without members", "save the model again")


def _judge_content(name: str, content: bytes, where: str, log: ScanLog) -> None:
    """Members whose meaning follows from their name."""
    base = posixpath.basename(name)
    if base == "schema.json":
        _judge_tree(content, where, log, _judge_skops_node)
    elif base in KERAS_CONFIGS:
        _judge_tree(content, where, log, _judge_keras_layer)
    elif name.endswith(".py"):
        _judge_torch_code(content, where, log)


def _judge_torch_code(content: bytes, where: str, log: ScanLog) -> None:
    for domain in sorted({match.group(1).decode() for match in TORCH_OPERATOR.finditer(content)} - TORCH_SAFE):
        log.add("suspicious", "custom operator", where, f"calls operators of {domain}, native code of others", REVIEW)
    for call in sorted({match.group(0).decode() for match in TORCH_FILES.finditer(content)}):
        log.add("dangerous", "file access", where, f"calls {call}, which reads or writes files", REFUSE)


def _judge_tree(
    content: bytes, where: str, log: ScanLog, judge: Callable[[dict[str, Any], str, ScanLog], None]
) -> None:
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError) as error:
        log.skip(where, f"no readable JSON: {type(error).__name__}", "save the model again")
        return
    for node in objects_of(tree):
        judge(node, where, log)


def _judge_skops_node(node: dict[str, Any], where: str, log: ScanLog) -> None:
    """Types and functions that a skops schema names. `partial` has a node of its own for what it wraps."""
    module, name = node.get("__module__"), node.get("__class__")
    if not isinstance(module, str) or not isinstance(name, str):
        return
    content = node.get("content")
    if node.get("__loader__") == "FunctionNode" and isinstance(content, dict):
        module, name = str(content.get("module_path", module)), str(content.get("function", name))
    # Of the builtins, containers stand for themselves; only what is handed on as a type or function matters.
    handed_on = module != "builtins" or node.get("__loader__") in ("TypeNode", "FunctionNode")
    if handed_on and (module, name) != ("functools", "partial"):
        judge_name(module, name, where, log, family="skops")


def _judge_keras_layer(node: dict[str, Any], where: str, log: ScanLog) -> None:
    name, module = node.get("class_name"), node.get("module")
    if name in ("Lambda", "TFOpLambda", "__lambda__") or (
        name == "function" and "code" in str(node.get("config", ""))[:200]
    ):
        log.add("dangerous", "code inside", where, f"a {name} layer, which carries Python code", REFUSE)
    elif not isinstance(name, str) or not isinstance(module, str):
        return
    elif module.split(".")[0] not in ("keras", "builtins", "tensorflow"):
        judge_name(module, name, where, log, family="skops")
