"""The rules that every store keeps: which keys exist, and that a key keeps its first bytes."""

from __future__ import annotations

import hashlib
import re

from model_governance.errors import ObjectConflict, StoreError

LONGEST_KEY = 1024  # bytes of UTF-8, the limit of S3
_ORDINARY = re.compile(r"[\w=+@,:-][\w.=+@,:-]*(?:/[\w=+@,:-][\w.=+@,:-]*)*", re.ASCII)
"""Keys that need no closer look, as nearly all are: verification asks for many of them."""


def require_key(key: str) -> str:
    """The key, if every store can hold it under the same name.

    Parts are separated by `/`. A part is not empty and does not start with a dot, which leaves out `.`
    and `..` and keeps hidden names free for files that are still being written.

    Raises:
        StoreError: the key is absolute, leaves the store, or holds what some store cannot spell.
    """
    if len(key) <= LONGEST_KEY and _ORDINARY.fullmatch(key):
        return key
    fault = _fault(key)
    if fault:
        raise StoreError(f"key {key!r} {fault}; expected parts such as v1/blobs/report.html, joined by single slashes")
    return key


def require_prefix(prefix: str) -> str:
    """A prefix of keys, if its folders could be those of a key; the last part may be cut anywhere.

    Raises:
        StoreError: no key can start like this.
    """
    folder = prefix.rpartition("/")[0]
    if folder or prefix.startswith("/"):
        require_key(folder)
    return prefix


def require_same(expected: bytes, stored: bytes, *, uri: str) -> None:
    """Let the same bytes pass, because storing twice is how a retried task looks.

    Raises:
        ObjectConflict: the bytes differ.
    """
    if stored != expected:
        raise ObjectConflict(
            f"{uri} already holds other bytes: found sha256 {hashlib.sha256(stored).hexdigest()} ({len(stored)} bytes), "
            f"expected {hashlib.sha256(expected).hexdigest()} ({len(expected)} bytes); the first ones stay. "
            "Find out which run wrote them, and store these under a key of their own"
        )


def _fault(key: str) -> str:
    if "\\" in key:
        return "holds a backslash"
    if not key.isprintable():
        return "holds a character that cannot be printed"
    if len(key.encode()) > LONGEST_KEY:
        return f"is longer than {LONGEST_KEY} bytes"
    parts = key.split("/")
    if "" in parts:
        return "is absolute or has an empty part"
    if any(part.startswith(".") for part in parts):
        return "has a part that starts with a dot"
    return ""
