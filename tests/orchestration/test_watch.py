"""The watch under `dag.test()`: what it gathers from Airflow and the archives, what it remembers, and whom it tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

NUMBERS = count(1)
CHANNELS = [{"type": "webhook", "connection": "hook"}]


class Watched:
    """A folder of policies with a DAG file for them and one for the watch."""

    def __init__(self, folder, run_dag, scheduled, policy_file):
        self.number = next(NUMBERS)
        self.folder, self.run_dag, self.scheduled, self.write = folder, run_dag, scheduled, policy_file

    def policy(self, name, *, cron="0 2 * * *", **keys):
        schedule = {"cron": cron, "retries": 0, "run_timeout_minutes": 60}
        return self.write(f"{name}-{self.number}", folder=self.folder, schedule=schedule, **keys)

    def night(self, policy, moment="2025-06-01T02:00:00+00:00"):
        done = self.run_dag(self.scheduled(policy), logical_date=moment)
        set_paused(done.run.dag_id, paused=False)  # Airflow creates it paused
        return done

    def watch(self, hour=1, **arguments):
        """The alerts as (model, kind), and the run."""
        given = {"folder": str(self.folder), "dag_id": f"watch_{self.number}", "schedule": None} | arguments
        done = self.run_dag(
            "# airflow\nfrom model_governance.orchestration import governance_watch_dag\n"
            f"dag = governance_watch_dag(**{given!r})\n",
            logical_date=f"2025-07-01T{hour:02d}:00:00+00:00",
        )
        rows = done.xcom("watch", "alerts")
        mine = [row for row in rows if row["model"].endswith(f"-{self.number}")]
        return {(row["model"].rpartition("-")[0], row["kind"]) for row in mine}, done


@pytest.fixture
def watched(tmp_path, run_dag, scheduled, policy_file, monkeypatch):
    # The archives of other tests are no part of this one.
    monkeypatch.setenv("AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_URI", str(tmp_path / "evidence"))
    return Watched(tmp_path / "policies", run_dag, scheduled, policy_file)


def set_paused(dag_id, paused=True):
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.get(DagModel, dag_id).is_paused = paused


def add_running(dag_id, since):
    """A run of a DAG that is running since a moment, as a pool that does not exist leaves it."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    with create_session() as session:
        session.add(
            DagRun(
                dag_id=dag_id, run_id="stuck", logical_date=since, run_after=since, start_date=since,
                run_type=DagRunType.SCHEDULED, state=DagRunState.RUNNING, triggered_by=DagRunTriggeredByType.TIMETABLE,
            )
        )  # fmt: skip


def test_a_governed_model_passes_and_a_model_that_never_ran_waits_for_its_runs(watched):
    healthy = watched.policy("healthy")
    watched.night(healthy)
    watched.policy("fresh")
    found, done = watched.watch()
    assert found == {("fresh", "missing")}
    assert done.state == "failed"
    (watched.folder / f"fresh-{watched.number}.yaml").unlink()
    found, done = watched.watch(2)
    assert (found, done.state) == (set(), "success")


def test_a_paused_dag_a_stuck_run_and_a_vanished_policy_raise_alerts(watched):
    paused, stuck, gone = (watched.policy(name) for name in ("paused", "stuck", "gone"))
    for policy in (paused, stuck, gone):
        watched.night(policy)
    set_paused(f"governance_paused_{watched.number}")
    add_running(f"governance_stuck_{watched.number}", datetime.now(UTC) - timedelta(minutes=61))
    gone.unlink()
    found, done = watched.watch()
    assert found == {("paused", "paused"), ("stuck", "stuck"), ("gone", "vanished")}
    assert done.state == "failed"
    assert watched.watch(2, retired=[f"gone-{watched.number}"])[0] == {("paused", "paused"), ("stuck", "stuck")}


def test_a_run_within_its_deadline_is_no_alert(watched):
    policy = watched.policy("slow")
    watched.night(policy)
    add_running(f"governance_slow_{watched.number}", datetime.now(UTC) - timedelta(minutes=59))
    assert watched.watch()[0] == set()


def test_a_policy_elsewhere_that_vanishes_is_remembered_with_its_archive(watched, tmp_path):
    policy = watched.policy("elsewhere", artifacts={"uri": str(tmp_path / "other")})
    watched.night(policy)
    assert watched.watch()[0] == set()
    policy.unlink()
    assert watched.watch(2)[0] == {("elsewhere", "vanished")}, "the folder of policies is empty, too"


def test_a_refused_policy_and_a_broken_archive_are_alerts_of_their_own(watched, tmp_path):
    watched.night(watched.policy("refused"))
    watched.policy("refused", owner="")
    lost = watched.policy("lost", artifacts={"uri": "s3://no-such-bucket-of-ours", "connection": "no_connection"})
    assert lost.exists()
    found, _ = watched.watch()
    assert {("refused", "refused"), ("lost", "unreadable")} <= found


def test_silence_is_an_alert_after_as_many_runs_as_may_be_missed(watched, monkeypatch):
    policy = watched.policy("silent", cron="*/5 * * * *")
    watched.night(policy)
    assert watched.watch()[0] == set()
    clock = datetime.now(UTC) + timedelta(minutes=60 + 15)

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return clock.astimezone(tz)

    monkeypatch.setattr("model_governance.orchestration.watch.datetime", Later)
    assert watched.watch(2)[0] == {("silent", "silent")}
    assert watched.watch(3, missed=50)[0] == set()


def test_what_is_new_is_told_once_and_that_it_is_over_too(watched, receiver):
    policy = watched.policy("paused", notifications={"channels": CHANNELS})
    other = watched.policy("other")
    for each in (policy, other):
        watched.night(each)
    set_paused(f"governance_paused_{watched.number}")
    watched.watch(channels=CHANNELS)
    watched.watch(2, channels=CHANNELS)
    told = [each["body"] for each in receiver.got if each["body"]["governance"]["kind"] == "watch"]
    assert len(told) == 1, "the same channel hears of a model once, and of an ongoing alert once a day"
    assert "1 model not governed" in told[0]["text"]
    set_paused(f"governance_paused_{watched.number}", paused=False)
    _, done = watched.watch(3, channels=CHANNELS)
    assert done.state == "success"
    assert receiver.got[-1]["body"]["text"].startswith("Every model is governed again")


def test_a_channel_of_a_policy_hears_of_its_model_only(watched, receiver):
    for name, channels in (("mine", CHANNELS), ("other", [])):
        watched.night(watched.policy(name, notifications={"channels": channels}))
        set_paused(f"governance_{name}_{watched.number}")
    watched.watch()
    (body,) = (each["body"] for each in receiver.got if each["body"]["governance"]["kind"] == "watch")
    assert [alert["model"] for alert in body["governance"]["alerts"]] == [f"mine-{watched.number}"]


def test_a_dead_channel_leaves_the_watch_alone(watched, receiver):
    receiver.answer["status"] = 500
    watched.night(watched.policy("fine"))
    assert watched.watch(channels=CHANNELS)[1].state == "success"


def test_missed_is_at_least_one(tmp_path):
    from model_governance.orchestration import governance_watch_dag

    with pytest.raises(ValueError, match="missed: expected at least 1, found 0"):
        governance_watch_dag(tmp_path, missed=0)
