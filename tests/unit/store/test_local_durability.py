"""What a folder store asks of the file system: whole files, flushed names, and an answer to each error."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from model_governance.errors import StoreError, StoreUnreachable
from model_governance.store import local
from model_governance.store.local import LocalStore

HTML = "text/html"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(str(tmp_path / "evidence"))


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The inodes that were flushed to the disk, in order."""
    inodes: list[int] = []
    flush = os.fsync

    def note(handle: int) -> None:
        flush(handle)
        inodes.append(os.fstat(handle).st_ino)

    monkeypatch.setattr(os, "fsync", note)
    return inodes


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, fail)


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_file_and_every_new_name_are_flushed_before_the_store_says_so(store, flushed, monkeypatch, links):
    if not links:
        refuse(monkeypatch, "link", errno.EPERM)
    store.put_once("v1/2026/a", b"whole", media_type=HTML)
    parents = [store.root.parent, store.root, store.root / "v1", store.root / "v1" / "2026"]
    assert {path.stat().st_ino for path in parents} <= set(flushed)
    file = (store.root / "v1/2026/a").stat().st_ino
    assert flushed.index(file) < len(flushed) - 1, "the file first, then its name"
    assert flushed[-1] == parents[-1].stat().st_ino


def test_the_bytes_are_in_the_file_when_it_is_flushed(store, monkeypatch):
    sizes = []
    flush = os.fsync

    def note(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            sizes.append(os.fstat(handle).st_size)
        flush(handle)

    monkeypatch.setattr(os, "fsync", note)
    store.put_once("a", b"whole", media_type=HTML)
    assert sizes == [5]


def test_a_key_that_exists_is_not_written_again(store, flushed):
    store.put_once("a", b"whole", media_type=HTML)
    flushed.clear()
    store.put_once("a", b"whole", media_type=HTML)
    assert flushed == []


def test_nothing_but_the_keys_is_there_afterwards(store, monkeypatch):
    store.put_once("v1/a", b"whole", media_type=HTML)
    refuse(monkeypatch, "link", errno.EPERM)
    store.put_once("v1/b", b"whole", media_type=HTML)
    assert sorted(path.name for path in (store.root / "v1").iterdir()) == ["a", "b"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (store.root / "v1").iterdir()} == {0o444}


@pytest.mark.parametrize(
    "number",
    [errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL, errno.EXDEV],
    ids=errno.errorcode.get,
)
def test_a_file_system_without_hard_links_is_served_by_a_rename(store, monkeypatch, number):
    refuse(monkeypatch, "link", number)
    store.put_once("a", b"whole", media_type=HTML)
    assert store.get("a") == b"whole"


def test_another_failure_of_a_link_is_told(store, monkeypatch):
    refuse(monkeypatch, "link", errno.ENOSPC)
    with pytest.raises(StoreError, match="free space on this file system"):
        store.put_once("a", b"whole", media_type=HTML)
    assert list(store.root.iterdir()) == []


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_mode_that_the_file_system_declines_is_no_failure_and_leaves_the_file_to_its_owner(store, monkeypatch, links):
    def decline(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no modes here")

    if not links:
        refuse(monkeypatch, "link", errno.EPERM)
    monkeypatch.setattr(os, "fchmod", decline)
    store.put_once("a", b"whole", media_type=HTML)
    assert store.get("a") == b"whole"
    assert stat.S_IMODE((store.root / "a").stat().st_mode) == 0o600


def test_an_unfinished_file_lies_hidden_beside_its_key(store, monkeypatch):
    """On the same file system, because a link cannot leave it, and under an ending by which it is found."""
    unfinished = []
    link = os.link

    def note(source: Path, target: Path) -> None:
        unfinished.append(source)
        link(source, target)

    monkeypatch.setattr(os, "link", note)
    store.put_once("v1/a", b"whole", media_type=HTML)
    assert [path.parent for path in unfinished] == [store.root / "v1"]
    assert unfinished[0].name.startswith(".")
    assert unfinished[0].name.endswith(".partial")


def test_an_unfinished_file_that_somebody_cleans_away_once_it_is_linked_is_no_failure(store, monkeypatch):
    link = os.link

    def link_and_clean(source: Path, target: Path) -> None:
        link(source, target)
        source.unlink()

    monkeypatch.setattr(os, "link", link_and_clean)
    store.put_once("a", b"whole", media_type=HTML)
    assert store.get("a") == b"whole"


@pytest.mark.parametrize("cleaned", [False, True], ids=["left to the writer", "cleaned away by somebody"])
def test_a_disk_that_fails_after_the_link_was_refused_blocks_no_later_writer(store, monkeypatch, cleaned):
    refuse(monkeypatch, "link", errno.EPERM)
    flush = os.fsync

    def fail_on_the_lock(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.name == ".a.partial":
            if cleaned:
                path.unlink()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        flush(handle)

    monkeypatch.setattr(os, "fsync", fail_on_the_lock)
    with pytest.raises(StoreError, match="free space on this file system"):
        store.put_once("a", b"whole", media_type=HTML)
    assert list(store.root.iterdir()) == []
    monkeypatch.setattr(os, "fsync", flush)
    store.put_once("a", b"whole", media_type=HTML)
    assert store.get("a") == b"whole"


def failing_on_folders(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    flush = os.fsync

    def files_only(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        flush(handle)

    monkeypatch.setattr(os, "fsync", files_only)


@pytest.mark.parametrize(
    "number", [errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF], ids=errno.errorcode.get
)
def test_a_file_system_that_flushes_no_folders_still_stores(store, monkeypatch, number):
    failing_on_folders(monkeypatch, number)
    store.put_once("v1/a", b"whole", media_type=HTML)
    assert store.get("v1/a") == b"whole"


def test_a_folder_that_fails_to_flush_is_told(store, monkeypatch):
    failing_on_folders(monkeypatch, errno.EIO)
    with pytest.raises(StoreUnreachable):
        store.put_once("v1/a", b"whole", media_type=HTML)


def test_a_folder_that_may_be_written_and_not_read_still_stores(store, monkeypatch):
    opened = os.open

    def no_folders(path: object, flags: int, *mode: int) -> int:
        if flags & os.O_DIRECTORY:
            raise PermissionError(errno.EACCES, "not readable")
        return opened(path, flags, *mode)

    monkeypatch.setattr(os, "open", no_folders)
    store.put_once("v1/a", b"whole", media_type=HTML)
    assert store.get("v1/a") == b"whole"


def test_no_handle_is_kept_open(store):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(5):
        store.put_once(f"v1/{number}", b"whole", media_type=HTML)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


UNREACHABLE = [
    errno.ESTALE, errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ENOTCONN, errno.ECONNREFUSED, errno.ECONNRESET,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ESHUTDOWN,
]  # fmt: skip


@pytest.mark.parametrize("number", UNREACHABLE, ids=errno.errorcode.get)
def test_a_file_system_that_does_not_answer_may_answer_later(store, monkeypatch, number):
    refuse(monkeypatch, "fsync", number)
    with pytest.raises(StoreUnreachable) as failed:
        store.put_once("a", b"whole", media_type=HTML)
    assert str(failed.value) == (
        f"cannot store 5 bytes at {store.root / 'a'}: {os.strerror(number)}; "
        "the file system does not answer, a later try may succeed"
    )


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free space on this file system, or point the policy's artifacts at another one"),
        (errno.EDQUOT, "raise the quota of the user that runs the worker, or point the policy's artifacts elsewhere"),
        (errno.EACCES, "let the user that runs the worker read and write this folder"),
        (errno.EPERM, "let the user that runs the worker read and write this folder"),
        (errno.EROFS, "the file system is mounted read-only: mount it writable, or point the policy's artifacts elsewhere"),
        (errno.ENAMETOOLONG, "shorten the key or the folder of the store"),
        (errno.ENOTDIR, "a part of this path is a file: choose another folder or key"),
        (errno.EEXIST, "a part of this path is a file: choose another folder or key"),
        (errno.EISDIR, "this key is a folder, because longer keys go through it: choose another key"),
        (errno.ENXIO, "look at this path as the user that runs the worker"),
    ],
    ids=lambda one: errno.errorcode.get(one, ""),
)  # fmt: skip
def test_an_error_says_what_to_do_next(store, monkeypatch, number, advice):
    refuse(monkeypatch, "fsync", number)
    with pytest.raises(StoreError) as failed:
        store.put_once("a", b"whole", media_type=HTML)
    assert not isinstance(failed.value, StoreUnreachable)
    assert str(failed.value) == f"cannot store 5 bytes at {store.root / 'a'}: {os.strerror(number)}; {advice}"


def test_an_error_without_a_number_gets_the_advice_that_fits_any(store, monkeypatch):
    def fail(_: int) -> None:
        raise OSError("the driver gave up")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError) as failed:
        store.put_once("a", b"whole", media_type=HTML)
    assert str(failed.value) == (
        f"cannot store 5 bytes at {store.root / 'a'}: the driver gave up; "
        "look at this path as the user that runs the worker"
    )


def test_reading_and_listing_say_what_they_were_about(store, monkeypatch, tmp_path):
    store.put_once("v1/a", b"whole", media_type=HTML)
    monkeypatch.setattr(
        local, "open", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EIO, "gone")), raising=False
    )
    with pytest.raises(StoreUnreachable, match=f"cannot read {store.root}/v1/a"):
        store.get("v1/a")
    refuse(monkeypatch, "scandir", errno.EACCES)
    with pytest.raises(StoreError, match=f"cannot list {store.root}/v1: Permission denied"):
        store.keys("v1/")


