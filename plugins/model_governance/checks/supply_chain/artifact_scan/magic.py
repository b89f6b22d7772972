"""Magic numbers: the kind of some bytes by how they begin; programs and credentials anywhere inside."""

from __future__ import annotations

import re

STARTS = (
    (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"), (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"),
    (b"]\x00\x00", "lzma"), (b"\x04\x22M\x18", "lz4"), (b"\x93NUMPY", "array"), (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"tree\n", "lightgbm"), (b"\x7fELF", "executable"), (b"#!", "script"), (b"%PDF", "pdf"), (b"GGUF", "gguf"),
    (b"\xfe\xed\xfa", "executable"), (b"\xcf\xfa\xed\xfe", "executable"), (b"\xce\xfa\xed\xfe", "executable"),
    (b"<!DOCTYPE", "html"), (b"<html", "html"), (b"version https://git-lfs", "git-lfs pointer"),
)  # fmt: skip
OLD_PICKLE = re.compile(rb"[(}\]lc]")
COMPRESSED = ("gzip", "bzip2", "xz", "lzma", "zlib", "lz4")
# Declared format by what its files start with.
EXPECTED = {
    "skops": ("zip",), "torchscript": ("zip",), "joblib": ("pickle", *COMPRESSED), "pickle": ("pickle", *COMPRESSED),
    "onnx": ("onnx",), "xgboost": ("json", "ubjson"), "lightgbm": ("lightgbm",), "keras": ("zip", "hdf5"),
}  # fmt: skip

# Exact enough that numbers do not look like them by chance.
EXECUTABLES = (
    ("an ELF executable or library", re.compile(rb"\x7fELF[\x01\x02][\x01\x02]\x01[\x00-\x12]\x00{7}")),
    (
        "a Mach-O executable or library",
        re.compile(rb"\xcf\xfa\xed\xfe[\x07\x0c]\x00\x00\x01.{4}[\x01-\x0c]\x00\x00\x00", re.S),
    ),
    ("a shell script", re.compile(rb"#! ?/(usr/)?bin/(env )?\w+")),
)
WINDOWS = re.compile(rb"MZ.{58}(.{4})", re.S)
# What it is, the words that every such secret holds, the most bytes before such a word, and the pattern.
CREDENTIALS = (
    ("an AWS access key", (b"AKIA", b"ASIA"), 0, re.compile(rb"(?<![A-Z0-9])(AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])")),
    ("a private key", (b"-----BEGIN ",), 0, re.compile(rb"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----")),
    ("a GitHub token", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), 0, re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36}\b")),
    ("a Slack token", (b"xox",), 0, re.compile(rb"\bxox[abprs]-[A-Za-z0-9-]{20,}")),
    ("a Google API key", (b"AIza",), 0, re.compile(rb"\bAIza[A-Za-z0-9_-]{35}\b")),
    ("a Hugging Face token", (b"hf_",), 0, re.compile(rb"\bhf_[A-Za-z]{34}\b")),
    ("a web token", (b"eyJ",), 0, re.compile(rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")),
    (
        "a password in an address", (b"://",), 13,
        re.compile(rb"\b[a-z][a-z0-9+]{2,12}://[^\s/:@\x00-\x20]{1,64}:[^\s/@\x00-\x20]{3,64}@[\w.-]+"),
    ),
)  # fmt: skip
LONGEST_SECRET = 4096  # bytes behind its first word


def kind_of(content: bytes) -> str:
    """The kind of some bytes by how they begin; "unknown" where nothing fits."""
    for start, kind in STARTS:
        if content.startswith(start):
            return kind
    if len(content) > 1 and content[0] == 0x80 and content[1] <= 8:
        return "pickle"
    if len(content) > 1 and content[0] == 0x78 and (content[0] * 256 + content[1]) % 31 == 0:
        return "zlib"
    if content[:1] == b"{":
        return "ubjson" if content[1:2] in (b"i", b"U", b"I", b"l", b"L", b"$", b"#") else "json"
    if content[:2] == b"MZ":
        return "executable"
    if _is_onnx(content):
        return "onnx"
    return "pickle" if OLD_PICKLE.match(content) else "unknown"


def _is_onnx(content: bytes) -> bool:
    """A protocol buffer whose first field is a small version number, as `ModelProto` is written."""
    return len(content) > 2 and content[0] == 0x08 and 3 <= content[1] < 64 and content[2] & 7 in (0, 2)


def executables(content: bytes) -> list[tuple[str, int]]:
    """Programs and scripts anywhere inside, with the byte at which each begins."""
    programs = [(what, match.start()) for what, pattern in EXECUTABLES for match in pattern.finditer(content)]
    for match in WINDOWS.finditer(content):
        header = match.start() + int.from_bytes(match.group(1), "little")
        if content[header : header + 4] == b"PE\0\0":
            programs.append(("a Windows executable or library", match.start()))
    return programs


def credentials(content: bytes) -> list[tuple[str, int]]:
    """What looks like a secret, with the byte at which it begins; never the secret itself."""
    found: dict[tuple[str, int], None] = {}
    for what, words, before, pattern in CREDENTIALS:
        for word in words:
            # Looking for a word is a hundred times faster than trying a pattern at every byte of the weights.
            place = content.find(word)
            while place >= 0:
                match = pattern.search(content, max(place - before, 0), place + LONGEST_SECRET)
                if match and match.start() <= place:
                    found[what, match.start()] = None
                place = content.find(word, place + len(word))
    return sorted(found, key=lambda item: item[1])
