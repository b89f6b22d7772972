"""What a crash left without a link is found in the newest notes, without listing the archive."""

from __future__ import annotations

import json

import pytest

from model_governance.evidence.begun import BLOCK, note_begun, note_linked, unfinished
from model_governance.evidence.chain import find_head
from model_governance.evidence.controls import built_in_controls
from model_governance.evidence.links import link_document, repair, store_document
from model_governance.store.local import LocalStore

LINKS = 2 * BLOCK + 30


class Watched:
    """A store that counts the keys that it lists, by the first folder of the prefix."""

    def __init__(self, store) -> None:
        self._store, self.listed = store, {}

    def __getattr__(self, name):
        return getattr(self._store, name)

    def keys(self, prefix):
        found = list(self._store.keys(prefix))
        kind = prefix.split("/")[1]
        self.listed[kind] = self.listed.get(kind, 0) + len(found)
        return iter(found)


def document(number: int) -> tuple[str, bytes]:
    content = json.dumps({"number": number}).encode()
    return f"v1/retraining/model=loans/{number:06d}.json", content


def store_next(store, number: int) -> None:
    key, content = document(number)
    store_document(store, "retraining_request", "loans", key=key, content=content, signer=None)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    store = LocalStore(str(tmp_path_factory.mktemp("archive")))
    for number in range(1, LINKS + 1):
        store_next(store, number)
    return store


def mend(store):
    return repair(store, "loans", signer=None, moment="2026-03-01T00:00:00+00:00", but="", controls=built_in_controls())


def test_nothing_is_left_where_every_writer_finished(long):
    assert list(unfinished(long, "loans", head=LINKS)) == []
    watched = Watched(long)
    assert mend(watched) == []
    assert watched.listed.keys() <= {"begun", "chain"}
    assert watched.listed["begun"] < 4 * BLOCK


def test_what_was_begun_and_stored_is_found_by_its_note(long):
    key, content = document(0)
    note_begun(long, "loans", key)
    long.put_once(key, content, media_type="application/json")
    assert list(unfinished(long, "loans", head=LINKS)) == [(LINKS + 1, key)]
    assert [link.about["key"] for link in mend(long)] == [key]
    assert find_head(long, "loans").sequence == LINKS + 1
    assert mend(long) == []


def test_a_link_whose_writer_took_no_note_makes_the_next_one_look_at_all_documents(long):
    key, content = document(LINKS + 2)
    (noted, other) = (document(LINKS + 3), document(LINKS + 4))
    for each, bytes_ in (noted, other):
        long.put_once(each, bytes_, media_type="application/json")  # as a release without notes left them
    long.put_once(key, content, media_type="application/json")
    link = link_document(long, "retraining_request", "loans", key=key, content=content, signer=None)
    assert mend(long) == []
    notes = [note for note in long.keys("v1/begun/") if f"{link.sequence:010d}-" in note]
    for note in notes:
        (long.root / note).unlink()
    assert [each.about["key"] for each in mend(long)] == [noted[0], other[0]]


def test_a_note_of_a_link_is_taken_once(long):
    key, _ = document(5)
    note_linked(long, "loans", key, number=5)
    assert list(unfinished(long, "loans", head=5)) == []
