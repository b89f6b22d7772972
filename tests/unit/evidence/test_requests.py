"""The ledger of retraining requests: rule, cooldown, budget."""

from __future__ import annotations

import json
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from atomic_moto import atomic_puts
from baseline_cases import nights
from model_governance.contract.moments import moment_key
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError
from model_governance.evidence.requests import book, is_booked, refusal, request_for, requested_manifest, take_turn
from model_governance.policy import RetrainingSpec
from model_governance.store.local import LocalStore
from model_governance.store.s3 import S3Store

DAY = datetime(2025, 6, 1, tzinfo=UTC)


def manifest(*findings, day=DAY, model="tiny"):
    return {
        "policy": {"name": model, "sha256": "a" * 64},
        "run": {"run_id": f"run-{day}", "logical_date": day.isoformat(), "orchestrator": {"dag_id": "nightly"}},
        "verdict": {
            "outcome": "fail",
            "findings": [
                {"check": check, "outcome": outcome, "sentence": f"{check} {outcome}"} for check, outcome in findings
            ],
        },
    }


def request(*, day=DAY, model="tiny", rule=None):
    key = f"v1/runs/model={model}/run={moment_key(day)}/{day:%Y%m%d}00000000/0123456789abcdef/run_manifest.json"
    return request_for(
        rule or RetrainingSpec(), manifest(("drift", "fail"), day=day, model=model), key=key, sha256="b" * 64
    )


@pytest.fixture
def store(tmp_path):
    return LocalStore(str(tmp_path))


@pytest.mark.parametrize(
    ("rule", "findings", "expected"),
    [
        ({}, [("drift", "fail")], ("drift fail",)),
        ({}, [("drift", "warn"), ("quality", "error"), ("privacy", "waived")], None),
        ({"when": ["fail", "uncertain"]}, [("drift", "uncertain")], ("drift uncertain",)),
        ({"checks": ["quality"]}, [("drift", "fail")], None),
        ({"checks": ["quality"]}, [("drift", "fail"), ("quality", "fail")], ("quality fail",)),
        # the worst finding of a check must not hide one that counts
        ({"checks": ["quality"]}, [("quality", "error"), ("quality", "fail")], ("quality fail",)),
    ],
)
def test_the_rule_looks_at_every_finding(rule, findings, expected):
    made = request_for(
        RetrainingSpec(**rule), manifest(*findings), key="v1/runs/model=a/run=2025-06-01T000000Z/b/c/d", sha256=""
    )
    assert (made.findings if made else None) == expected


def test_an_entry_lies_beside_the_run_it_belongs_to(store):
    one = request()
    assert one.key == "v1/retraining/model=tiny/run=2025-06-01T000000Z/2025060100000000.json"
    assert not is_booked(store, one)
    assert book(store, one) == book(store, one)  # a retry books the same bytes
    assert is_booked(store, one)
    assert [*store.keys("v1/retraining/")] == [one.key]


@pytest.mark.parametrize(("gap", "waits"), [(1, True), (7, True), (8, False), (-3, True), (-8, False)])
def test_the_cooldown_counts_nights_in_both_directions(store, gap, waits):
    book(store, request())
    refused = refusal(store, RetrainingSpec(cooldown_days=7), request(day=DAY + timedelta(days=gap)))
    assert bool(refused) is waits
    assert not waits or "2025-06-01" in refused


def test_the_budget_counts_ninety_days_and_its_own_model(store):
    for week in range(4):
        book(store, request(day=DAY + timedelta(weeks=2 * week)))
    rule = RetrainingSpec(cooldown_days=0, max_per_90_days=4)

    assert "4 times within 90 days" in refusal(store, rule, request(day=DAY + timedelta(days=89)))
    assert refusal(store, rule, request(day=DAY + timedelta(days=90))) == ""
    assert refusal(store, rule, request(day=DAY + timedelta(days=50), model="tiny-other")) == ""


def test_a_run_does_not_hold_itself_back(store):
    book(store, request())
    assert refusal(store, RetrainingSpec(), request()) == ""


def test_the_manifest_behind_a_request_is_the_run_of_its_key_and_of_the_digest(tmp_path):
    made = nights(tmp_path, {"geq_to": 0.5})
    made.night(1, 0.9)
    manifest = made.ended[0].manifest
    named = {"key": manifest.key, "sha256": manifest.sha256}
    assert requested_manifest(made.small.store, named)["run"]["run_id"] == "night-1"
    with pytest.raises(EvidenceError, match="altered"):
        requested_manifest(made.small.store, named | {"sha256": "0" * 64})
    with pytest.raises(EvidenceError, match="no address of a manifest"):
        requested_manifest(made.small.store, named | {"key": "v1/runs/x.json"})


