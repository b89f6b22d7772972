"""What killed tasks leave in the temporary folder is private, and the next task removes it (case A9)."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from model_governance.engine import stored
from model_governance.engine.row_hashes import DistinctRows
from model_governance.engine.stored import LOCK, Spool, spools_folder, sweep_spools

KILLED = """
import os, signal
from model_governance.engine.stored import Spool
from model_governance.engine.spill import LazyFolder
spool = Spool()
(spool.folder / "content").write_bytes(b"rows of customers")
lazy = LazyFolder()
lazy.subfolder("reference")
print(spool.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    stored._sweep_once.cache_clear()
    yield
    stored._sweep_once.cache_clear()


def test_rows_that_a_killed_task_copied_are_removed_by_the_next_task():
    """A9: at once, and not after a day."""
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    left = Path(done.stdout.strip())
    assert (left / "content").is_file()
    other = Spool()
    assert list(spools_folder().iterdir()) == [other.folder]
    other.close()


def test_a_spool_in_use_stays(tmp_path):
    """A9: the lock is held from the moment the folder has its name."""
    first, second = Spool(), Spool()
    code = "import sys; from pathlib import Path; from model_governance.engine.stored import *; print(len(sweep_spools(Path(sys.argv[1]))))"
    command = [sys.executable, "-c", code, str(spools_folder())]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip() == "0"
    assert first.folder.is_dir()
    first.close()
    second.close()
    assert list(spools_folder().iterdir()) == []


def test_only_the_owner_can_look_into_the_folder():
    """A9: whatever the umask is."""
    before = os.umask(0)
    try:
        spool = Spool()
    finally:
        os.umask(before)
    assert spool.folder.parent == spools_folder()
    for folder in (spool.folder, spools_folder()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    spool.close()


@pytest.mark.parametrize("mode", [0o777, 0o750])
def test_a_folder_that_somebody_else_prepared_is_not_used(tmp_path, mode):
    """A9: spools then lie beside it, private each."""
    prepared = tmp_path / f"governance-spools-{os.geteuid()}"
    prepared.mkdir()
    prepared.chmod(mode)
    spool = Spool()
    assert spool.folder.parent == tmp_path
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    spool.close()
    prepared.rmdir()
    prepared.symlink_to(tmp_path)
    assert spools_folder() == tmp_path


def test_a_folder_whose_making_was_interrupted_goes_after_a_minute():
    """A9."""
    made = spools_folder() / ".new-x"
    made.mkdir()
    assert sweep_spools(spools_folder()) == []
    os.utime(made, (1, 1))
    assert sweep_spools(spools_folder()) == [made]


def test_the_lock_of_a_spool_is_no_file_of_its_rows(monkeypatch):
    """A9: counting rows by files of a spool sees its own files only."""
    monkeypatch.setattr("model_governance.engine.row_hashes.MAX_IN_MEMORY", 4)
    with DistinctRows(20) as distinct:
        distinct.add(np.arange(20, dtype="uint64") // np.uint64(2))
        assert distinct.count() == 10
        assert (distinct._spool.folder / LOCK).is_file()
