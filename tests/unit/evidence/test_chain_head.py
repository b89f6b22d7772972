"""The newest link is found with few requests, also where links were removed."""

from __future__ import annotations

import pytest

from model_governance.evidence import chain
from model_governance.evidence.chain import find_head, link_key
from model_governance.store.local import LocalStore


class CountingStore(LocalStore):
    """Counts requests."""

    requests = 0

    def get(self, key):
        self.requests += 1
        return super().get(key)

    def keys(self, prefix):
        self.requests += 1
        return super().keys(prefix)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(chain, "PER_FOLDER", 10)
    return CountingStore(str(tmp_path))


def fill(store, count):
    for number in range(1, count + 1):
        store.put_once(link_key("loans", number), b"{}", media_type="application/json")


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 20, 21, 99, 100, 101, 257])
def test_every_length_is_found(store, count):
    fill(store, count)
    assert find_head(store, "loans").sequence == count


def test_the_number_of_requests_grows_with_the_logarithm(store):
    fill(store, 640)
    store.requests = 0
    find_head(store, "loans")
    assert store.requests <= 17


@pytest.mark.parametrize("removed", [1, 10, 20, 40, 60, 80, 90])
def test_a_removed_first_link_of_a_folder_hides_no_later_one(store, removed):
    fill(store, 97)
    (store.root / link_key("loans", removed)).unlink()
    assert find_head(store, "loans").sequence == 97
