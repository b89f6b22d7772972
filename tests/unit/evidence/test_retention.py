"""Holds, retention and pruning: what must stay stays, what goes is named in the chain before it goes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import project
from auditor import OPENSSL, audit
from baseline_cases import FIRST, Nights, stand_in
from model_governance.archiving import archive_run
from model_governance.authoring.keys import make_keys
from model_governance.authoring.retention import hold_runs
from model_governance.contract.connections import PlainConnections
from model_governance.errors import EvidenceError, StoreUnreachable
from model_governance.evidence.chain import link_keys, read_link
from model_governance.evidence.holds import Hold, holds_in_force
from model_governance.evidence.pruning import finish_pruning, plan_pruning, prune
from model_governance.evidence.signing import open_signer, signer_of
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_model
from model_governance.run import run_check

BOUND = {"metric": "accuracy", "geq_to": 0.5}
LOSS = {"metric": "accuracy", "min_absolute_change": -0.05, "against": "approved"}
NOW = datetime(2036, 1, 1, tzinfo=UTC)


@pytest.fixture
def made(tmp_path):
    make_keys(tmp_path / "keys", owner="Ops", moment=project.DAY)
    small = project.small_project(tmp_path, checks={"quality": {"kind": "model_quality", "thresholds": [BOUND]}})
    small.change(archive={"signing_key": "file:keys/signing_key.pem", "trust": "keys/trust.yaml"})
    made = Nights(small)
    for day in range(1, 7):
        made.night(day, 0.9 + day / 1000)
    return made


def day(number: int) -> datetime:
    return FIRST + timedelta(days=number - 1)


def trust(made):
    return read_trust(made.small.folder / "keys" / "trust.yaml")


def plan(made, before: int):
    return plan_pruning(made.small.store, "synthetic", before=day(before), now=NOW, trust=trust(made))


def removed(made, planned) -> str:
    signer = signer_of(made.small.policy())
    return prune(made.small.store, planned, reason="older than we keep", by="A. Owner", moment=NOW, signer=signer)


def verified(made):
    return verify_model(made.small.store, "synthetic", trust=trust(made))


def hold(made, first: int, last: int, **more) -> Hold:
    told = {"reason": "claim 12/2026", "by": "Legal", "at": day(6)} | more
    held = Hold(model="synthetic", first=day(first), last=day(last), **told)
    hold_runs(made.small.store, made.small.policy(), held)
    return held


def test_old_runs_go_and_the_chain_says_which(made):
    planned = plan(made, before=4)
    assert [moment for moment, _ in planned.runs] == [day(1), day(2), day(3)]
    before = set(made.small.store.keys("v1/"))
    removed(made, planned)
    gone = before - set(made.small.store.keys("v1/"))
    assert set(planned.objects) <= gone
    found = verified(made)
    assert found.is_sound
    assert "run.pruned" in {problem.code for problem in found.problems}
    *_, (_, key) = link_keys(made.small.store, "synthetic")
    link = read_link(made.small.store, key)
    assert link.kind == "tombstone"
    assert link.is_signed
    stated = {each["key"] for each in link.predicate["document"]["removed"]}
    assert stated == set(planned.objects)


@pytest.mark.skipif(OPENSSL is None, reason="the verifier for auditors needs the openssl command")
def test_the_verifier_for_auditors_agrees_about_what_was_pruned(made):
    planned, keys = plan(made, before=4), made.small.folder / "keys"
    folder, public = made.small.store.root, keys / "signing_key.pub"
    removed(made, planned)
    answer = audit(folder, public)
    assert (answer.code, answer.problems) == (0, set())
    assert f"{len(planned.objects)} objects pruned" in answer.output
    staying = next(key for key in made.small.store.keys("v1/blobs/") if key.endswith(".html"))
    (folder / staying).unlink()
    assert audit(folder, public).problems == {"object.missing"}
    assert "object.missing" in {problem.code for problem in verified(made).problems}


@pytest.mark.skipif(OPENSSL is None, reason="the verifier for auditors needs the openssl command")
@pytest.mark.parametrize("fault", ["altered", "signed by a stranger"])
def test_a_tombstone_that_is_not_sound_excuses_nothing_in_either_verifier(made, fault, tmp_path):
    planned = plan(made, before=4)
    public = made.small.folder / "keys" / "signing_key.pub"
    if fault == "altered":
        removed(made, planned)
        (tombstone,) = made.small.store.keys("v1/tombstones/")
        path = made.small.store.root / tombstone
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b"A. Owner", b"A. Other"))
    else:
        make_keys(tmp_path / "stranger", owner="Nobody", moment=project.DAY)
        other = open_signer("file:signing_key.pem", folder=tmp_path / "stranger", connections=PlainConnections())
        prune(made.small.store, planned, reason="to hide it", by="Nobody", moment=NOW, signer=other)
    ours = {problem.code for problem in verified(made).problems if problem.severity == "error"}
    assert audit(made.small.store.root, public).problems == ours
    assert "object.missing" in ours


def test_what_a_run_shares_with_one_that_stays_is_kept(made):
    planned = plan(made, before=4)
    policy = json.loads(made.small.store.get(made.ended[0].manifest.key))["policy"]["key"]
    assert policy not in planned.objects
    removed(made, planned)
    made.night(7, 0.9)
    assert verified(made).is_sound


def test_a_hold_keeps_its_runs_until_it_is_released(made):
    held = hold(made, 2, 3)
    planned = plan(made, before=5)
    assert [moment for moment, _ in planned.runs] == [day(1), day(4)]
    assert planned.kept == (
        "run 2026-03-02: held by Legal since 2026-03-06 (2026-03-02 to 2026-03-03): claim 12/2026",
        "run 2026-03-03: held by Legal since 2026-03-06 (2026-03-02 to 2026-03-03): claim 12/2026",
    )
    hold(made, 2, 3, releases=held.key, reason="claim closed", at=day(7))
    assert len(plan(made, before=5).runs) == 4
    assert verified(made).is_sound


def test_an_altered_hold_lets_nothing_go(made):
    held = hold(made, 2, 3)
    path = made.small.store.root / held.key
    path.chmod(0o644)
    path.write_bytes(held.content.replace(b"2026-03-03", b"2026-03-02"))
    with pytest.raises(EvidenceError, match=held.key):
        plan(made, before=5)


def test_a_release_that_nobody_signed_releases_nothing(made):
    held = hold(made, 2, 3)
    made.small.change(archive={})
    hold(made, 2, 3, releases=held.key, reason="let go", at=day(7))
    with pytest.raises(EvidenceError, match="it is unsigned"):
        plan(made, before=5)
    assert len(holds_in_force(made.small.store, "synthetic", trust=None)) == 0


def test_an_accepted_run_and_a_baseline_stay(made):
    made.accept("2026-03-02")
    assert any("accepted by A. Owner" in sentence for sentence in plan(made, before=4).kept)
    made.small.raw["checks"]["quality"]["thresholds"] = [LOSS]
    made.small.change()
    made.night(7, 0.9)
    baseline = made.ended[-1].link.predicate["checks"][0]["baselines"]["approved"]["manifest"]["key"]
    assert baseline not in [key for _, key in plan(made, before=7).runs]


def test_a_tombstone_that_nobody_signed_excuses_nothing(made):
    planned = plan(made, before=3)
    prune(made.small.store, planned, reason="hide it", by="Mallory", moment=NOW, signer=None)
    codes = {problem.code for problem in verified(made).problems if problem.severity == "error"}
    assert "object.missing" in codes
    assert "link.signature" in codes


def test_a_pruning_that_broke_off_is_finished_by_the_next_one(made):
    planned, store = plan(made, before=4), made.small.store

    class Breaks:
        left = 2

        def __getattr__(self, name):
            return getattr(store, name)

        def remove(self, key: str) -> None:
            if self.left == 0:
                raise StoreUnreachable("killed")
            self.left -= 1
            store.remove(key)

    with pytest.raises(StoreUnreachable):
        prune(
            Breaks(), planned, reason="older than we keep", by="A. Owner", moment=NOW,
            signer=signer_of(made.small.policy()),
        )  # fmt: skip
    assert verified(made).is_sound
    assert finish_pruning(store, "synthetic", trust=trust(made)) > 0
    assert not set(planned.objects) & set(store.keys("v1/"))
    assert verified(made).is_sound


def test_what_a_run_of_another_model_shares_is_kept(made, tmp_path):
    (tmp_path / "other").mkdir()
    other = project.small_project(tmp_path / "other", checks=made.small.raw["checks"])
    other.change(
        model=other.raw["model"] | {"name": "other"}, artifacts={"uri": "../archive"},
        archive={"signing_key": "file:../keys/signing_key.pem"},
    )  # fmt: skip
    run = other.night(day(9), "other-1")
    check = run_check(
        other.policy(), "quality", run=run, store=made.small.store, connections=PlainConnections(), check=stand_in(0.9)
    )
    archived = archive_run(other.policy(), {"quality": check.summary()}, run=run, store=made.small.store)
    planned = plan(made, before=99)
    assert len(planned.runs) == 6
    shared = set(archived.link.objects) & set(made.ended[0].link.objects)
    assert shared, "the control map is one object for all models"
    removed(made, planned)
    assert shared <= set(made.small.store.keys("v1/blobs/"))
    assert verify_model(made.small.store, "other", trust=trust(made)).is_sound
    assert verified(made).is_sound


def test_what_a_run_stored_anew_after_it_was_pruned_stays(made):
    accuracy, store = made.ended[0].link.objects, made.small.store
    removed(made, plan(made, before=99))
    assert not set(accuracy) & set(store.keys("v1/blobs/"))
    made.night(1, 0.901, run_id="again")
    assert set(made.ended[-1].link.objects) & set(accuracy), "the same policy and number have the same keys"
    assert finish_pruning(store, "synthetic", trust=trust(made)) == 0
    assert verified(made).is_sound
