"""Local files with the digest of their bytes, and temporary folders."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import stat
import tempfile
import time
import weakref
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

PREFIX = "model-governance-"
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
LOCK = ".lock"
UNFINISHED = ".new-"
YOUNG = 60.0  # seconds in which a folder is being made
ABANDONED = 86_400.0  # seconds after which a temporary folder without a lock is taken for abandoned
OWNER_ONLY = 0o700

log = logging.getLogger(__name__)


class Spool:
    """A temporary folder that is removed when nobody refers to it any more, at the latest when Python ends.

    Its owner holds a lock in it from the moment it has its name, so that `sweep_spools` can tell the folder of a killed process from
    one in use. A process that makes its first one removes what killed processes left.

    Args:
        parent: the folder to make it in, by default `spools_folder`.
    """

    def __init__(self, parent: Path | None = None) -> None:
        if parent is None:
            parent = spools_folder()
            _sweep_once(parent)
        made = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=parent))
        lock = (made / LOCK).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.folder = made.rename(made.with_name(made.name.replace(UNFINISHED, PREFIX, 1)))
        self._remove = weakref.finalize(self, _remove, self.folder, lock)

    def close(self) -> None:
        """Remove the folder now."""
        self._remove()

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, *_: object) -> None:
        self.close()


def _remove(folder: Path, lock: IO[bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    lock.close()


def spools_folder() -> Path:
    """The folder of this user's spools in the system's temporary folder, which nobody else can read.

    Where another user holds its name, spools are made beside it, each readable by its owner only.
    """
    system = Path(tempfile.gettempdir())
    folder = system / f"governance-spools-{os.geteuid()}"
    try:
        folder.mkdir(mode=OWNER_ONLY, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return system
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return folder if is_ours and not stat.S_IMODE(status.st_mode) & 0o077 else system


def remove_rows_of_killed_tasks() -> None:
    """Remove the copies of rows that killed processes of this user left on this machine."""
    _sweep_once(spools_folder())


@cache
def _sweep_once(folder: Path) -> None:
    for stale in sweep_spools(folder):
        log.info("removed %s of a killed task", stale)


def sweep_spools(parent: Path) -> list[Path]:
    """Remove the spools that killed processes left in a folder; returns those that were removed.

    A spool is stale when nobody holds its lock. A folder of the same prefix without a lock is stale after a day.
    """
    made = [folder for folder in parent.glob(f"{PREFIX}*") if folder.is_dir() and _is_stale(folder)]
    unfinished = [folder for folder in parent.glob(f"{UNFINISHED}*") if folder.is_dir() and _age(folder) > YOUNG]
    for folder in (*made, *unfinished):
        shutil.rmtree(folder, ignore_errors=True)
    return [*made, *unfinished]


def _is_stale(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return folder.is_dir() and _age(folder) > ABANDONED
    except OSError:  # another process holds the lock, or the folder is another user's
        return False


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFile:
    """One file of a dataset of many.

    Attributes:
        name: the path below the place of the dataset, with `/`.
        file: its bytes and their digest.
        partition: the values that its folders name (`day=2026-11-29`), None where a folder says null.
    """

    name: str
    file: StoredFile
    partition: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFiles(StoredFile):
    """Files that are one dataset, in the order of their names; `sha256` is that of their manifest.

    `path` is the first file, whose schema stands for all unless `schema` is given: that of a table, whose files may lack columns
    that were added later (null there) and hold ones that were dropped. `partition_types` says what the values of folders
    are, as names of Arrow types (`int64`, `string`, `date32[day]`), by the key of the folder.
    """

    parts: Sequence[PartFile]
    partition_types: Mapping[str, str]
    schema: pa.Schema | None = None

    def verify(self) -> None:
        """Refuse files of which one may hold other bytes than those that were digested.

        Raises:
            SubjectError: one was changed, replaced or removed since.
        """
        for part in self.parts:
            part.file.verify()


def link_parts(files: StoredFiles, folder: Path) -> list[Path]:
    """Links to the files in a folder of ours, below folders that name their partition once, for a reader that asks paths.

    Args:
        files: the files.
        folder: an empty folder.
    """
    links = []
    for number, part in enumerate(files.parts):
        parent = folder.joinpath(*_partition_folders(part.partition.items()))
        parent.mkdir(parents=True, exist_ok=True)
        link = parent / f"{number:08}.parquet"
        link.symlink_to(part.file.path.absolute())
        links.append(link)
    return links


def _partition_folders(values: Iterable[tuple[str, str | None]]) -> list[str]:
    from urllib.parse import quote

    return [
        f"{quote(key, safe='')}={NULL_PARTITION if value is None else quote(value, safe='')}" for key, value in values
    ]
