"""A folder as store: one writer wins, nothing is ever half there, every error says what to do."""

from __future__ import annotations

import errno
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from model_governance.errors import ObjectConflict, ObjectMissing, StoreError, StoreUnreachable
from model_governance.store.backoff import Backoff
from model_governance.store.local import LocalStore

if TYPE_CHECKING:
    from pathlib import Path

HTML = "text/html"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(str(tmp_path / "evidence"))


def every_file(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_hard_links(source: object, target: object) -> None:
        raise PermissionError(errno.EPERM, "this file system has no hard links")

    monkeypatch.setattr(os, "link", no_hard_links)


@pytest.fixture(params=["hard links", "no hard links"])
def any_file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "no hard links":
        refuse_links(monkeypatch)
    return str(request.param)


def test_a_store_is_named_by_a_file_uri_or_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "with space"
    assert LocalStore(folder.as_uri()).root == folder
    assert LocalStore(str(folder)).root == folder
    assert LocalStore("with space").root == folder
    assert LocalStore(f"file://localhost{tmp_path}").root == tmp_path


def test_opening_a_store_creates_nothing_and_stays_where_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = LocalStore("evidence")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.chdir("/")
    store.put_once("a.html", b"a", media_type=HTML)
    assert (tmp_path / "evidence" / "a.html").read_bytes() == b"a"


@pytest.mark.parametrize("uri", ["", "gs://bucket/prefix", "file://elsewhere/folder", "file://folder", "a\0b"])
def test_what_is_no_folder_is_refused(uri: str) -> None:
    with pytest.raises(StoreError, match="expected"):
        LocalStore(uri)


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../up", "a/../b", "a//b", "a/", "./a", "a\\b", ".hidden", "a/.b", "a\nb", "k" * 1025]
)
def test_a_key_that_not_every_store_can_hold_is_refused(store: LocalStore, tmp_path: Path, key: str) -> None:
    for use in (lambda: store.put_once(key, b"x", media_type=HTML), lambda: store.get(key), lambda: store.locate(key)):
        with pytest.raises(StoreError, match="key"):
            use()
    assert every_file(tmp_path) == set()


@pytest.mark.parametrize("prefix", ["/", "../", "a/../b", "a//b", "/etc/pass"])
def test_a_prefix_cannot_leave_the_store(store: LocalStore, prefix: str) -> None:
    with pytest.raises(StoreError, match="key"):
        store.keys(prefix)


def test_the_uri_opens_the_file(store: LocalStore) -> None:
    uri = store.put_once("v1/report one.html", b"<p>", media_type=HTML)
    assert uri == store.locate("v1/report one.html")
    assert uri.startswith("file:///")
    assert uri.endswith("/v1/report%20one.html")


def test_a_stored_file_is_read_only_and_alone(store: LocalStore, any_file_system: str) -> None:
    store.put_once("v1/a.html", b"first", media_type=HTML)
    assert every_file(store.root) == {"v1/a.html"}
    assert stat.S_IMODE((store.root / "v1/a.html").stat().st_mode) == 0o444
    assert (store.root / "v1/a.html").stat().st_nlink == 1


def test_the_same_bytes_twice_are_a_success(store: LocalStore, any_file_system: str) -> None:
    assert store.put_once("a", b"same", media_type=HTML) == store.put_once("a", b"same", media_type=HTML)
    assert every_file(store.root) == {"a"}


def test_other_bytes_are_a_conflict_that_names_both_digests(store: LocalStore, any_file_system: str) -> None:
    store.put_once("a", b"first", media_type=HTML)
    with pytest.raises(ObjectConflict, match=r"found sha256 a7937b64.*expected 16367aac"):
        store.put_once("a", b"second", media_type=HTML)
    assert store.get("a") == b"first"
    assert every_file(store.root) == {"a"}


def test_of_sixteen_writers_one_wins_and_nobody_sees_half_a_file(store: LocalStore, any_file_system: str) -> None:
    contents = [bytes([65 + number]) * 200_000 for number in range(16)]
    start = threading.Barrier(len(contents))

    def write(content: bytes) -> bytes | None:
        start.wait(timeout=30)
        try:
            store.put_once("v1/race", content, media_type=HTML)
        except ObjectConflict:
            return None
        return content

    with ThreadPoolExecutor(len(contents)) as pool:
        winners = [content for content in pool.map(write, contents) if content is not None]
    assert winners == [store.get("v1/race")]
    assert every_file(store.root) == {"v1/race"}


def test_sixteen_writers_of_the_same_bytes_all_succeed(store: LocalStore, any_file_system: str) -> None:
    start = threading.Barrier(16)

    def write(_: int) -> str:
        start.wait(timeout=30)
        return store.put_once("v1/blob", b"same" * 1000, media_type=HTML)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(write, range(16)))) == 1
    assert every_file(store.root) == {"v1/blob"}


