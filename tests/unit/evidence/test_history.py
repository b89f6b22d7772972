"""What a night may see of the nights before it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

import baseline_cases
import project
import synthetic
from model_governance.checks import find
from model_governance.contract.check import Lookback
from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import CheckResult, make_metric
from model_governance.evidence.history import Archive, earlier_artifacts, earlier_verdicts, in_season
from model_governance.report.figures import canvas, to_svg
from model_governance.run import run_check

ACCURACY = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.7}]}}


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """A week of nights, of which the third is red."""
    small = project.small_project(tmp_path_factory.mktemp("week"), checks=ACCURACY)
    good, bad = synthetic.rows(seed=3), synthetic.rows(seed=3)
    bad["label"] = 1 - bad["label"]
    for day in range(1, 8):
        small.write_current(bad if day == 3 else good.iloc[day:])
        small.run(datetime(2026, 3, day, tzinfo=UTC), f"night-{day}")
    return small


def before(store, moment: datetime) -> Archive:
    return Archive(store, "synthetic", before=moment)


def days(small, **wanted) -> list[int]:
    lookback = Lookback(artifact="calibration.svg", **{"runs": 10, **wanted})
    found = earlier_artifacts(before(small.store, datetime(2026, 3, 8, tzinfo=UTC)), "quality", lookback=lookback)
    return [one.logical_date.day for one in found]


def test_only_accepted_nights_are_seen_the_newest_first(nights):
    assert days(nights) == [7, 6, 5, 4, 2, 1]
    assert days(nights, accepted=False) == [7, 6, 5, 4, 3, 2, 1]
    assert days(nights, runs=2) == [7, 6]


def test_a_season_keeps_the_same_weekday(nights):
    assert days(nights, season="weekday") == [1]  # 8 March 2026 is a Sunday, as the first was


CURRENT = datetime(2026, 12, 28, 14, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("season", "moment", "same"),
    [
        ("hour", datetime(2026, 12, 27, 14, tzinfo=UTC), True),
        ("hour", datetime(2026, 12, 28, 10, tzinfo=UTC), False),
        ("weekday", datetime(2026, 12, 21, 3, tzinfo=UTC), True),
        ("weekday", datetime(2026, 12, 27, 14, tzinfo=UTC), False),
        ("hour_of_week", datetime(2026, 12, 21, 14, tzinfo=UTC), True),
        ("hour_of_week", datetime(2026, 12, 21, 10, tzinfo=UTC), False),
        ("hour_of_week", datetime(2026, 12, 27, 14, tzinfo=UTC), False),
        ("month", datetime(2025, 12, 3, tzinfo=UTC), True),
        ("month", datetime(2024, 12, 31, 23, tzinfo=UTC), True),
        ("month", datetime(2026, 12, 27, 14, tzinfo=UTC), False),
        ("month", datetime(2025, 11, 28, 14, tzinfo=UTC), False),
        (None, datetime(2026, 12, 27, 14, tzinfo=UTC), True),
    ],
)
def test_runs_of_one_season(season, moment, same):
    assert in_season(moment, CURRENT, season) is same


def test_the_same_month_is_that_of_earlier_years(tmp_path):
    made = baseline_cases.nights(tmp_path, {"geq_to": 0.1})
    for day in (1, 2, 30, 366, 367):  # 1, 2 and 30 March 2026, 1 and 2 March 2027
        made.night(day, 0.9)
    wanted = Lookback(artifact="number.txt", runs=8, season="month")
    of = partial(earlier_artifacts, check="quality", lookback=wanted)
    now, then = (before(made.small.store, datetime(year, 3, 28, tzinfo=UTC)) for year in (2027, 2026))
    assert [run.logical_date.day for run in of(now)] == [30, 2, 1]
    assert of(then) == ()


def looked_back(made, day: int, **wanted) -> list[int]:
    """Days of the runs that a check of the run of a day is given."""
    lookback = Lookback(artifact="number.txt", **{"runs": 10, **wanted})
    archive = before(made.small.store, datetime(2026, 3, day, tzinfo=UTC))
    found = earlier_artifacts(archive, "quality", lookback=lookback)
    return [run.logical_date.day for run in found]


def test_a_window_fills_with_runs_that_stopped_once_they_are_accepted(tmp_path):
    made = baseline_cases.nights(tmp_path, {"geq_to": 0.9})
    made.night(1, 0.95)
    for day in (2, 3, 4):
        made.night(day, 0.8)
    assert looked_back(made, 5) == [1]
    made.accept("2026-03-02")
    made.accept("2026-03-03", purpose="reference")
    assert looked_back(made, 5) == [3], "a window that was opened in run 3 starts there"
    assert looked_back(made, 5, accepted=False) == [4, 3, 2, 1], "what a check stored for itself is not a reference"
    assert looked_back(made, 3) == [2, 1], "a run is not concerned by the acceptance of a later one"
    made.accept("2026-03-04")
    assert looked_back(made, 5) == [4, 3]
    made.accept("2026-03-02", purpose="reference")
    assert looked_back(made, 5) == [4, 3, 2], "the acceptance that was made last counts"


def test_of_a_repeated_run_the_accepted_one_counts(tmp_path):
    made = baseline_cases.nights(tmp_path, {"geq_to": 0.9})
    made.night(1, 0.8)
    made.accept("2026-03-01")
    time.sleep(1)  # manifests of one run are told apart by the second in which they were finished
    made.night(1, 0.7, run_id="night-1-repeated")
    lookback = Lookback(artifact="number.txt", runs=3)
    archive = before(made.small.store, datetime(2026, 3, 2, tzinfo=UTC))
    (found,) = earlier_artifacts(archive, "quality", lookback=lookback)
    assert found.content == b"0.8"


def test_a_repeated_night_counts_once(nights):
    nights.run(datetime(2026, 3, 7, tzinfo=UTC), "night-7-again")
    assert days(nights)[:2] == [7, 6]


def test_earlier_verdicts_are_those_of_the_check(nights):
    found = earlier_verdicts(before(nights.store, datetime(2026, 3, 5, tzinfo=UTC)), "quality", runs_back=3)
    assert [one.verdict.outcome for one in found] == ["pass", "fail", "pass"]


def test_an_altered_artifact_is_not_believed(nights, tmp_path):
    wanted = Lookback(artifact="calibration.svg", runs=1)
    (seen,) = earlier_artifacts(before(nights.store, datetime(2026, 3, 8, tzinfo=UTC)), "quality", lookback=wanted)
    path = nights.folder / "archive" / seen.key
    path.chmod(0o644)
    path.write_bytes(seen.content + b" ")
    archive = before(nights.store, datetime(2026, 3, 8, tzinfo=UTC))
    (other,) = earlier_artifacts(archive, "quality", lookback=wanted)
    path.write_bytes(seen.content)
    assert other.logical_date < seen.logical_date, "the run before takes its place"
    (damage,) = archive.damaged
    assert (damage.key, damage.moment) == (seen.key, seen.logical_date)
    assert "altered" in damage.sentence
    assert nights.store.locate(seen.key) in damage.sentence


def test_a_check_that_looks_back_is_given_its_earlier_nights_and_they_are_recorded(tmp_path):
    seen = []

    def measure(subject, params, seed):
        seen.append([(one.logical_date, one.content) for one in subject.earlier])
        figure, _ = canvas()
        picture = to_svg(figure, name="night.svg", title=f"night {len(seen)}")
        return CheckResult(
            kind=check.kind, seed=seed, metrics=(make_metric(check.metrics, "rows", 1, n=1),), artifacts=(picture,)
        )

    lookback = Lookback(artifact="night.svg", runs=5)
    check = replace(find("data_validation"), measure=measure, lookback=lambda params: lookback)
    counted = project.CHEAP_CHECKS["validation"] | {"thresholds": [{"metric": "rows", "greater_than": 0}]}
    small = project.small_project(tmp_path, checks={"validation": counted})
    first = small.check("validation", check=check)
    small.archive(first)
    later = small.night(datetime(2026, 3, 2, tzinfo=UTC), "night-2")
    second = run_check(
        small.policy(), "validation", run=later, store=small.store, connections=PlainConnections(), check=check
    )
    assert [day for day, _ in seen[1]] == [project.DAY]
    record = json.loads(small.store.get(second.record.key))
    assert record["earlier"][0]["logical_date"] == project.DAY.isoformat()
    assert record["seed"] != json.loads(small.store.get(first.record.key))["seed"]
