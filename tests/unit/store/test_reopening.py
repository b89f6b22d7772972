"""A store whose credentials were corrected is read again without a restart, and nothing is ever written through it."""

from __future__ import annotations

import pytest

from model_governance.errors import ObjectMissing, StoreError, StoreUnreachable
from model_governance.store.local import LocalStore
from model_governance.store.reopening import ReopeningStore


class Refusing:
    """A store of which the first ones refuse everything."""

    def __init__(self, error):
        self.uri, self.error, self.asked = "s3://bucket", error, 0

    def get(self, key):
        self.asked += 1
        raise self.error

    def keys(self, prefix):
        self.asked += 1
        raise self.error


@pytest.fixture
def good(tmp_path):
    store = LocalStore(str(tmp_path))
    store.put_once("v1/a", b"a", media_type="text/plain")
    return store


@pytest.mark.parametrize("error", [StoreError("InvalidAccessKeyId"), StoreUnreachable("ExpiredToken")])
def test_a_store_that_refuses_is_opened_again(good, error):
    opened = iter([Refusing(error), good])
    store = ReopeningStore(lambda: next(opened))
    assert store.get("v1/a") == b"a"
    assert list(store.keys("v1/")) == ["v1/a"]


def test_it_is_opened_once_for_each_question_and_then_refuses():
    all_opened = []

    def opened():
        all_opened.append(Refusing(StoreError("AccessDenied")))
        return all_opened[-1]

    store = ReopeningStore(opened)
    with pytest.raises(StoreError, match="AccessDenied"):
        store.get("v1/a")
    assert [each.asked for each in all_opened] == [1, 1]


def test_a_missing_object_is_no_reason_to_open_it_again(good):
    opened = []
    store = ReopeningStore(lambda: opened.append(1) or good)
    with pytest.raises(ObjectMissing):
        store.get("v1/b")
    assert opened == [1]


def test_nothing_is_written_held_or_removed(good):
    store = ReopeningStore(lambda: good)
    for forbidden in (
        lambda: store.put_once("v1/b", b"b", media_type="text/plain"),
        lambda: store.hold("v1/a", on=True),
        lambda: store.remove("v1/a"),
    ):
        with pytest.raises(StoreError, match="only read"):
            forbidden()
    assert store.get("v1/a") == b"a"
    assert store.versions("v1/a").keys() == {"v1/a"}
    assert store.locate("v1/a") == good.locate("v1/a")
