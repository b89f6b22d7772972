"""The loop on a real model: a red night, a challenger, and a decision that verifies."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

import project
import retraining_cases as cases
from model_governance.authoring.decisions import measured, refuse, store_decision
from model_governance.authoring.promote import govern_challenger, roll_back
from model_governance.authoring.retrain import screened_sha256, train, training_request
from model_governance.cli import main
from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import canonical_json
from model_governance.errors import PolicyError, SubjectError
from model_governance.evidence.acceptance import acceptances
from model_governance.evidence.history import Archive
from model_governance.evidence.promotions import champion_version, governed, promotions
from model_governance.run import run_policy
from model_governance.subjects import load_dataset, load_model
from model_governance.subjects.approved_answers import approve


@pytest.fixture(scope="module")
def red(tmp_path_factory):
    """The project after its red night."""
    made = cases.red_project(tmp_path_factory.mktemp("red"))
    policy = made.policy()
    rows = load_dataset("reference", policy.datasets["reference"], folder=made.folder, connections=PlainConnections())
    model = load_model(policy.model, policy.columns, folder=made.folder, connections=PlainConnections())
    approval = canonical_json(
        approve(
            model, policy.columns, rows.read(list(policy.columns.names)), uri="reference.parquet", sha256=rows.sha256
        )
    )
    (made.folder / "approval.json").write_bytes(approval)
    digest = cases.sha256_of(approval)
    made.change(model=made.raw["model"] | {"approval": {"uri": "approval.json", "sha256": digest}})
    night = made.run()
    assert night.verdict.stops
    return made, night


@pytest.fixture
def loop(red, tmp_path):
    """A copy of that project, before anything was trained."""
    made, night = red
    shutil.copytree(made.folder, tmp_path / "copy")
    return cases.Loop(project.Project(folder=tmp_path / "copy", raw=dict(made.raw)), night)


@pytest.fixture
def quick(loop):
    """The same with the checks that are measured in a moment."""
    return changed(loop, promotion={"margins": {"quality": cases.MARGINS["quality"]}})


def changed(loop, **keys):
    """The same under another policy, with quality, the checks that its margins name, and the screen of the window."""
    checks = {name: cases.CHECKS[name] for name in ("quality", *keys["promotion"]["margins"], "window")}
    return cases.Loop(loop.made.change(checks=checks, **keys), loop.night)


def night_of(loop, day):
    """One more night of the model that is the champion."""
    policy = governed(loop.made.policy(), loop.store)
    run = loop.made.night(project.DAY + timedelta(days=day), f"night-{day}")
    return run_policy(policy, run=run, store=loop.store, connections=PlainConnections())


def test_a_promoted_challenger_is_champion_the_next_night_and_a_rollback_ends_that(loop, capsys):
    """Must-show 1: champion the next night, its approval holds, it is the baseline, rollback works, everything verifies."""
    assert [each["outcome"] for each in loop.screen()] == ["pass"]
    proposal = loop.challenge("train_sound")
    done = loop.conclude(proposal)
    assert (done.decision, done.gained, proposal.problems) == ("promoted", True, ()), done.reason
    assert loop.conclude(proposal) == done  # a task that is tried again

    after = night_of(loop, 1)
    policy = governed(loop.made.policy(), loop.store)
    assert after.outcomes["quality"] == "pass"
    assert policy.model.sha256 == proposal.challenger.sha256
    assert policy.model.approval.sha256 != loop.policy.model.approval.sha256
    (accepted,) = acceptances(loop.store, "synthetic")
    assert (accepted.purpose, accepted.model_sha256) == ("baseline", proposal.challenger.sha256)
    assert cases.faults(loop.store, "synthetic") == []

    words = ["--policy", str(loop.made.policy_file), "--reason", "complaints of customers", "--by", "A. Owner"]
    assert main(["rollback", *words]) == 0
    assert "is the champion again" in capsys.readouterr().out
    assert night_of(loop, 2).outcomes["quality"] == "fail"
    assert governed(loop.made.policy(), loop.store).model.sha256 == loop.policy.model.sha256
    with pytest.raises(PolicyError, match="was promoted by nobody"):
        roll_back(loop.policy, loop.store, reason="once more", by="A. Owner")
    assert loop.conclude(cases.again(proposal)).reason.startswith("this very version was rolled back")
    assert cases.faults(loop.store, "synthetic") == []


def test_a_better_challenger_that_leaks_more_is_refused_with_its_records(loop):
    proposal = loop.challenge("train_memorising")
    by_metric = {each["metric"]: each for each in proposal.comparisons}
    assert by_metric["accuracy"]["low"] > 0.05
    assert by_metric["attack_auc"]["outcome"] == "fail"
    done = loop.conclude(proposal)
    assert (done.decision, done.gained) == ("refused", False)
    assert "attack_auc" in done.reason
    assert champion_version(Archive(loop.store, "synthetic"), loop.policy).sha256 == loop.policy.model.sha256
    assert cases.faults(loop.store, "synthetic") == []
    later = done.decided_at + timedelta(seconds=1)
    forged = replace(done, decision="promoted", champion=proposal.challenger, decided_at=later)
    store_decision(forged, loop.store, None)  # by somebody who may write links
    (fault,) = cases.faults(loop.store, "synthetic")
    assert "do not show that it is no worse" in fault
    alter(loop, done.measured[0]["key"])
    assert any("challenger/quality/check.json" in each for each in cases.faults(loop.store, "synthetic"))


def test_a_better_challenger_that_is_less_robust_is_refused(loop):
    loop = changed(loop, promotion={"margins": {"robustness": {"mean_drop": 0.01}}})
    done = loop.conclude(loop.challenge("train_sound"))
    assert (done.decision, "mean_drop" in done.reason) == ("refused", True)


def test_too_few_rows_are_uncertain_and_promote_nothing(loop):
    loop.made.write_current(cases.world(40, seed=3))
    loop = changed(loop, promotion={"margins": {"quality": {"calibration_error": 0.01}}, "require": ["quality"]})
    proposal = loop.challenge("train_sound")
    assert [each["outcome"] for each in proposal.comparisons] == ["uncertain"]
    assert loop.conclude(proposal).decision == "refused"


def test_a_poisoned_window_is_refused_with_evidence(quick):
    cases.with_trigger(cases.world(seed=4)).to_parquet(quick.made.folder / "window.parquet", index=False)
    (screened,) = quick.screen()
    assert (screened["outcome"], screened["stops"]) == ("fail", True)
    summaries = {screened["name"]: screened}
    done = refuse(
        quick.retraining, screened["sentence"], quick.store, measured=measured(summaries, "window"), moment=quick.now
    )
    assert (done.decision, done.challenger) == ("refused", None)
    assert cases.faults(quick.store, "synthetic") == []


def test_a_window_that_changes_after_it_was_screened_is_trained_on_by_nobody(quick):
    screened = screened_sha256(quick.store, quick.screen())
    assert screened == cases.sha256_of((quick.made.folder / "window.parquet").read_bytes())
    pinned = replace(quick.retraining, window_sha256=screened)
    assert training_request(pinned)["window"]["sha256"] == screened
    challenger = train(pinned, quick.store, quick.connections)
    cases.with_trigger(cases.world(seed=4)).to_parquet(quick.made.folder / "window.parquet", index=False)
    proposal = govern_challenger(pinned, challenger, quick.store, quick.connections)
    assert any(screened in problem for problem in proposal.problems)
    assert quick.conclude(proposal).decision == "refused"


def test_a_request_whose_window_nobody_screened_pins_nothing(quick):
    assert screened_sha256(quick.store, []) is None
    assert "sha256" not in training_request(quick.retraining)["window"]


def test_training_that_gives_the_champion_again_is_refused(quick):
    proposal = quick.challenge("train_nothing_new")
    assert "is the champion already" in quick.conclude(proposal).reason


def test_a_person_may_refuse_what_the_evidence_allows(quick):
    proposal = cases.allowed(quick)
    done = quick.conclude(proposal, by="Ada (ada)", refused_because="Ada (ada) rejected it")
    assert (done.decision, done.by, done.reason) == ("refused", "Ada (ada)", "Ada (ada) rejected it")


def test_a_challenger_of_a_champion_that_was_replaced_meanwhile_is_refused(quick):
    first = quick.conclude(quick.challenge("train_sound"))
    assert first.decision == "promoted"
    assert "became the champion in the meantime" in quick.conclude(cases.allowed(quick)).reason
    assert [each.decision for each in promotions(Archive(quick.store, "synthetic"))] == ["refused", "promoted"]


@pytest.mark.parametrize(
    ("function", "said"),
    [("no_such_function", "cannot be imported"), ("train_returns_a_path", "expected the keys of `model`")],
)
def test_a_training_function_that_is_none_is_named(quick, function, said):
    with pytest.raises(SubjectError, match=said):
        quick.challenge(function)


def alter(loop, key):
    file = loop.made.folder / "archive" / key
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b'"seed"', b'"sead"'))
