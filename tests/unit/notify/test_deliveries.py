"""What was sent is on record beside the evidence, and a repeated run reads it."""

from __future__ import annotations

import json

import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.errors import ObjectConflict
from model_governance.notify import message_of
from model_governance.notify.deliveries import MOST_TRIES, deliveries_of, delivery_to, store_deliveries, was_last_sent
from model_governance.policy.notifications import ChannelSpec
from model_governance.store import open_store
from notify_cases import DAY, FAIL, PASS, before

HOOK = ChannelSpec(type="webhook", connection="hook")
RUN = {"moment": DAY, "manifest": f"v1/runs/model=loans/run=2026-06-10T000000Z/{'a' * 16}/{'b' * 16}/run_manifest.json"}


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path), folder=tmp_path, connections=PlainConnections())


def note(current, *earlier, link="https://airflow/1"):
    return message_of(current, moment=DAY, earlier=before(*earlier), link=link).note()


def test_every_try_is_kept_the_oldest_first(store):
    failed = delivery_to(HOOK, "run", "failed", problem="status 500", note=note(FAIL))
    sent = delivery_to(HOOK, "run", "sent", note=note(FAIL))
    for each in (failed, sent):
        store_deliveries(store, "loans", deliveries=[each], **RUN)
    assert deliveries_of(store, "loans", **RUN) == [failed, sent]
    assert failed.sentence == "run to webhook (hook): failed, status 500"


def test_a_second_manifest_of_a_run_finds_what_the_first_sent(store):
    store_deliveries(store, "loans", deliveries=[delivery_to(HOOK, "run", "sent", note=note(FAIL))], **RUN)
    again = RUN | {"manifest": RUN["manifest"].replace("b" * 16, "c" * 16)}
    known = deliveries_of(store, "loans", **again)
    assert delivery_to(HOOK, "run", "sent", note=note(FAIL, link="https://airflow/2")) in known
    assert delivery_to(HOOK, "run", "sent", note=note(FAIL, PASS, FAIL)) in known, "says the same"
    assert delivery_to(HOOK, "run", "sent", note=note(FAIL, FAIL)) not in known
    assert delivery_to(HOOK, "digest", "sent", note=note(FAIL)) not in known
    other = RUN | {"manifest": RUN["manifest"].replace("a" * 16, "d" * 16)}
    assert deliveries_of(store, "loans", **other) == []


def test_only_what_a_channel_was_told_last_is_not_said_again():
    fail, resolved = (delivery_to(HOOK, "run", "sent", note=note(*each)) for each in ((FAIL,), (PASS, FAIL)))
    failed = delivery_to(HOOK, "run", "failed", problem="status 500", note=note(FAIL))
    other = delivery_to(HOOK.model_copy(update={"connection": "other"}), "run", "sent", note=note(FAIL))
    assert was_last_sent([fail], fail)
    assert was_last_sent([resolved, fail, failed, other], fail)
    assert not was_last_sent([fail, resolved], fail)
    assert not was_last_sent([failed, other], fail)
    assert not was_last_sent([], fail)


def test_what_cannot_be_read_is_left_out(store):
    key = store_deliveries(store, "loans", deliveries=[delivery_to(HOOK, "run", "sent")], **RUN)
    record = json.loads(store.get(key))
    for number, damaged in enumerate((b"{", json.dumps(record | {"more": 1}).encode(), b"[]"), start=2):
        store.put_once(f"{key.rsplit('/', 1)[0]}/{number:02d}.json", damaged, media_type="application/json")
    assert deliveries_of(store, "loans", **RUN) == [delivery_to(HOOK, "run", "sent")]


def test_the_tries_of_a_run_end(store):
    for _ in range(MOST_TRIES):
        store_deliveries(store, "loans", deliveries=[], **RUN)
    with pytest.raises(ObjectConflict, match="holds 50 tries of one run"):
        store_deliveries(store, "loans", deliveries=[], **RUN)