def test_the_file_appears_only_when_it_is_whole(
    store: LocalStore, any_file_system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    flush = os.fsync

    def look_before_flushing(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            seen.append(list(store.keys("")))
        flush(handle)

    monkeypatch.setattr(os, "fsync", look_before_flushing)
    store.put_once("v1/a", b"whole", media_type=HTML)
    assert seen
    assert all(keys == [] for keys in seen)
    assert list(store.keys("")) == ["v1/a"]


def test_a_writer_killed_in_the_middle_does_not_hide_the_key(store: LocalStore) -> None:
    (store.root / "v1").mkdir(parents=True)
    (store.root / "v1" / ".a.partial").write_bytes(b"hal")
    assert list(store.keys("")) == []
    store.put_once("v1/a", b"whole", media_type=HTML)
    assert store.get("v1/a") == b"whole"


def test_without_hard_links_a_left_partial_file_is_named_and_kept(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_links(monkeypatch)
    short = Backoff(attempts=3, first=0.001, longest=0.001)
    monkeypatch.setattr("model_governance.store.local._OTHER_WRITER", short)
    store.root.mkdir()
    left = store.root / ".a.partial"
    left.write_bytes(b"hal")
    with pytest.raises(StoreUnreachable, match=r"\.a\.partial shows another writer"):
        store.put_once("a", b"whole", media_type=HTML)
    assert every_file(store.root) == {".a.partial"}
    left.unlink()
    store.put_once("a", b"whole", media_type=HTML)
    assert store.get("a") == b"whole"


@pytest.mark.parametrize(
    ("number", "unreachable", "advice"),
    [
        (errno.ENOSPC, False, "free space"),
        (errno.EDQUOT, False, "quota"),
        (errno.EROFS, False, "mounted read-only"),
        (errno.EACCES, False, "user that runs the worker"),
        (errno.ESTALE, True, "later try"),
        (errno.EIO, True, "later try"),
        (errno.ETIMEDOUT, True, "later try"),
    ],
)
def test_trouble_with_the_disk_leaves_nothing_behind_and_says_what_to_do(
    store: LocalStore,
    any_file_system: str,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    unreachable: bool,
    advice: str,
) -> None:
    flush = os.fsync

    def fail_on_files(handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        flush(handle)

    monkeypatch.setattr(os, "fsync", fail_on_files)
    with pytest.raises(StoreError, match=advice) as caught:
        store.put_once("v1/a", b"whole", media_type=HTML)
    assert caught.value.infrastructure is unreachable
    assert isinstance(caught.value, StoreUnreachable) is unreachable
    assert isinstance(caught.value.__cause__, OSError)
    assert every_file(store.root) == set()
    monkeypatch.undo()
    store.put_once("v1/a", b"whole", media_type=HTML)
    assert store.get("v1/a") == b"whole"


def test_a_file_system_that_cannot_flush_folders_still_stores(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush = os.fsync

    def files_only(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "no folders here")
        flush(handle)

    monkeypatch.setattr(os, "fsync", files_only)
    store.put_once("v1/a", b"whole", media_type=HTML)
    assert store.get("v1/a") == b"whole"


def test_a_store_whose_folder_is_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = LocalStore(str(tmp_path / "file"))
    with pytest.raises(StoreError, match="Not a directory"):
        store.keys("")
    with pytest.raises(StoreError, match="cannot store 1 bytes"):
        store.put_once("a", b"x", media_type=HTML)


def test_a_key_cannot_be_both_a_file_and_a_folder(store: LocalStore) -> None:
    store.put_once("a/b", b"deep", media_type=HTML)
    with pytest.raises(StoreError, match="longer keys go through it"):
        store.put_once("a", b"x", media_type=HTML)
    with pytest.raises(StoreError, match="a part of this path is a file"):
        store.put_once("a/b/c", b"x", media_type=HTML)
    assert every_file(store.root) == {"a/b"}


@pytest.mark.parametrize("key", ["nothing", "folder", "folder/file/deeper"])
def test_what_is_not_there_is_missing(store: LocalStore, key: str) -> None:
    store.put_once("folder/file", b"x", media_type=HTML)
    with pytest.raises(ObjectMissing, match="nothing is stored at file:///"):
        store.get(key)


def test_keys_are_sorted_as_text_and_leave_hidden_files_out(store: LocalStore) -> None:
    for key in ("a/b", "a-b", "a", "ab/c", "é"):
        if key != "a":
            store.put_once(key, b"x", media_type=HTML)
    (store.root / ".git").mkdir()
    (store.root / ".git" / "config").write_bytes(b"")
    (store.root / "a" / ".DS_Store").write_bytes(b"")
    assert list(store.keys("")) == ["a-b", "a/b", "ab/c", "é"]
    assert list(store.keys("a")) == ["a-b", "a/b", "ab/c"]
    assert list(store.keys("a/")) == ["a/b"]
    assert list(store.keys("nothing/")) == []
    assert list(store.keys("a-b/")) == []


def test_a_store_nobody_wrote_to_has_no_keys(store: LocalStore) -> None:
    assert list(store.keys("")) == []
    assert not store.root.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_we_may_not_write_to_is_named(store: LocalStore) -> None:
    store.root.mkdir(mode=0o555)
    with pytest.raises(StoreError, match="let the user that runs the worker") as caught:
        store.put_once("a", b"x", media_type=HTML)
    assert str(store.root) in str(caught.value)


def test_a_folder_holds_nothing_and_says_where_to_keep_what_must_be_held(tmp_path):
    store = LocalStore(str(tmp_path))
    store.put_once("v1/a", b"evidence", media_type=HTML)
    for on in (True, False):
        with pytest.raises(
            StoreError, match=r"v1/a: a folder has no legal hold; keep evidence that must be held in a bucket"
        ):
            store.hold("v1/a", on=on)


def test_a_link_to_a_folder_and_what_is_hidden_are_no_keys(store):
    store.put_once("v1/runs/a/report.html", b"x", media_type=HTML)
    store.put_once("v1/runs/b.html", b"x", media_type=HTML)
    (store.root / "v1/runs/again").symlink_to(store.root / "v1/runs/a", target_is_directory=True)
    (store.root / "v1/runs/.hidden").mkdir()
    (store.root / "v1/runs/.hidden/c.html").write_text("x")
    (store.root / "v1/runs/a/.d.partial").write_text("x")
    assert list(store.keys("v1/")) == ["v1/runs/a/report.html", "v1/runs/b.html"]
    assert list(store.keys("v1/runs/a/r")) == ["v1/runs/a/report.html"]