DAMAGES = {
    "no JSON": lambda entry: b"{",
    "a field is missing": lambda entry: canonical_json({name: value for name, value in entry.items() if name != "run"}),
    "a wrong type": lambda entry: canonical_json(entry | {"findings": None}),
    "another model": lambda entry: canonical_json(entry | {"model": "other"}),
    "another day": lambda entry: canonical_json(entry | {"logical_date": "2025-01-01T00:00:00+00:00"}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_still_counts_and_is_named(store, tmp_path, damage, caplog):
    booked = request()
    book(store, booked)
    path = tmp_path / booked.key
    path.chmod(0o644)
    path.write_bytes(DAMAGES[damage](booked.record()))
    assert "2025-06-01" in refusal(store, RetrainingSpec(cooldown_days=7), request(day=DAY + timedelta(days=2)))
    assert store.locate(booked.key) in caplog.text
    assert "counts as a request for 2025-06-01" in caplog.text


def test_a_sound_ledger_is_read_without_a_word(store, caplog):
    book(store, request())
    refusal(store, RetrainingSpec(cooldown_days=0), request(day=DAY + timedelta(days=2)))
    assert caplog.text == ""


def test_what_is_for_information_only_is_no_reason_to_train():
    run = manifest(("drift", "warn"))
    run["verdict"]["findings"][0]["severity"] = "info"
    key = "v1/runs/model=a/run=2025-06-01T000000Z/b/c/d"
    assert request_for(RetrainingSpec(when=["warn"]), run, key=key, sha256="") is None


def test_two_runs_of_one_day_are_two_runs(store):
    morning, evening = request(day=DAY), request(day=DAY + timedelta(hours=12))
    book(store, morning)
    assert not is_booked(store, evening)
    assert morning.key != evening.key
    assert refusal(store, RetrainingSpec(cooldown_days=0), evening) == ""
    assert "2025-06-01" in refusal(store, RetrainingSpec(cooldown_days=1), evening)


class Slow:
    """A store in which every look at the ledger ends before anybody writes: runs that ask at the same time see the same."""

    def __init__(self, below, parties):
        self._below, self._start, self._looked = below, threading.Barrier(parties), threading.local()

    def __getattr__(self, name):
        return getattr(self._below, name)

    def put_once(self, key, content, *, media_type):
        if not getattr(self._looked, "once", False):
            self._looked.once = True
            self._start.wait(timeout=10)
        return self._below.put_once(key, content, media_type=media_type)


@pytest.mark.parametrize(("cooldown", "most", "booked"), [(7, 4, 1), (0, 2, 2), (0, 4, 3)])
def test_a14_of_three_runs_that_ask_at_once_as_many_are_booked_as_the_rule_allows(store, cooldown, most, booked):
    rule = RetrainingSpec(cooldown_days=cooldown, max_per_90_days=most)
    asking = [request(day=DAY + timedelta(days=day)) for day in range(3)]
    slow = Slow(store, parties=3)

    def ask(one):
        reason = take_turn(slow, rule, one)
        if not reason:
            book(store, one)
        return reason

    with ThreadPoolExecutor(3) as threads:
        reasons = list(threads.map(ask, asking))

    assert reasons.count("") == booked
    assert sum(is_booked(store, one) for one in asking) == booked
    assert all("cooldown_days" in reason or "max_per_90_days" in reason for reason in reasons if reason)


def _ask_from_another_process(folder, day):
    store = LocalStore(folder)
    one = request(day=DAY + timedelta(days=day))
    reason = take_turn(store, RetrainingSpec(cooldown_days=7), one)
    if not reason:
        book(store, one)
    return reason


def test_three_processes_that_ask_for_three_nights_at_once_book_one_retraining(tmp_path):
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("fork")) as processes:
        reasons = list(processes.map(_ask_from_another_process, [str(tmp_path)] * 3, range(3)))

    assert reasons.count("") == 1
    assert len(list(LocalStore(str(tmp_path)).keys("v1/retraining/"))) == 1


def test_three_runs_that_ask_a_bucket_at_once_book_one_retraining():
    """moto, with the question "is it there?" and the write in one step, as a real S3 server has it."""
    asking = [request(day=DAY + timedelta(days=day)) for day in range(3)]
    with mock_aws(), atomic_puts():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="evidence")
        slow = Slow(S3Store("s3://evidence/governance", client=client), parties=3)

        def ask(one):
            reason = take_turn(slow, RetrainingSpec(cooldown_days=7), one)
            if not reason:
                book(slow, one)
            return reason

        with ThreadPoolExecutor(3) as threads:
            reasons = list(threads.map(ask, asking))
        booked = list(slow.keys("v1/retraining/"))

    assert (reasons.count(""), len(booked)) == (1, 1)


def test_a_request_names_the_link_that_its_chain_ended_with(store):
    head = {"sequence": 12, "sha256": "c" * 64}
    key = request().manifest["key"]
    made = request_for(RetrainingSpec(), manifest(("drift", "fail")), key=key, sha256="b" * 64, head=head)
    book(store, made)
    assert json.loads(store.get(made.key))["head"] == head


def test_an_entry_of_an_earlier_release_has_no_head_and_is_read_without_a_word(store, caplog):
    old = {name: value for name, value in request().record().items() if name != "head"}
    store.put_once(request().key, canonical_json(old), media_type="application/json")
    assert "2025-06-01" in refusal(store, RetrainingSpec(), request(day=DAY + timedelta(days=1)))
    assert caplog.text == ""


def test_a_run_that_was_killed_before_it_booked_has_its_turn_still_and_others_wait_for_it(store):
    rule, killed, next_day = RetrainingSpec(cooldown_days=7), request(), request(day=DAY + timedelta(days=1))
    assert take_turn(store, rule, killed) == ""

    assert "was requested for 2025-06-01" in take_turn(store, rule, next_day)
    assert take_turn(store, rule, killed) == ""
    assert len(list(store.keys("v1/retraining-turns/"))) == 1


def test_what_is_no_turn_is_not_passed_over(store):
    store.put_once("v1/retraining-turns/model=tiny/000001.json", b"{}", media_type="application/json")
    with pytest.raises(EvidenceError, match=r"000001\.json"):
        take_turn(store, RetrainingSpec(), request())
