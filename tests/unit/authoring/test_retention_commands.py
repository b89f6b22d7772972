"""`archive hold`, `release`, `retention` and `prune`: their words and exit codes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

import project
from baseline_cases import Nights
from model_governance.cli import main
from model_governance.errors import PolicyError
from model_governance.policy.operation import RETENTION_DAYS, ArchiveSpec

BOUND = {"metric": "accuracy", "geq_to": 0.5}


@pytest.fixture
def made(tmp_path):
    """Runs of three days a year ago and of yesterday."""
    small = project.small_project(tmp_path, checks={"quality": {"kind": "model_quality", "thresholds": [BOUND]}})
    small.change(archive={"retention": "ai_act_logs"})
    made = Nights(small)
    today = datetime.now(UTC).date()
    first = (datetime(2026, 3, 1, tzinfo=UTC).date() - (today - timedelta(days=400))).days
    for day in (1 - first, 2 - first, 3 - first, 400 - first):
        made.night(day, 0.9)
    made.dates = [today - timedelta(days=400 - number) for number in range(3)]
    return made


def archive(made, command: str, *more: str) -> int:
    return main(["archive", command, "--policy", str(made.small.policy_file), *more])


WHY = ("--reason", "asked by Legal", "--by", "A. Owner")


def test_retention_says_what_may_go_and_removes_nothing(made, capsys):
    before = list(made.small.store.keys("v1/"))
    assert archive(made, "retention") == 0
    assert re.search(r"kept for 183 days, so runs before .* may go: 3 runs, \d+ objects", capsys.readouterr().out)
    assert list(made.small.store.keys("v1/")) == before


def test_a_held_run_stays_until_it_is_released(made, capsys):
    period = ("--from", str(made.dates[0]), "--to", str(made.dates[1]))
    assert archive(made, "hold", *period, *WHY) == 0
    told = capsys.readouterr().out
    assert "held by A. Owner" in told
    assert "the store has no legal hold of its own" in told
    key = re.search(r"^hold  (v1/holds/\S+)$", told, re.MULTILINE)[1]
    assert archive(made, "prune", *WHY) == 0
    told = capsys.readouterr().out
    assert "may go: 1 runs" in told
    assert told.count("  stays: run ") == 2
    assert archive(made, "release", "--hold", key, *WHY) == 0
    assert archive(made, "release", "--hold", key, *WHY) == 2
    assert archive(made, "prune", *WHY) == 0
    assert "may go: 2 runs" in capsys.readouterr().out
    assert main(["verify", str(made.small.folder / "archive")]) == 0
    assert "objects were pruned" in capsys.readouterr().out


def test_nothing_to_prune_writes_nothing(made, capsys):
    made.small.change(archive={"retention_days": 3650})
    assert archive(made, "prune", *WHY) == 0
    assert "may go: 0 runs" in capsys.readouterr().out
    assert not list(made.small.store.keys("v1/tombstones/"))


@pytest.mark.parametrize("empty", [("--reason", " ", "--by", "A."), ("--reason", "x", "--by", "")])
def test_evidence_without_reason_or_name_is_refused(made, empty, capsys):
    assert archive(made, "prune", *empty) == 2
    assert "evidence says who did it, and why" in capsys.readouterr().err


def test_a_period_that_ends_before_it_begins_is_refused(made, capsys):
    assert archive(made, "hold", "--from", "2026-03-02", "--to", "2026-03-01", *WHY) == 2
    assert "no run would be held" in capsys.readouterr().err


def test_presets_are_days():
    assert {name: ArchiveSpec(retention=name).retention_days for name in RETENTION_DAYS} == RETENTION_DAYS
    assert ArchiveSpec(retention="pci_dss", retention_days=365).retention_days == 365
    with pytest.raises(ValueError, match="say different things"):
        ArchiveSpec(retention="pci_dss", retention_days=366)


def test_an_unknown_preset_is_a_mistake_of_the_policy(made):
    made.small.change(archive={"retention": "sox"})
    with pytest.raises(PolicyError, match="ai_act_logs"):
        made.small.policy()
