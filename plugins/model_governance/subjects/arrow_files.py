"""Arrow files, read in a child process with limits and used as the Parquet file that it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.engine.stored import Spool, Stamp
from model_governance.errors import SubjectError
from model_governance.subjects.limits import MAX_COLUMNS, most_unpacked

if TYPE_CHECKING:
    from model_governance.engine.stored import StoredFile

BASE_MEMORY = 1 << 30  # bytes that the libraries of the child need themselves, with room
BASE_SECONDS = 60
BYTES_PER_SECOND = 4 << 20  # of the slowest file: many small dictionaries


def arrow_as_parquet(stored: StoredFile) -> StoredFile:
    """The rows of an Arrow file as a Parquet file in a spool; the digest stays that of the Arrow file.

    Every batch is validated completely by a child process. If the file ends that process, it is an error like any other.

    Raises:
        SubjectError: the file is damaged, crafted, or beyond the limits.
    """
    spool = stored.spool or Spool()
    target = spool.folder / "rows.parquet"
    size = stored.stamp.size
    unpacked = most_unpacked(size)
    seconds = BASE_SECONDS + size // BYTES_PER_SECOND
    limits = {
        "memory": BASE_MEMORY + 2 * unpacked, "cpu_seconds": seconds, "written": 2 * unpacked, "unpacked": unpacked,
        "columns": MAX_COLUMNS,
    }  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "model_governance.subjects.arrow_child",
        str(stored.path),
        str(target),
        json.dumps(limits),
    ]
    try:
        # Only what Python needs to start: nothing of value lies in the memory of this process.
        done = subprocess.run(  # noqa: S603 - our own module, the path is an argument and no shell reads it
            command, capture_output=True, text=True, timeout=4 * seconds, check=False, cwd="/", env=_environment()
        )
    except subprocess.TimeoutExpired:
        raise _refused(stored, f"its reader was stopped after {4 * seconds} seconds") from None
    if done.returncode != 0:
        raise _refused(stored, _how_it_ended(done.returncode, seconds))
    if done.stdout.strip():
        raise _refused(stored, str(json.loads(done.stdout.splitlines()[-1])["error"]))
    return replace(stored, path=target, stamp=Stamp.from_stat(target.stat()), spool=spool)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG") if name in os.environ}
    # As the parent imports it, which may have added folders (Airflow's plugins) since it started.
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def _how_it_ended(returncode: int, seconds: int) -> str:
    if returncode == -signal.SIGXCPU:
        return f"its reader used more than {seconds} CPU seconds"
    if returncode < 0:
        return f"its reader was ended by {signal.Signals(-returncode).name}"
    return f"its reader ended with exit code {returncode}"


def _refused(stored: StoredFile, reason: str) -> SubjectError:
    return SubjectError(
        f"{stored.uri}: cannot be read as arrow: {reason}; the file is damaged or crafted, or beyond the limits: have it written again"
    )
