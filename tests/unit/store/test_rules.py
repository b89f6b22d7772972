"""Which keys every store can hold, and what is said of the others."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest

from model_governance.contract.result import Artifact
from model_governance.errors import EvidenceError, ObjectConflict, StoreError
from model_governance.store import COPIES, blob_key, is_blob_key, open_store, put_blob, read_verified
from model_governance.store.local import LocalStore
from model_governance.store.rules import require_key, require_prefix, require_same


@pytest.mark.parametrize("key", ["a", "a/b.html", "a.b/c", "k" * 1024, "é" * 512, "a b"])
def test_a_key_that_every_store_can_hold_is_given_back(key):
    assert require_key(key) == key


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("a\\b", "holds a backslash"),
        ("a\nb", "holds a character that cannot be printed"),
        ("k" * 1025, "is longer than 1024 bytes"),
        ("é" * 513, "is longer than 1024 bytes"),
        ("", "is absolute or has an empty part"),
        ("/a", "is absolute or has an empty part"),
        ("a//b", "is absolute or has an empty part"),
        ("a/", "is absolute or has an empty part"),
        ("a/.b", "has a part that starts with a dot"),
        ("..", "has a part that starts with a dot"),
    ],
)
def test_a_key_that_some_store_cannot_hold_is_refused_with_the_reason(key, fault):
    with pytest.raises(StoreError) as refused:
        require_key(key)
    assert str(refused.value) == (
        f"key {key!r} {fault}; expected parts such as v1/blobs/report.html, joined by single slashes"
    )


@pytest.mark.parametrize("prefix", ["", "a", "a/", "a/b", ".a", "a/.b", "a/b/"])
def test_a_prefix_may_be_cut_anywhere_in_its_last_part(prefix):
    assert require_prefix(prefix) == prefix


@pytest.mark.parametrize("prefix", ["/", "/a", "a//b", "../a", "a/../b", ".a/b"])
def test_a_prefix_with_folders_that_no_key_has_is_refused(prefix):
    with pytest.raises(StoreError):
        require_prefix(prefix)


def test_the_same_bytes_are_no_conflict_and_others_name_both_digests():
    require_same(b"first", b"first", uri="file:///a")
    with pytest.raises(ObjectConflict) as conflict:
        require_same(b"new", b"first", uri="file:///a")
    assert str(conflict.value).startswith(
        f"file:///a already holds other bytes: found sha256 {hashlib.sha256(b'first').hexdigest()} (5 bytes), "
        f"expected {hashlib.sha256(b'new').hexdigest()} (3 bytes); the first ones stay."
    )


def test_a_blob_lies_under_its_digest_and_keeps_its_ending():
    assert blob_key("abcdef", "report.html") == "v1/blobs/sha256/ab/abcdef.html"
    assert blob_key("abcdef", "rows.csv.gz") == "v1/blobs/sha256/ab/abcdef.gz"
    assert blob_key("abcdef", "LICENSE") == "v1/blobs/sha256/ab/abcdef"


def test_a_stored_artifact_is_described_and_its_record_does_not_know_where_the_store_is(tmp_path):
    store = LocalStore(str(tmp_path))
    sha256 = hashlib.sha256(b"<p>").hexdigest()
    stored = put_blob(store, Artifact(name="report.html", content=b"<p>", media_type="text/html"))
    assert stored.uri == store.locate(stored.key)
    assert stored.record() == {
        "name": "report.html", "key": blob_key(sha256, "report.html"), "sha256": sha256, "size": 3,
        "media_type": "text/html",
    }  # fmt: skip
    assert read_verified(store, stored.record()) == b"<p>"


def test_bytes_that_were_altered_afterwards_decide_nothing(tmp_path):
    store = LocalStore(str(tmp_path))
    stored = put_blob(store, Artifact(name="report.html", content=b"<p>", media_type="text/html"))
    path = tmp_path / stored.key
    path.chmod(0o644)
    path.write_bytes(b"<b>")
    with pytest.raises(EvidenceError) as altered:
        read_verified(store, stored.record())
    assert str(altered.value) == (
        f"{stored.uri}: stored with sha256 {stored.sha256}, now has {hashlib.sha256(b'<b>').hexdigest()}; "
        "it was altered afterwards and is not used. Restore it from its oldest version"
    )


def test_a_store_is_opened_by_its_uri(tmp_path):
    assert open_store("evidence", folder=tmp_path, connections=None).root == tmp_path / "evidence"
    assert open_store(str(tmp_path / "a"), folder=tmp_path / "b", connections=None).root == tmp_path / "a"
    assert open_store(f"file://{tmp_path}/a", folder=tmp_path / "b", connections=None).root == tmp_path / "a"
    for uri in ("gs://bucket/prefix", "sftp://host/folder"):
        with pytest.raises(StoreError) as refused:
            open_store(uri, folder=tmp_path, connections=None)
        assert str(refused.value) == f"{uri}: artifacts go to file:///folder, a plain path or s3://bucket/prefix"


def test_a_bucket_is_opened_with_the_client_of_its_connection(tmp_path):
    connections = SimpleNamespace(s3=lambda name: f"client of {name}")
    store = open_store("s3://bucket/prefix", folder=tmp_path, connections=connections, connection="worm")
    assert store.uri == "s3://bucket/prefix"
    assert store.bucket.client == "client of worm"


def test_what_many_runs_share_is_stored_once_more_where_it_was_damaged(tmp_path):
    store, artifact = (
        LocalStore(str(tmp_path)),
        Artifact(name="policy.yaml", media_type="application/yaml", content=b"a: 1"),
    )
    first = put_blob(store, artifact)
    assert put_blob(store, artifact) == first
    keys = [first.key]
    for _ in range(COPIES):
        damaged = tmp_path / keys[-1]
        damaged.chmod(0o644)
        damaged.write_bytes(b"a: 2")
        again = put_blob(store, artifact)
        assert again.key not in keys
        assert is_blob_key(again.key, again.sha256, "policy.yaml")
        assert read_verified(store, again.record()) == b"a: 1"
        assert put_blob(store, artifact) == again
        keys.append(again.key)
    damaged = tmp_path / keys[-1]
    damaged.chmod(0o644)
    damaged.write_bytes(b"a: 2")
    with pytest.raises(ObjectConflict):
        put_blob(store, artifact)
