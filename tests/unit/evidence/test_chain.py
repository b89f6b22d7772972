"""The chain of a model: one link after the other, whoever appends, and what is damaged stays visible."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from model_governance.errors import EvidenceError, StoreUnreachable
from model_governance.evidence.chain import (
    HINTS,
    PER_FOLDER,
    append,
    describe_link,
    find_head,
    leave_hint,
    link_key,
    link_keys,
    link_of,
    models_with_chain,
    read_link,
)
from model_governance.evidence.envelope import Envelope
from model_governance.evidence.signing import new_private_key, read_private_key
from model_governance.evidence.statement import document_statement
from model_governance.store.local import LocalStore


@pytest.fixture
def store(tmp_path):
    return LocalStore(str(tmp_path))


def address(name: str) -> dict:
    return {"key": f"v1/acceptances/model=loans/{name}.json", "sha256": hashlib.sha256(name.encode()).hexdigest()}


def add(store, name: str, *, model="loans", signer=None, **more):
    about = address(name)
    return append(
        store, model, lambda place: [document_statement("acceptance", {"name": name}, place, address=about)],
        about=about, signer=signer, **more,
    )  # fmt: skip


def alter(store, link, content: bytes) -> None:
    path = store.root / link.key
    path.chmod(0o644)
    path.write_bytes(content)


def test_each_link_holds_the_digest_of_the_one_before(store):
    links = [add(store, f"a{number}") for number in range(4)]
    assert [link.sequence for link in links] == [1, 2, 3, 4]
    assert [link.previous for link in links] == [None, *(link.digest for link in links[:-1])]
    assert find_head(store, "loans").digest == links[-1].digest
    assert [key for _, key in link_keys(store, "loans")] == [link.key for link in links]


def test_the_digest_is_that_of_the_payload_so_that_signing_anew_changes_nothing(store):
    link = add(store, "a")
    assert link.digest == hashlib.sha256(link.envelopes[0].payload).hexdigest()
    signer = read_private_key(new_private_key()[0], origin="test")
    sealed = Envelope(payload=link.envelopes[0].payload, signatures=())
    alter(store, link, sealed.line() + b"\n")
    assert read_link(store, link.key).digest == link.digest
    assert not link.is_signed
    assert signer.keyid[:16] in describe_link(add(store, "b", signer=signer))
    assert "UNSIGNED" in describe_link(link)


def test_the_same_object_is_linked_once(store):
    first = add(store, "a")
    add(store, "b")
    assert add(store, "a") == first
    assert find_head(store, "loans").sequence == 2


def test_chains_of_models_are_their_own(store):
    add(store, "a")
    add(store, "a", model="fraud")
    assert models_with_chain(store) == ["fraud", "loans"]
    assert find_head(store, "fraud").sequence == 1


def test_many_writers_lose_nothing(store):
    with ThreadPoolExecutor(16) as pool:
        links = list(pool.map(lambda number: add(store, f"w{number}"), range(32)))
    assert sorted(link.sequence for link in links) == list(range(1, 33))
    read = [read_link(store, key) for _, key in link_keys(store, "loans")]
    assert [link.previous for link in read] == [None, *(link.digest for link in read[:-1])]
    assert {link.about["key"] for link in read} == {address(f"w{number}")["key"] for number in range(32)}


def test_a_writer_that_always_loses_says_so(store, monkeypatch):
    class Busy(LocalStore):
        def put_once(self, key, content, *, media_type):
            if key.startswith("v1/chain/"):
                add(store, f"other {key}")
            return super().put_once(key, content, media_type=media_type)

    monkeypatch.setattr("model_governance.evidence.chain.TRIES", 3)
    with pytest.raises(StoreUnreachable, match="other writers were faster 3 times"):
        add(Busy(str(store.root)), "mine")


def test_the_chain_goes_on_behind_a_damaged_head_and_says_so(store):
    add(store, "a")
    link = add(store, "b")
    alter(store, link, b"damaged")
    after = add(store, "c")
    assert after.sequence == 3
    assert after.predicate["previous"]["sha256"] == hashlib.sha256(b"damaged").hexdigest()
    assert link.key in after.predicate["previous"]["problem"]
    assert add(store, "d").previous == after.digest


def test_the_head_is_found_across_folders(store):
    link = add(store, "a")
    for sequence in (PER_FOLDER - 1, PER_FOLDER, 3 * PER_FOLDER - 1, 3 * PER_FOLDER):
        for folder in range(sequence // PER_FOLDER + 1):  # folders fill one after the other
            number = min(sequence, (folder + 1) * PER_FOLDER - 1)
            store.put_once(link_key("loans", number), b"any", media_type="text/plain")
        assert find_head(store, "loans").sequence == sequence
    assert link.sequence == 1


def test_a_hint_leads_to_the_link_and_is_not_believed(store):
    link = add(store, "a")
    other = add(store, "b")
    leave_hint(store, link)
    assert link_of(store, "loans", about=address("a"), search=0) == link
    store.put_once(HINTS + address("b")["key"], json.dumps({"key": link.key}).encode(), media_type="application/json")
    assert link_of(store, "loans", about=address("b")) == other
    assert link_of(store, "loans", about=address("c")) is None
    store.put_once(HINTS + address("c")["key"], b"\xff{", media_type="application/json")
    assert link_of(store, "loans", about=address("c")) is None


def rewritten(link, **fields):
    """The link with other fields in its predicate, spelled as this package spells it."""
    from model_governance.evidence.envelope import canonical

    statement = {**link.statement, "predicate": {**link.predicate, **fields}}
    return Envelope(payload=canonical(statement)).line() + b"\n"


@pytest.mark.parametrize(
    "fields",
    [
        {"sequence": 7}, {"sequence": "1"}, {"model_name": "fraud"}, {"recorded_at": "yesterday"}, {"recorded_at": 3},
        {"previous": {"sha256": "x"}}, {"previous": []}, {"address": {"key": "a", "sha256": ""}}, {"address": None},
        {"address": {"key": 1, "sha256": "0" * 64}},
    ],
)  # fmt: skip
def test_a_link_of_another_place_or_form_is_refused(store, fields):
    link = add(store, "a")
    with pytest.raises(EvidenceError, match=link.key):
        read_link(store, link.key, content=rewritten(link, **fields))


def test_other_bytes_are_no_link(store):
    link = add(store, "a")
    for content in (b"", b"\n", link.content[:-1], link.content + b"\n", link.content + link.content, b"{}\n"):
        with pytest.raises(EvidenceError, match=link.key):
            read_link(store, link.key, content=content)
    with pytest.raises(EvidenceError, match="expected a link of a chain"):
        read_link(store, "v1/blobs/x.json", content=link.content)
