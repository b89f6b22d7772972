"""Which run a change is measured from: the approved one, or the last one that passed."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import numpy as np
import pytest

from baseline_cases import FIRST, nights
from model_governance.evidence.baselines import find_baselines
from model_governance.evidence.history import Archive

LOSS = {"min_absolute_change": -0.02}


def row(made) -> dict:
    """The entry of the check in the manifest of the last run."""
    return json.loads(made.small.store.get(made.ended[-1].manifest.key))["checks"][0]


def approved(made) -> str:
    """The logical date of the approved run that the last run was judged against."""
    return row(made)["baselines"]["approved"]["run"]["logical_date"][:10]


@pytest.mark.parametrize("against", ["approved", "last_passed"])
def test_the_first_run_is_uncertain_and_the_next_is_judged_against_it(tmp_path, against):
    made = nights(tmp_path, LOSS | {"against": against})
    first = made.night(1, 0.92)
    assert first.outcome == "uncertain"
    assert "no " in first.sentence
    assert row(made)["baselines"] == {against: None}
    assert not made.ended[0].verdict.stops
    second = made.night(2, 0.91)
    assert (second.outcome, second.baseline) == ("pass", 0.92)
    assert made.night(3, 0.80).outcome == "fail"


def test_the_first_run_says_how_to_accept_one(tmp_path):
    assert "model-governance accept RUN" in nights(tmp_path, LOSS).night(1, 0.92).sentence


def test_a_slow_decay_fails_once_the_loss_since_approval_exceeds_the_bound(tmp_path):
    made = nights(tmp_path, LOSS)
    outcomes = [made.night(day, value).outcome for day, value in enumerate(np.arange(0.92, 0.88, -0.003), start=1)]
    assert outcomes[0] == "uncertain"
    assert outcomes[1:6] == ["pass"] * 5  # 0.905 is 0.015 below
    assert outcomes[-1] == "fail"
    assert {approved(made)} == {"2026-03-01"}


def test_a_decay_for_good_under_confirm_fails_in_the_second_run(tmp_path):
    made = nights(tmp_path, LOSS | {"confirm": {"violations": 2, "window": 3}})
    outcomes = [made.night(day, 0.872 if day < 4 else 0.785).outcome for day in range(1, 7)]
    assert outcomes == ["uncertain", "pass", "pass", "warn", "fail", "fail"]


@pytest.mark.parametrize("against", ["approved", "last_passed"])
def test_a_run_that_is_only_uncertain_warns_fails_or_errs_is_no_baseline(tmp_path, against):
    bound = {"geq_to": 0.9}
    made = nights(tmp_path, LOSS | {"against": against}, bound)
    made.night(1, 0.899, width=0.01)  # uncertain beside the bound
    assert made.ended[-1].verdict.findings[1].outcome == "uncertain"
    made.night(2, 0.85)  # fails
    made.small.change(checks={"quality": made.small.raw["checks"]["quality"] | {"thresholds": [
        {"metric": "accuracy", "against": against} | LOSS, {"metric": "accuracy", "severity": "warn"} | bound]}})  # fmt: skip
    made.night(3, 0.85)  # warns
    assert made.ended[-1].verdict.outcome == "uncertain"
    assert made.night(4, 0.95).outcome == "uncertain", "none of the three became a baseline"
    assert made.night(5, 0.94).baseline == 0.95


def test_a_run_without_the_check_is_no_baseline_of_it(tmp_path):
    made = nights(tmp_path, LOSS, {"geq_to": 0.5})
    made.small.change(checks={"quality": made.small.raw["checks"]["quality"]})
    made.night(1, None)
    made.night(2, 0.92)
    assert made.night(3, 0.91).baseline == 0.92


def test_a_passed_run_that_is_waived_is_a_baseline(tmp_path):
    waiver = {
        "check": "quality", "metric": "accuracy", "reason": "known until the retraining", "approver": "A. Owner",
        "ticket": "R-1", "expires": "2026-03-02",
    }  # fmt: skip
    made = nights(tmp_path, {"geq_to": 0.9}, LOSS | {"against": "last_passed"}, waivers=[waiver])
    made.night(1, 0.85)
    assert made.ended[-1].verdict.findings[0].outcome == "waived"
    made.night(2, 0.85)
    assert made.ended[-1].verdict.findings[1].baseline == 0.85


def test_later_passes_do_not_move_the_approved_run_but_the_last_passed(tmp_path):
    made = nights(tmp_path, LOSS, LOSS | {"against": "last_passed"})
    for day, value in enumerate((0.92, 0.915, 0.91), start=1):
        made.night(day, value)
    assert [finding.baseline for finding in made.ended[-1].verdict.findings] == [0.92, 0.915]
    assert made.ended[-1].verdict.findings[0].requirement == "at most 2 percentage points worse than the approved run"
    assert (
        made.ended[-1].verdict.findings[1].requirement
        == "at most 2 percentage points worse than the last run that passed"
    )


def test_an_accepted_run_is_the_baseline_until_another_one_is_accepted(tmp_path):
    made = nights(tmp_path, LOSS)
    made.night(1, 0.92)
    assert made.night(2, 0.85).outcome == "fail"
    made.accept("2026-03-02")
    assert made.night(3, 0.85).outcome == "pass"
    assert made.night(4, 0.86).baseline == 0.85, "a passing run does not replace an accepted one"
    made.accept("night-1", by="B. Owner")
    assert made.night(5, 0.86).outcome == "fail"


def test_record_and_manifest_name_the_baseline_and_who_accepted_it(tmp_path):
    made = nights(tmp_path, LOSS)
    made.night(1, 0.92)
    made.night(2, 0.85)
    acceptance = made.accept("2026-03-02", reason="a new product line")
    made.night(3, 0.85)
    named = row(made)["baselines"]["approved"]
    assert named["run"] == {"run_id": "night-2", "logical_date": "2026-03-02T00:00:00+00:00"}
    assert named["outcome"] == "fail"
    assert named["accepted"] == {
        "by": "A. Owner", "reason": "a new product line", "at": acceptance.accepted_at.isoformat(), "key": acceptance.key,
    }  # fmt: skip
    page = made.small.store.get(made.ended[-1].report.key).decode()
    assert "2026-03-02 (night-2, fail), accepted by A. Owner on" in page
    assert "a new product line" in page
    record = json.loads(made.small.store.get(row(made)["record"]["key"]))
    assert record["baselines"]["approved"] == named
    assert "accepted by A. Owner on" in made.small.store.get(row(made)["report"]["key"]).decode()


def test_a_new_model_version_is_compared_with_the_approved_run_before_it_until_it_passes(tmp_path):
    made = nights(tmp_path, LOSS)
    made.night(1, 0.92)
    made.deploy("a")
    assert made.night(2, 0.80).outcome == "fail"
    assert made.night(3, 0.91).baseline == 0.92
    assert made.night(4, 0.90).baseline == 0.91, "the new version passed in run 3"
    made.deploy("b")
    assert made.night(5, 0.90).baseline == 0.91


def test_a_version_that_comes_back_keeps_its_own_approved_run(tmp_path):
    made = nights(tmp_path, LOSS)
    first = made.small.raw["model"]["sha256"]
    made.night(1, 0.92)
    made.deploy("a")
    made.night(2, 0.95)
    made.night(3, 0.95)
    made.small.change(model=made.small.raw["model"] | {"sha256": first})
    assert made.night(4, 0.91).baseline == 0.92


def test_the_search_for_the_approved_run_reads_two_runs_however_long_the_history(tmp_path):
    made = nights(tmp_path, LOSS)
    for day in range(1, 8):
        made.night(day, 0.92)
    archive = Archive(made.small.store, "synthetic", before=FIRST + timedelta(days=7))
    policy = made.small.policy()
    found = find_baselines({"approved"}, archive, "quality", model_sha256=policy.model.sha256)["approved"]
    assert found.metrics["accuracy"].value == 0.92
    assert len(archive._read) == 2


def test_a_first_run_that_was_repeated_and_no_longer_passes_is_no_baseline(tmp_path):
    made = nights(tmp_path, LOSS, {"geq_to": 0.9})
    made.night(1, 0.92)
    made.night(2, 0.925)
    time.sleep(1)  # manifests of one run are told apart by the second in which they were finished
    made.night(1, 0.70, run_id="night-1-repeated")
    assert made.night(3, 0.92).baseline == 0.925


def test_an_altered_baseline_is_not_believed(tmp_path):
    made = nights(tmp_path, LOSS)
    made.night(1, 0.92)
    key = row(made)["record"]["key"]
    path = made.small.folder / "archive" / key
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"0.92", b"0.22"))
    finding = made.night(2, 0.5)
    assert finding.outcome == "error"
    assert "altered" in finding.sentence


def test_an_accepted_manifest_that_was_altered_is_not_believed(tmp_path):
    made = nights(tmp_path, LOSS)
    made.night(1, 0.92)
    acceptance = made.accept("2026-03-01")
    path = made.small.folder / "archive" / acceptance.manifest["key"]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    finding = made.night(2, 0.92)
    assert finding.outcome == "error"
    assert "expected the sha256 in its key" in finding.sentence
    assert acceptance.manifest["key"] in finding.sentence
    assert "accept another run" in finding.sentence
