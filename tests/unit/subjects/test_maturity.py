"""Which run is judged when labels need time, and what its templates see."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from model_governance.contract.run import Run
from model_governance.contract.subject import Columns, Subject
from model_governance.errors import PolicyError, SubjectError, SubjectUnreachable
from model_governance.policy import Policy
from model_governance.subjects.maturity import judged_run, judged_sources, load_judged

START = date(2026, 3, 1)


def policy(
    days: int | None = 2,
    *,
    cron: str | None = "0 2 * * *",
    labels: str = "labels/{{ ds }}.parquet",
    timezone: str = "UTC",
) -> Policy:
    return Policy(
        version=1,
        owner="risk",
        model={"name": "credit", "uri": "m.skops", "sha256": "0" * 64, "task": "binary_classification"},
        columns={"features": {"a": {"kind": "numeric"}}},
        datasets={"current": {"uri": "runs/{{ ds }}.parquet"}, "labels": {"uri": labels, "maturity_days": days}},
        checks={"data_drift": {"thresholds": [{"metric": "drift_share", "leq_to": 0.3}]}},
        schedule={"cron": cron, "start_date": START, "timezone": timezone},
    )


def run(*moment: int, interval=None) -> Run:
    return Run(run_id="r", logical_date=datetime(*moment, tzinfo=UTC), data_interval=interval)


@pytest.mark.parametrize(
    ("cron", "days", "now", "judged"),
    [
        ("0 2 * * *", 2, (2026, 3, 9, 2), (2026, 3, 7, 2)),
        ("0 */4 * * *", 2, (2026, 3, 9, 16), (2026, 3, 7, 16)),
        ("0 2 * * 1", 7, (2026, 3, 23, 2), (2026, 3, 16, 2)),
        ("0 2 * * 1", 10, (2026, 3, 23, 2), (2026, 3, 9, 2)),  # no run on a Friday: the Monday before
        ("0 2 1 * *", 30, (2026, 6, 1, 2), (2026, 5, 1, 2)),
        ("@daily", 2, (2026, 3, 9), (2026, 3, 7)),
        ("0 2 * * *", 2, (2026, 3, 9), (2026, 3, 7)),  # by hand, at midnight: no moment of the schedule
        (None, 2, (2026, 3, 9, 13, 37), (2026, 3, 7, 13, 37)),
    ],
)
def test_the_judged_run_is_the_last_one_whose_labels_are_complete(cron, days, now, judged):
    assert judged_run(policy(days, cron=cron), run(*now)).logical_date == datetime(*judged, tzinfo=UTC)


def test_the_judged_run_is_at_the_same_time_of_day_in_the_zone_of_the_schedule():
    berlin = policy(2, timezone="Europe/Berlin")  # clocks went forward on 29 March: 2 am is 1 am UTC before, 0 am after
    after = run(2026, 3, 30, 0, interval=(datetime(2026, 3, 30, 0, tzinfo=UTC), datetime(2026, 3, 31, 0, tzinfo=UTC)))

    judged = judged_run(berlin, after)
    assert judged.logical_date == datetime(2026, 3, 28, 1, tzinfo=UTC)
    assert judged.data_interval == (datetime(2026, 3, 28, 1, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC))
    assert judged_run(policy(2), after).logical_date == datetime(2026, 3, 28, 0, tzinfo=UTC)


def test_no_run_is_judged_before_the_schedule_is_old_enough_or_without_maturity():
    assert judged_run(policy(2), run(2026, 3, 2, 2)) is None
    assert judged_run(policy(2), run(2026, 3, 3, 2)) is not None
    assert judged_run(policy(None), run(2026, 3, 9, 2)) is None


@pytest.mark.parametrize(
    ("cron", "days", "now", "interval", "judged"),
    [
        ("0 2 * * *", 2, (2026, 3, 9, 2), ((2026, 3, 9, 2), (2026, 3, 10, 2)), ((2026, 3, 7, 2), (2026, 3, 8, 2))),
        ("0 2 * * *", 2, (2026, 3, 9, 2), ((2026, 3, 9, 2), (2026, 3, 9, 2)), ((2026, 3, 7, 2), (2026, 3, 7, 2))),
        ("0 2 1 * *", 28, (2026, 5, 1, 2), ((2026, 5, 1, 2), (2026, 6, 1, 2)), ((2026, 4, 1, 2), (2026, 5, 1, 2))),
        (None, 2, (2026, 3, 9), ((2026, 3, 8), (2026, 3, 9)), ((2026, 3, 6), (2026, 3, 7))),
    ],
)
def test_its_data_interval_is_that_of_its_own_moment(cron, days, now, interval, judged):
    current = run(*now, interval=tuple(datetime(*edge, tzinfo=UTC) for edge in interval))
    expected = tuple(datetime(*edge, tzinfo=UTC) for edge in judged)
    assert judged_run(policy(days, cron=cron), current).data_interval == expected


def test_rows_and_labels_are_those_of_the_judged_run():
    judged = judged_run(policy(2), run(2026, 3, 9, 2))
    assert {role: source.uri for role, source in judged_sources(policy(2), judged).items()} == {
        "labelled_current": "runs/2026-03-07.parquet",
        "labels": "labels/2026-03-07.parquet",
    }


def test_templates_see_the_interval_of_the_judged_run():
    made = policy(2, labels="labels/{{ data_interval_start | ds }}/{{ data_interval_end | ds }}.parquet")
    interval = (datetime(2026, 3, 9, 2, tzinfo=UTC), datetime(2026, 3, 10, 2, tzinfo=UTC))
    judged = judged_run(made, run(2026, 3, 9, 2, interval=interval))
    assert judged_sources(made, judged)["labels"].uri == "labels/2026-03-07/2026-03-08.parquet"


def test_a_template_that_only_airflow_knows_is_named():
    made = policy(2, labels="{{ var }}/labels.parquet")
    with pytest.raises(PolicyError, match=r"datasets\.labels\.uri: variable\(s\) var not given"):
        judged_sources(made, judged_run(made, run(2026, 3, 9, 2)))


SUBJECT = Subject(
    name="credit",
    task="binary_classification",
    columns=Columns(features={"a": {"kind": "numeric"}}),
    labels_mature_in=2,
)


class Loader:
    """Loads any sources, unless they hold labels and `error` is set; remembers which roles it was given."""

    def __init__(self, error=None):
        self.error, self.given = error, []

    def __call__(self, sources):
        self.given.append(set(sources))
        if self.error and "labelled_current" in sources:
            raise self.error
        return SUBJECT


def load(loader, now, *, first=None, days=2):
    made = policy(days)
    return load_judged(made, made.datasets, loader, run=run(*now), first_run=lambda: first)


def test_before_the_first_maturity_labels_are_not_read():
    loader = Loader()
    subject = load(loader, (2026, 3, 2, 2))
    assert loader.given == [{"current"}]
    assert subject.labels_reason == "a run of 2 days ago lies before the schedule's start, 2026-03-01"


@pytest.mark.parametrize("first", [None, datetime(2026, 3, 8, 2, tzinfo=UTC)])
def test_rows_of_before_the_first_run_may_be_absent(first):
    loader = Loader(SubjectError("runs/2026-03-07.parquet: there is no such file"))
    subject = load(loader, (2026, 3, 9, 2), first=first)
    assert loader.given == [{"current", "labels", "labelled_current"}, {"current"}]
    assert subject.labels_reason.startswith("the model had no run yet on 2026-03-07 02:00 UTC, and what was then")
    assert "there is no such file" in subject.labels_reason


@pytest.mark.parametrize("error", [SubjectError("there is no such file"), SubjectUnreachable("nobody there")])
def test_rows_and_labels_of_a_run_that_there_was_must_be_there(error):
    first = datetime(2026, 3, 7, 2, tzinfo=UTC) if not error.infrastructure else None
    with pytest.raises(SubjectError, match=str(error)):
        load(Loader(error), (2026, 3, 9, 2), first=first)


def test_rows_of_before_the_first_run_are_judged_where_they_exist():
    assert load(Loader(), (2026, 3, 9, 2)).labels_reason == ""


def test_labels_without_maturity_are_those_of_the_run():
    loader = Loader()
    load(loader, (2026, 3, 9, 2), days=None)
    assert loader.given == [{"current", "labels"}]
