"""What a TorchScript archive holds, read before torch sees a byte of it.

Its objects name no Python, but its code runs inside torch, some of it while loading (`__setstate__`),
and torch has operators that read and write files or ask other machines. A plain checkpoint is another
thing: a pickle of Python objects.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from io import BytesIO

from model_governance.contract.text import library_words
from model_governance.errors import SubjectError, UntrustedModel
from model_governance.formats.pickle_names import allowed_in_torchscript
from model_governance.formats.zip_members import START_OF_MEMBER, bytes_after, leaves_folder, repeated_names

# Code is compressed some three times; weights are stored as they are.
LARGEST_GROWTH, ALWAYS_ALLOWED = 50, 16 << 20
PLAIN_OPCODES = frozenset(
    """PROTO STOP MARK GLOBAL NEWOBJ REDUCE BUILD BINPERSID BINPUT LONG_BINPUT BINGET LONG_BINGET MEMOIZE FRAME
    NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG LONG1 LONG4 BINFLOAT BINUNICODE SHORT_BINUNICODE BINUNICODE8
    BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES EMPTY_LIST EMPTY_DICT EMPTY_TUPLE EMPTY_SET APPEND APPENDS
    SETITEM SETITEMS TUPLE TUPLE1 TUPLE2 TUPLE3 LIST DICT POP DUP""".split()  # noqa: SIM905 - names of a standard
)
# Operators that reach files, other machines or the log. As bare words: no model of numbers says them.
REACHING = re.compile(r"\b(from_file|save|load_tensor|rpc_async|rpc_sync|rpc_remote|print)\b")
FOREIGN_OPERATORS = re.compile(r"\bops\b(?!\s*\.\s*(?:prim|aten|quantized)\b)")


def check_archive(content: bytes, *, uri: str) -> None:
    """Nothing, when the bytes are one sound TorchScript archive whose code stays inside torch.

    Raises:
        SubjectError: they are something else, a checkpoint for example, or damaged.
        UntrustedModel: the archive is crafted, or its code reaches files, other machines or the log.
    """
    if not content.startswith(START_OF_MEMBER):
        raise SubjectError(f"{uri}: is no TorchScript archive{_what_instead(content)}")
    if bytes_after(content) != 0:
        raise SubjectError(f"{uri}: is damaged: the archive has no end, or something after it; save the model again")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            _check_members(archive.infolist(), size=len(content), uri=uri)
            for member in archive.infolist():
                if member.filename.endswith((".pkl", "_pkl")):
                    _check_pickle(archive.read(member), member.filename, uri=uri)
                elif member.filename.endswith(".py"):
                    _check_code(archive.read(member), member.filename, uri=uri)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise SubjectError(f"{uri}: is damaged: {library_words(error)}; save the model again") from error


def _what_instead(content: bytes) -> str:
    if content.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return (
            ", it is a pickle, perhaps a checkpoint of an old torch; in the training code: "
            "torch.jit.script(model).save(path)"
        )
    return "; save it with torch.jit.script(model).save(path), or correct `model.format`"


def _check_members(members: list[zipfile.ZipInfo], *, size: int, uri: str) -> None:
    names = [member.filename for member in members]
    tops = {name.partition("/")[0] for name in names}
    if repeated_names(members) or any(leaves_folder(member.orig_filename) for member in members):
        raise UntrustedModel(f"{uri}: is crafted: members of the archive repeat or leave it. Nothing was loaded")
    if sum(member.file_size for member in members) > LARGEST_GROWTH * size + ALWAYS_ALLOWED:
        raise UntrustedModel(f"{uri}: is crafted: it unpacks to more than {LARGEST_GROWTH} times its size")
    top = next(iter(tops), "")
    if len(tops) != 1 or f"{top}/constants.pkl" not in names or f"{top}/data.pkl" not in names:
        raise SubjectError(
            f"{uri}: holds no TorchScript program. A checkpoint (torch.save) has weights and no model; in the "
            "training code, load it into the model and write torch.jit.script(model).save(path)"
        )


def _check_pickle(content: bytes, name: str, *, uri: str) -> None:
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name not in PLAIN_OPCODES:
                raise UntrustedModel(f"{uri}: {name} uses the opcode {opcode.name}, which TorchScript never writes")
            if opcode.name == "GLOBAL" and not allowed_in_torchscript(*str(argument).split(" ", 1)):
                raise UntrustedModel(f"{uri}: {name} names {argument}, which is no part of TorchScript")
    except ValueError as error:
        raise SubjectError(f"{uri}: is damaged: {name}: {library_words(error)}; save the model again") from error


def _check_code(content: bytes, name: str, *, uri: str) -> None:
    text = content.decode(errors="replace")
    match = REACHING.search(text) or FOREIGN_OPERATORS.search(text)
    if match:
        raise UntrustedModel(
            f"{uri}: {name} uses {match.group()!r}: operators that reach files, other machines or the log are refused. "
            "Nothing was loaded; script the model without it"
        )
