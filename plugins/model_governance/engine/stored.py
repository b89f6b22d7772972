"""Files whose digest was taken, and folders that vanish with what they hold."""

from __future__ import annotations

import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.errors import SubjectError

if TYPE_CHECKING:
    import os

PREFIX = "model-governance-"


class Spool:
    """A temporary folder that is removed when nobody refers to it any more, at the latest when Python ends."""

    def __init__(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self.folder = Path(directory.name)
        # Its own finalizer would warn of an implicit cleanup, which is what a spool is for.
        self._remove = weakref.finalize(self, directory.cleanup)

    def close(self) -> None:
        """Remove the folder now."""
        self._remove()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What tells that a file was written again: its inode, size and time of change."""

    inode: int
    size: int
    changed: int

    @classmethod
    def key(cls, status: os.stat_result) -> Stamp:
        """The stamp of a stat."""
        return cls(inode=status.st_ino, size=status.st_size, changed=status.st_mtime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A local file with the digest of its bytes; `spool` holds the folder of a copy of our own."""

    uri: str
    path: Path
    sha256: str
    stamp: Stamp
    spool: Spool | None = None

    def verify(self) -> None:
        """Refuse a file that is not the one whose digest was taken.

        Raises:
            SubjectError: it was changed, replaced or removed since.
        """
        try:
            now = Stamp.key(self.path.stat())
        except OSError:
            now = None
        if now != self.stamp:
            raise SubjectError(
                f"{self.uri}: the file was written while it was read, so its digest {self.sha256} describes other rows; "
                "write to a new file and rename it when it is complete, then run again"
            )
