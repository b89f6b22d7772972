"""Local files with the digest of their bytes, and temporary folders."""

from __future__ import annotations

import shutil
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
    """A temporary folder that is removed when it is no longer referenced, at the latest when Python ends."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._remove = weakref.finalize(self, shutil.rmtree, self.folder, True)  # noqa: FBT003  # rmtree's ignore_errors

    def close(self) -> None:
        """Remove the folder now."""
        self._remove()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Identifies a version of a file: its inode, size and time of change."""

    inode: int
    size: int
    changed: int

    @classmethod
    def from_stat(cls, status: os.stat_result) -> Stamp:
        """The stamp from the result of a stat call."""
        return cls(inode=status.st_ino, size=status.st_size, changed=status.st_mtime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A local file with the digest of its bytes; `spool` is the temporary folder of a copy."""

    uri: str
    path: Path
    sha256: str
    stamp: Stamp
    spool: Spool | None = None

    def verify(self) -> None:
        """Refuse a file whose bytes may differ from those that were digested.

        Raises:
            SubjectError: it was changed, replaced or removed since.
        """
        try:
            current = Stamp.from_stat(self.path.stat())
        except OSError:
            current = None
        if current != self.stamp:
            raise SubjectError(
                f"{self.uri}: the file was written while it was read, so its digest {self.sha256} describes other rows; "
                "write to a new file and rename it when it is complete, then run again"
            )
