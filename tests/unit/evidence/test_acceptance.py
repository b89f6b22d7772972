"""`model-governance accept`: which runs can be accepted, and what is stored."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest

from baseline_cases import nights
from model_governance.cli import main
from model_governance.errors import EvidenceError, PolicyError
from model_governance.evidence.acceptance import acceptances

MOMENT = datetime(2026, 3, 9, 12, 30, tzinfo=UTC)


@pytest.fixture
def made(tmp_path):
    runs = nights(tmp_path, {"geq_to": 0.9})
    runs.night(1, 0.95)
    runs.night(2, 0.8)
    return runs


def command(made, run: str, *more: str) -> int:
    told = ("--policy", str(made.small.policy_file), "--reason", "a new product line", "--by", "A. Owner")
    return main(["accept", run, *told, *more])


def test_an_acceptance_is_a_document_under_its_moment_and_digest(made):
    accepted = made.accept("2026-03-02", moment=MOMENT)
    (key,) = made.small.store.keys("v1/acceptances/model=synthetic/")
    content = made.small.store.get(key)
    assert key == f"v1/acceptances/model=synthetic/2026-03-09T123000Z-{hashlib.sha256(content).hexdigest()[:16]}.json"
    document = json.loads(content)
    manifest = made.ended[1].manifest
    assert document == {
        "schema": "model-governance/acceptance/v1",
        "model": "synthetic",
        "purpose": "baseline",
        "run": {"run_id": "night-2", "logical_date": "2026-03-02T00:00:00+00:00"},
        "model_sha256": made.small.raw["model"]["sha256"],
        "outcome": "fail",
        "manifest": {"key": manifest.key, "sha256": manifest.sha256},
        "reason": "the feed changed for good",
        "by": "A. Owner",
        "accepted_at": "2026-03-09T12:30:00+00:00",
    }
    assert acceptances(made.small.store, "synthetic") == (accepted,)
    assert acceptances(made.small.store, "other") == ()


def test_the_same_acceptance_twice_is_stored_once_and_a_second_one_comes_first(made):
    made.accept("night-2", moment=MOMENT)
    made.accept("night-2", moment=MOMENT)
    made.accept("night-1", moment=MOMENT.replace(hour=13))
    assert [found.run["run_id"] for found in acceptances(made.small.store, "synthetic")] == ["night-1", "night-2"]


@pytest.mark.parametrize("change", [(b"A. Owner", b"B. Owner"), (b"2026-03-09", b"2026-03-08"), (b"{", b"{ ")])
def test_an_altered_acceptance_is_refused(made, change):
    key = made.accept("night-2", moment=MOMENT).key
    path = made.small.folder / "archive" / key
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(*change, 1))
    with pytest.raises(EvidenceError, match="altered"):
        acceptances(made.small.store, "synthetic")


def test_an_altered_acceptance_is_an_error_of_the_next_run_and_not_ignored(made):
    made.small.change(checks={"quality": {"kind": "model_quality", "thresholds": [
        {"metric": "accuracy", "min_absolute_change": -0.02}]}})  # fmt: skip
    key = made.accept("night-2", moment=MOMENT).key
    path = made.small.folder / "archive" / key
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"A. Owner", b"B. Owner"))
    assert made.night(3, 0.8).outcome == "error"


@pytest.mark.parametrize("run", ["2026-03-02", "2026-03-02T00:00:00+00:00", "night-2"])
def test_the_command_takes_a_date_or_a_run_id_and_says_what_follows(made, run, capsys):
    assert command(made, run) == 0
    told = capsys.readouterr().out
    version = made.small.raw["model"]["sha256"][:12]
    assert told.startswith(f"run 2026-03-02 (night-2, fail): baseline of synthetic, model version {version}\n")
    assert "accepted  " in told
    assert "note" not in told


def test_a_date_names_the_only_run_of_its_day(tmp_path):
    runs = nights(tmp_path, {"geq_to": 0.9})
    for number in (1.25, 2.25, 2.5):  # six in the morning, and noon of the second day
        runs.night(number, 0.95)
    assert runs.accept("2026-03-01").run["logical_date"] == "2026-03-01T06:00:00+00:00"
    assert runs.accept("2026-03-02 12:00 UTC").run["run_id"] == "night-2.5"
    told = r"synthetic has 2 runs on 2026-03-02; .* the newest runs are 2026-03-02 12:00 UTC, 2026-03-02 06:00 UTC"
    with pytest.raises(PolicyError, match=told):
        runs.accept("2026-03-02")
    with pytest.raises(PolicyError, match="has no run '2026-03-02T09:00'"):
        runs.accept("2026-03-02T09:00")


def test_the_command_opens_a_reference_window(made, capsys):
    assert command(made, "night-2", "--as", "reference") == 0
    assert "trailing and seasonal windows of synthetic start from it" in capsys.readouterr().out
    assert acceptances(made.small.store, "synthetic")[0].purpose == "reference"


def test_the_command_notes_that_the_run_had_another_model_version(made, capsys):
    made.deploy("a")
    assert command(made, "night-2") == 0
    assert "note: the policy names model version aaaaaaaaaaaa" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("run", "more", "told"),
    [
        ("2026-03-05", (), "synthetic has no run '2026-03-05' in"),
        ("night-9", (), "the newest runs are 2026-03-02, 2026-03-01"),
        ("night-2", ("--reason", " "), "--reason: empty; an acceptance says who accepts the run, and why"),
        ("night-2", ("--by", ""), "--by: empty"),
    ],
)
def test_what_cannot_be_accepted_is_a_usage_error_in_words(made, run, more, told, capsys):
    assert command(made, run, *more) == 2
    assert told in capsys.readouterr().err
    assert acceptances(made.small.store, "synthetic") == ()


def test_a_run_that_measured_nothing_cannot_be_accepted(made):
    made.night(3, None)
    with pytest.raises(PolicyError, match="run night-3 of synthetic measured nothing"):
        made.accept("night-3")


def test_an_archive_without_runs_says_so(tmp_path):
    with pytest.raises(PolicyError, match="the newest runs are none"):
        nights(tmp_path, {"geq_to": 0.9}).accept("2026-03-01")
