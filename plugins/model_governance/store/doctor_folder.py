"""What a folder really does: each promise that the archive relies on, tried on canary files."""

from __future__ import annotations

import contextlib
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from model_governance.errors import ObjectConflict
from model_governance.store.protected import utc_now
from model_governance.store.trials import ONE_WINNER, Trial, race
from model_governance.store.worm import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.store.local import LocalStore

CLOCKS_AGREE = timedelta(minutes=1)


def folder_trials(store: LocalStore, folder: str) -> Iterator[Trial]:
    """The tries of a folder. Raises as `LocalStore.put_once`."""
    path = store.root / folder
    try:
        yield _overwrite(store, f"{folder}/overwrite")
        yield _race(store, f"{folder}/race")
        yield _clock(store, f"{folder}/overwrite")
        yield _deletion(store, f"{folder}/overwrite")
        yield _partial_files(store)
    finally:
        shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):  # another doctor is at work there
            path.parent.rmdir()


def _overwrite(store: LocalStore, key: str) -> Trial:
    store.put_once(key, CANARY, media_type="text/plain")
    try:
        store.put_once(key, b"other bytes\n", media_type="text/plain")
        found = "done"
    except ObjectConflict:
        found = "refused"
    kept = found == "refused" and store.get(key) == CANARY
    return Trial(
        name="overwrite", tried="create a key that exists", expected="refused", found=found,
        outcome="pass" if kept else "fail",
        meaning="a key keeps its first bytes" if kept else "evidence can be lost: use another file system",
    )  # fmt: skip


def _race(store: LocalStore, key: str) -> Trial:
    found = race(lambda content: store.put_once(key, content, media_type="text/plain"))
    passed = found == ONE_WINNER
    return Trial(
        name="race", tried="create a key in eight threads", expected=ONE_WINNER, found=found,
        outcome="pass" if passed else "fail",
        meaning="concurrent runs lose nothing" if passed else "evidence can be lost: use another file system",
    )  # fmt: skip


def _clock(store: LocalStore, key: str) -> Trial:
    """A network file system dates files by its own clock."""
    written = datetime.fromtimestamp((store.root / key).stat().st_mtime, tz=UTC)
    apart = abs(utc_now() - written)
    near = apart <= CLOCKS_AGREE
    return Trial(
        name="clock", tried="compare the clock with the file system's",
        expected=f"at most {CLOCKS_AGREE.seconds} s apart", found=f"{apart.total_seconds():.0f} s apart",
        outcome="pass" if near else "warn",
        meaning="moments of runs and waivers agree" if near else "set the clock of this machine or of the file server (NTP)",
    )  # fmt: skip


def _deletion(store: LocalStore, key: str) -> Trial:
    (store.root / key).unlink()
    return Trial(
        name="deletion", tried="delete a stored file", expected="refused", found="done", outcome="warn",
        meaning="a folder protects nothing from who may write to it: against insiders use a bucket with "
        "archive.object_lock, and verify with a head digest kept elsewhere",
    )  # fmt: skip


def _partial_files(store: LocalStore) -> Trial:
    swept, young = store.sweep()
    return Trial(
        name="partial", tried="look for files of writers that were killed", expected="none",
        found=f"{swept} removed, {young} younger than a day" if swept or young else "none",
        outcome="pass",
        meaning="no reader ever takes them for evidence; those older than a day are removed, since no write lasts as long",
    )  # fmt: skip
