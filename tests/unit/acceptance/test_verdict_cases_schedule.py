"""Verdicts of a model that runs more than once a day: the budget counts every run, and so does the archive."""

from __future__ import annotations

import pytest

from baseline_cases import nights

HOUR = 1 / 24


@pytest.mark.parametrize(
    ("cron", "runs"),
    [("0 * * * *", 8760), ("0 */4 * * *", 2190), ("*/15 * * * *", 35_040), ("0 2 * * *", 365), ("0 2 * * 1", 52)],
)
def test_the_budget_of_a_run_follows_from_how_often_the_schedule_fires(tmp_path, cron, runs):
    """V36: an hourly model has 8,760 runs a year, and each of them may take that much less."""
    made = nights(tmp_path, {"geq_to": 0.9}, schedule={"cron": cron})
    policy = made.small.policy()
    assert policy.runs_per_year == runs
    assert policy.level_per_run == pytest.approx(0.05 * 5 / runs)
    assert made.night(1, 0.95).level == pytest.approx(0.8 * 0.05 * 5 / runs)


def test_every_run_of_a_day_counts(tmp_path):
    """V36: four hourly runs of one day are four runs, for `confirm` and for the last run that passed."""
    made = nights(
        tmp_path, {"geq_to": 0.9, "confirm": {"violations": 3, "window": 3}},
        {"min_absolute_change": -0.5, "against": "last_passed"}, schedule={"cron": "0 * * * *"},
    )  # fmt: skip
    outcomes = [made.night(1 + hour * HOUR, 0.95 if hour == 0 else 0.8).outcome for hour in range(4)]
    assert outcomes == ["pass", "warn", "warn", "fail"]
    assert made.ended[-1].verdict.findings[1].baseline == 0.95
    manifests = [key for key in made.small.store.keys("v1/runs/") if key.endswith("run_manifest.json")]
    assert len(manifests) == 4