def test_another_writer_without_hard_links_is_waited_for(store, monkeypatch):
    refuse(monkeypatch, "link", errno.EPERM)
    store.root.mkdir()
    partial = store.root / ".a.partial"
    partial.write_bytes(b"")
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with pytest.raises(StoreUnreachable) as failed:
        store.put_once("a", b"whole", media_type=HTML)
    # 0.01 s, then four times longer each time, one second at most; up to 0.01 s more at random.
    assert pauses == pytest.approx([0.015, 0.045, 0.165, 0.645, 1.0], abs=0.00501)
    assert str(failed.value) == (
        f"{partial} shows another writer of a that did not finish in 6 tries; "
        "try again, and remove that file if no task is running"
    )
    assert partial.read_bytes() == b""


def test_another_writer_that_finishes_while_it_is_waited_for_is_believed(store, monkeypatch):
    refuse(monkeypatch, "link", errno.EPERM)
    store.root.mkdir()
    partial = store.root / ".a.partial"
    partial.write_bytes(b"")

    def finish(_: float) -> None:
        partial.write_bytes(b"whole")
        partial.rename(store.root / "a")

    monkeypatch.setattr(time, "sleep", finish)
    store.put_once("a", b"whole", media_type=HTML)
    assert sorted(path.name for path in store.root.iterdir()) == ["a"]


