"""SHA-256 of inputs: every digest in a record is taken here, of the very bytes that are used."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from model_governance.engine.stored import Stamp

if TYPE_CHECKING:
    from pathlib import Path


def digest_bytes(content: bytes) -> str:
    """The SHA-256 of bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def digest_file(path: Path) -> tuple[Stamp, str]:
    """The stamp of a file and the SHA-256 of its bytes, in hex; the file is never in memory as a whole.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as opened:
        stamp = Stamp.from_stat(os.fstat(opened.fileno()))
        return stamp, hashlib.file_digest(opened, "sha256").hexdigest()
