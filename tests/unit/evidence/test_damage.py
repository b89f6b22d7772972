"""Damage of an earlier run costs that run only, is loud, and never replaces a named baseline in silence."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

import project
import synthetic
from baseline_cases import nights
from model_governance.report.terminal import observed

LOSS = {"min_absolute_change": -0.02}
BOUND = {"geq_to": 0.9}


def break_object(made, key: str, *, how: str = "bytes") -> None:
    path = made.small.folder / "archive" / key
    path.chmod(0o644)
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(
            b'{"schema": "model-governance/run/v1"}' if how == "another document" else path.read_bytes()[:-7]
        )


def row(made, place: int = -1) -> dict:
    return json.loads(made.small.store.get(made.ended[place].manifest.key))["checks"][0]


HOWS = ["bytes", "another document", "missing"]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("what", ["manifest", "record"])
def test_a_damaged_run_is_left_out_and_the_run_says_so_everywhere(tmp_path, what, how, caplog):
    made = nights(tmp_path, BOUND)
    for day, accuracy in ((1, 0.951), (2, 0.952), (3, 0.953)):
        made.night(day, accuracy)
    key = made.ended[1].manifest.key if what == "manifest" else row(made, 1)["record"]["key"]
    break_object(made, key, how=how)
    measured = made.night(4, 0.95)
    assert (measured.outcome, measured.value) == ("pass", 0.95)
    ended, uri = made.ended[-1], made.small.store.locate(key)
    assert (ended.verdict.outcome, ended.verdict.stops) == ("warn", False)
    assert key in ended.verdict.sentence  # a record does not depend on where the store is mounted
    assert "oldest version" in ended.verdict.sentence
    assert uri in caplog.text
    assert [damage["key"] for damage in row(made)["damaged"]] == [key]
    record = json.loads(made.small.store.get(row(made)["record"]["key"]))
    assert record["damaged"] == row(made)["damaged"]
    assert record["damaged"][0]["logical_date"] == "2026-03-02T00:00:00+00:00"
    page = made.small.store.get(row(made)["report"]["key"]).decode()
    assert "Damaged, left out" in page
    assert key in page
    assert "Restore what is damaged in the archive." in made.small.store.get(ended.report.key).decode()
    assert observed(ended.verdict.findings[-1]) == "earlier runs are damaged"


def test_the_warning_stops_no_run_whatever_the_policy_stops_on(tmp_path):
    made = nights(tmp_path, BOUND, fail_on="warn")
    made.night(1, 0.95)
    break_object(made, made.ended[0].manifest.key)
    made.night(2, 0.95)
    assert (made.ended[-1].verdict.outcome, made.ended[-1].verdict.stops) == ("warn", False)


def test_a_run_beside_damage_may_become_the_baseline(tmp_path):
    made = nights(tmp_path, BOUND, LOSS | {"against": "last_passed"})
    made.night(1, 0.95)
    made.night(2, 0.95)
    break_object(made, made.ended[0].manifest.key)
    made.night(3, 0.94)
    assert made.ended[-1].verdict.findings[1].baseline == 0.95
    assert made.ended[-1].verdict.outcome == "warn"
    made.night(4, 0.94)
    assert made.ended[-1].verdict.findings[1].baseline == 0.94


@pytest.mark.parametrize("against", ["approved", "last_passed"])
@pytest.mark.parametrize("how", HOWS[:2])
@pytest.mark.parametrize("what", ["manifest", "record"])
def test_a_damaged_baseline_is_an_error_until_another_run_is_accepted(tmp_path, against, what, how):
    made = nights(tmp_path, BOUND, LOSS | {"against": against})
    made.night(1, 0.95)
    key = made.ended[0].manifest.key if what == "manifest" else row(made, 0)["record"]["key"]
    break_object(made, key, how=how)
    for day in (2, 3):
        finding = made.night(day, 0.95)
        assert finding.outcome == "error"
        assert made.small.store.locate(key) in finding.sentence
        assert "no other run takes its place" in finding.sentence
        assert "model-governance accept RUN" in finding.sentence
    made.accept("2026-03-03")
    made.night(4, 0.94)
    judged = made.ended[-1].verdict.findings[1]
    assert (judged.outcome, judged.baseline) == ("pass", 0.95)
    assert row(made)["baselines"][against]["accepted"]["by"] == "A. Owner"


def test_a_damaged_run_that_was_accepted_is_an_error_until_another_one_is(tmp_path):
    made = nights(tmp_path, LOSS)
    made.night(1, 0.95)
    made.night(2, 0.93)
    made.accept("2026-03-02")
    break_object(made, made.ended[1].manifest.key)
    assert "no other run takes its place" in made.night(3, 0.93).sentence
    made.accept("2026-03-01")
    assert made.night(4, 0.94).baseline == 0.95


def test_a_damaged_run_of_another_version_does_not_hold_this_one_up(tmp_path):
    made = nights(tmp_path, LOSS)
    for day in (1, 2, 3):
        made.night(day, 0.95)
    break_object(made, made.ended[1].manifest.key)
    made.deploy("a")
    assert made.night(4, 0.94).baseline == 0.95, "the version before is approved by run 1, as run 3 says"
    assert made.night(5, 0.93).baseline == 0.94


def test_the_first_run_of_a_version_may_be_the_damaged_one(tmp_path):
    made = nights(tmp_path, LOSS)
    made.night(1, 0.95)
    made.deploy("a")
    made.night(2, 0.94)
    break_object(made, made.ended[1].manifest.key)
    assert made.night(3, 0.94).outcome == "error"


def test_a_damaged_acceptance_is_an_error_for_who_needs_it_and_nobody_else(tmp_path):
    made = nights(tmp_path, BOUND, LOSS)
    made.night(1, 0.95)
    key = made.accept("2026-03-01").key
    break_object(made, key)
    finding = made.night(2, 0.95)
    assert finding.outcome == "error"
    assert made.small.store.locate(key) in finding.sentence
    made.accept("2026-03-01")
    made.night(3, 0.95)
    assert made.ended[-1].verdict.findings[1].baseline == 0.95
    made.small.change(
        checks={"quality": made.small.raw["checks"]["quality"] | {"thresholds": [{"metric": "accuracy"} | BOUND]}}
    )
    made.night(4, 0.95)
    assert made.ended[-1].verdict.outcome == "pass"


def test_a_repeated_run_of_which_one_manifest_is_damaged_is_left_out(tmp_path):
    made = nights(tmp_path, BOUND)
    made.night(1, 0.95)
    made.night(1, 0.7, run_id="night-1-repeated")
    break_object(made, made.ended[0].manifest.key)
    made.night(2, 0.95)
    assert [damage["key"] for damage in row(made)["damaged"]] == [made.ended[0].manifest.key]


def test_a_window_leaves_out_a_profile_that_is_damaged(tmp_path):
    drift = {"kind": "data_drift", "params": {"columns": ["income"], "joint": False, "window": {"kind": "trailing", "runs": 2}},
             "thresholds": [{"metric": "psi", "key": "income", "less_than": 0.5}]}  # fmt: skip
    small = project.small_project(tmp_path, checks={"drift": drift})
    keys = []
    for day in (1, 2, 3):
        small.write_current(synthetic.rows(1000, seed=20 + day))
        ended = small.run(datetime(2026, 3, day, tzinfo=UTC), f"night-{day}")
        (check,) = json.loads(small.store.get(ended.manifest.key))["checks"]
        keys += [artifact["key"] for artifact in check["artifacts"] if artifact["name"] == "profile.json"]
    path = small.folder / "archive" / keys[1]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"rows":1000', b'"rows":9999'))
    ended = small.run(datetime(2026, 3, 4, tzinfo=UTC), "night-4")
    assert ended.verdict.findings[0].outcome == "pass"
    assert keys[1] in ended.verdict.sentence
    (check,) = json.loads(small.store.get(ended.manifest.key))["checks"]
    record = json.loads(small.store.get(check["record"]["key"]))
    assert [earlier["logical_date"][:10] for earlier in record["earlier"]] == ["2026-03-03", "2026-03-01"]