def test_a_key_that_appears_while_another_writer_holds_the_lock_ends_the_waiting(store, monkeypatch):
    refuse(monkeypatch, "link", errno.EPERM)
    store.root.mkdir()
    partial = store.root / ".a.partial"
    partial.write_bytes(b"")
    pauses = []

    def appear(seconds: float) -> None:
        pauses.append(seconds)
        (store.root / "a").write_bytes(b"whole")

    monkeypatch.setattr(time, "sleep", appear)
    store.put_once("a", b"whole", media_type=HTML)
    assert len(pauses) == 1
    assert partial.exists(), "it is the other writer's"


def test_a_writer_that_is_second_without_hard_links_takes_its_partial_file_back(store, monkeypatch):
    refuse(monkeypatch, "link", errno.EPERM)
    opened = os.open

    def appear(path: object, flags: int, *mode: int) -> int:
        handle = opened(path, flags, *mode)
        if str(path).endswith(".a.partial"):
            (store.root / "a").write_bytes(b"whole")
        return handle

    monkeypatch.setattr(os, "open", appear)
    store.put_once("a", b"whole", media_type=HTML)
    assert sorted(path.name for path in store.root.iterdir()) == ["a"]


def test_an_address_is_readable_and_escapes_what_must_be(tmp_path):
    store = LocalStore(str(tmp_path / "run=1 +,@"))
    assert store.uri == f"file://{tmp_path}/run=1%20+,@"
    assert store.locate("a b?.html") == f"{store.uri}/a%20b%3F.html"
    assert LocalStore(store.uri).root == store.root


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("", "'' is no store; expected a folder, file:///folder or s3://bucket/prefix"),
        ("a\0b", "'a\\x00b' is no store; expected a folder, file:///folder or s3://bucket/prefix"),
        ("gs://b/p", "a store has scheme 'gs'; expected a folder, file:///folder or s3://bucket/prefix"),
        ("file://else/f", "store 'file://else/f' names host 'else'; expected three slashes, as in file:///var/evidence"),
        ("file://localhost", "store 'file://localhost' names host 'localhost'; expected three slashes, as in file:///var/evidence"),
        ("file://", "store 'file://' names host ''; expected three slashes, as in file:///var/evidence"),
    ],
)  # fmt: skip
def test_what_names_no_folder_is_refused_with_what_was_expected(uri, sentence):
    with pytest.raises(StoreError) as refused:
        LocalStore(uri)
    assert str(refused.value) == sentence
