"""Decisions on versions as evidence: who is champion, what is refused to be believed, and one winner of several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import project
from model_governance.authoring.decisions import store_decision
from model_governance.errors import EvidenceError
from model_governance.evidence.history import Archive
from model_governance.evidence.promotions import (
    Promotion,
    Version,
    as_promotion,
    champion_of,
    champion_version,
    governed,
    take_turn,
    trainings_without_gain,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MARGINS = {"quality": {"accuracy": 0.02}}


@pytest.fixture
def made(tmp_path):
    return project.small_project(tmp_path).change(promotion={"margins": MARGINS})


def version(made, digest):
    return Version(model=made.raw["model"] | {"sha256": digest * 64}, datasets={"train": {"uri": f"{digest}.parquet"}})


def decided(made, digest, *, at=NOW, decision="promoted", **more):
    policy = made.policy()
    fields = {
        "model": "synthetic", "decision": decision, "reason": "shown", "policy_sha256": policy.file_sha256,
        "named_sha256": policy.model.sha256, "champion": version(made, digest), "challenger": version(made, digest),
        "by": "policy", "decided_at": at,
    }  # fmt: skip
    return store_decision(Promotion(**fields | more), made.store, None)


def archive(made):
    return Archive(made.store, "synthetic")


def test_without_a_decision_the_model_of_the_policy_is_the_champion(made):
    policy = made.policy()
    assert champion_version(archive(made), policy).sha256 == policy.model.sha256
    assert governed(policy, made.store) is policy


def test_a_promoted_version_is_governed_from_then_on_and_not_before(made):
    decided(made, "a")
    policy = made.policy()
    after = governed(policy, made.store, moment=NOW)
    assert (after.model.sha256, after.datasets["train"].uri) == ("a" * 64, "a.parquet")
    assert after.file_sha256 == policy.file_sha256
    assert after.sha256 != policy.sha256
    assert governed(policy, made.store, moment=NOW - timedelta(seconds=1)) is policy


def test_a_refusal_changes_no_champion(made):
    decided(made, "a")
    decided(made, "b", at=NOW + timedelta(days=1), decision="refused", champion=version(made, "a"))
    assert champion_version(archive(made), made.policy()).sha256 == "a" * 64


def test_who_edits_the_model_of_the_policy_decides_anew(made):
    decided(made, "a")
    made.change(model=made.raw["model"] | {"sha256": "c" * 64})
    assert champion_of(archive(made), made.policy()) is None


def test_a_policy_without_promotion_governs_its_own_model(made):
    decided(made, "a")
    del made.raw["promotion"]
    assert governed(made.change().policy(), made.store).model.sha256 != "a" * 64


def test_what_was_altered_or_removed_is_an_error_and_never_the_champion_before(made, tmp_path):
    stored = decided(made, "a")
    file = tmp_path / "archive" / stored.key
    file.chmod(0o644)
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"shown"', b'"shewn"'))
    with pytest.raises(EvidenceError, match="altered afterwards"):
        governed(made.policy(), made.store)
    file.parent.chmod(0o755)
    file.unlink()
    with pytest.raises(EvidenceError, match="it was removed"):
        governed(made.policy(), made.store)


@pytest.mark.parametrize(
    "damage",
    [{"champion": {"model": {}, "datasets": {}}}, {"decision": "hoped"}, {"decided_at": "soon"}, {"gained": 1}],
)
def test_other_fields_are_no_decision(made, damage):
    import json

    from model_governance.contract.result import canonical_json

    record = json.loads(decided(made, "a").content) | damage
    with pytest.raises(EvidenceError, match="somewhere"):
        as_promotion(canonical_json(record), origin="somewhere")


def test_of_several_decisions_at_once_one_replaces_the_champion(made):
    def turn(token):
        return take_turn(made.store, "synthetic", before="", token=token, now=NOW)

    with ThreadPoolExecutor(4) as threads:
        won = list(threads.map(turn, ["a", "b", "c", "d"]))
    assert won.count(True) == 1
    winner = "abcd"[won.index(True)]
    assert turn(winner)  # tried again
    assert [take_turn(made.store, "synthetic", before="k", token=token, now=NOW) for token in "xy"] == [True, False]


def test_a_turn_whose_decision_never_came_lapses_after_a_day(made):
    assert take_turn(made.store, "synthetic", before="", token="killed", now=NOW)
    assert not take_turn(made.store, "synthetic", before="", token="next", now=NOW + timedelta(hours=23))
    assert take_turn(made.store, "synthetic", before="", token="next", now=NOW + timedelta(hours=25))
    assert not take_turn(made.store, "synthetic", before="", token="killed", now=NOW + timedelta(hours=26))


def test_trainings_without_a_better_model_are_counted_until_one_helps_or_somebody_edits_the_policy(made):
    def day(number):
        return NOW + timedelta(days=number)

    decided(made, "a", at=day(0), gained=True)
    for number, (digest, decision) in enumerate([("b", "refused"), ("c", "promoted"), ("d", "refused")], start=1):
        decided(made, digest, at=day(number), decision=decision)
    decided(made, "e", at=day(4), decision="refused", challenger=None)  # a window that was refused trained nothing
    assert trainings_without_gain(archive(made), made.policy()) == 3
    made.change(description="looked at")
    assert trainings_without_gain(archive(made), made.policy()) == 0


def test_the_sentence_says_who_is_champion(made):
    stored = decided(made, "a")
    assert "version aaaaaaaaaaaa is the champion, decided by policy" in stored.sentence
    refused = replace(stored, decision="refused", challenger=None)
    assert "nothing was trained" in refused.sentence
