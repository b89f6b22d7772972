"""When a policy runs: by time in a zone, by assets, by both; and whether its data is there."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, CronDataIntervalTimetable
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import TimeRestriction
from pendulum import instance

from model_governance.errors import PolicyError
from model_governance.orchestration import waiting
from model_governance.orchestration.dag_validation import require_valid
from model_governance.orchestration.dags import governance_dag
from model_governance.orchestration.operators import read_policy
from model_governance.orchestration.run_moment import data_interval_of, with_moments


@pytest.fixture
def dag_of(policy_file):
    """The validated DAG of a policy with this schedule."""

    def build(**schedule):
        file = policy_file(name="timed", schedule=schedule)
        dag = governance_dag(read_policy(file), auto_register=False)
        require_valid(dag, file)
        return dag

    return build


def next_run(dag, after):
    restriction = TimeRestriction(earliest=instance(after), latest=None, catchup=True)
    return (
        coerce_to_core_timetable(dag.timetable)
        .next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction)
        .run_after
    )


@pytest.mark.parametrize(
    ("zone", "day", "hour"),
    [("UTC", datetime(2026, 7, 1, tzinfo=UTC), 2), ("Europe/Berlin", datetime(2026, 7, 1, tzinfo=UTC), 0),
     ("Europe/Berlin", datetime(2026, 12, 1, tzinfo=UTC), 1)],
)  # fmt: skip
def test_cron_fires_at_the_hour_of_its_time_zone_in_summer_and_winter(dag_of, zone, day, hour):
    assert next_run(dag_of(cron="0 2 * * *", timezone=zone), day) == day.replace(hour=hour)


def test_a_policy_is_scheduled_by_assets_alone_or_by_time_too(dag_of):
    alone = dag_of(assets=["x-feed://scores", "x-feed://labels"])
    both = dag_of(assets=["x-feed://scores"], cron="0 2 * * *", timezone="Europe/Berlin")

    assert {asset.uri for asset in alone.timetable.asset_condition.objects} == {
        "x-feed://scores",
        "x-feed://labels",
    }
    assert isinstance(both.timetable, AssetOrTimeSchedule)
    assert list(both.timetable.asset_condition.objects) == [Asset.ref(uri="x-feed://scores")]
    day = datetime(2026, 7, 1, tzinfo=UTC)
    assert next_run(both, day) == day


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ({"timezone": "Berlin"}, "'Berlin' is no time zone"),
        ({"timezone": "../etc/passwd"}, "is no time zone"),
        ({"assets": ["scores.parquet"]}, "assets"),
        ({"wait_for_data": {}}, "timeout_minutes is missing"),
    ],
)
def test_a_schedule_with_a_mistake_is_refused(policy_file, schedule, problem):
    with pytest.raises(PolicyError, match=problem):
        read_policy(policy_file(schedule=schedule))


def test_a_run_without_a_logical_date_has_the_last_complete_interval_of_its_zone():
    dag = DAG("intervals", schedule=CronDataIntervalTimetable("0 2 * * *", timezone="Europe/Berlin"))
    run = type("Run", (), {"logical_date": None, "data_interval_start": None, "data_interval_end": None})
    run.run_after = datetime(2026, 3, 29, 12, 30, tzinfo=UTC)  # clocks went forward in the night before
    interval = (datetime(2026, 3, 28, 1, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC))

    assert data_interval_of({"dag_run": run, "dag": dag}) == interval
    filled = with_moments({"dag_run": run, "dag": dag})
    assert (filled["ds"], filled["data_interval_start"]) == ("2026-03-29", interval[0])
    given = {"ds": "2026-01-01", "dag_run": run}
    assert with_moments(given) is given


@pytest.fixture
def waits(policy_file, trained, tmp_path, run_dag, scheduled, monkeypatch):
    """Runs a policy that waits a while for its current rows; `late` seconds after the start they are there."""
    monkeypatch.setattr(waiting, "EVERY_SECONDS", 1.0)

    def run(name, *, late=None, assets=()):
        datasets = {
            "train": {"uri": str(trained.folder / "train.parquet")},
            "current": {"uri": f"{tmp_path}/{{{{ ds }}}}.parquet"},
        }
        schedule = {"cron": None, "retries": 0, "wait_for_data": {"timeout_minutes": 1, "assets": list(assets)}}
        source = scheduled(policy_file(name=name, datasets=datasets, schedule=schedule))
        source += "dag.get_task('wait_for_data').timeout = 6\n"

        def deliver():
            time.sleep(late)
            shutil.copy(trained.folder / "healthy.parquet", tmp_path / "2025-06-01.parquet")

        thread = threading.Thread(target=deliver)
        if late is not None:
            thread.start()
        return run_dag(source)

    return run


def test_a_run_waits_for_its_data_without_using_up_a_try(waits):
    done = waits("patient", late=2)

    assert set(done.states().values()) == {"success"}
    assert done.task("wait_for_data").try_number == 1


def test_data_that_never_comes_is_said_by_the_checks_and_fails_the_run(waits):
    done = waits("hopeless")

    assert done.states() == {
        "wait_for_data": "success", "quality": "failed", "calibration": "failed", "archive": "success", "gate": "failed",
    }  # fmt: skip
    archived = done.xcom("archive", "archive")
    assert set(archived["outcomes"].values()) == {"error"}
    assert "2025-06-01.parquet" in archived["sentence"]


PRODUCER = """from airflow.sdk import DAG, Asset, task

with DAG("produces_rows", schedule=None):

    @task(outlets=[Asset(uri="x-rows://warehouse/night")])
    def write(): ...

    write()
"""


def test_a_run_waits_for_an_asset_that_was_updated_since_the_start_of_its_interval(waits, run_dag, caplog):
    assert run_dag(PRODUCER).state == "success"
    updated = waits("fed", late=0, assets=["x-rows://warehouse/night"])
    assert set(updated.states().values()) == {"success"}
    starved = waits("starved", late=0, assets=["x-rows://warehouse/night", "x-rows://warehouse/never"])
    assert starved.states()["wait_for_data"] == "success"
    assert "asset x-rows://warehouse/never: not updated since 2025-06-01" in caplog.text
    assert "warehouse/night: not updated" not in caplog.text


def test_the_time_that_a_run_waits_counts_in_its_limit(dag_of):
    plain = dag_of(cron=None).dagrun_timeout
    assert dag_of(cron=None, wait_for_data={"timeout_minutes": 90}).dagrun_timeout == plain + timedelta(minutes=90)
