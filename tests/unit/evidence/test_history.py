"""What a night may see of the nights before it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import project
import synthetic
from model_governance.checks import find
from model_governance.contract.check import Lookback
from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import CheckResult, make_metric
from model_governance.errors import EvidenceError
from model_governance.evidence.history import earlier_artifacts, earlier_verdicts
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


def days(small, **wanted) -> list[int]:
    lookback = Lookback(artifact="confusion.svg", **{"runs": 10, **wanted})
    found = earlier_artifacts(
        small.store, "synthetic", "quality", before=datetime(2026, 3, 8, tzinfo=UTC), lookback=lookback
    )
    return [one.logical_date.day for one in found]


def test_only_accepted_nights_are_seen_the_newest_first(nights):
    assert days(nights) == [7, 6, 5, 4, 2, 1]
    assert days(nights, accepted=False) == [7, 6, 5, 4, 3, 2, 1]
    assert days(nights, runs=2) == [7, 6]


def test_a_season_keeps_the_same_weekday_or_month(nights):
    assert days(nights, season="weekday") == [1]  # 8 March 2026 is a Sunday, as the first was
    assert days(nights, season="month") == [7, 6, 5, 4, 2, 1]


def test_a_repeated_night_counts_once(nights):
    nights.run(datetime(2026, 3, 7, tzinfo=UTC), "night-7-again")
    assert days(nights)[:2] == [7, 6]


def test_earlier_verdicts_are_those_of_the_check(nights):
    found = earlier_verdicts(nights.store, "synthetic", "quality", before=datetime(2026, 3, 5, tzinfo=UTC), runs_back=3)
    assert [one.outcome for one in found] == ["pass", "fail", "pass"]


def test_an_altered_artifact_is_not_believed(nights, tmp_path):
    wanted = Lookback(artifact="confusion.svg", runs=1)
    (seen,) = earlier_artifacts(
        nights.store, "synthetic", "quality", before=datetime(2026, 3, 8, tzinfo=UTC), lookback=wanted
    )
    path = nights.folder / "archive" / seen.key
    path.chmod(0o644)
    path.write_bytes(seen.content + b" ")
    with pytest.raises(EvidenceError, match="altered"):
        earlier_artifacts(
            nights.store, "synthetic", "quality", before=datetime(2026, 3, 8, tzinfo=UTC), lookback=wanted
        )
    path.write_bytes(seen.content)


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
