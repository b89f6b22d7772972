"""The retraining DAG under `dag.test()`: from four red nights to a champion, and what ends without one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

import retraining_cases as cases
from model_governance.evidence.history import Archive
from model_governance.evidence.promotions import promotions
from model_governance.orchestration import (
    governance_retraining_dag,
    governance_retraining_dags,
    governance_rollback_dag,
)
from model_governance.orchestration.between_tasks import GovernanceViolation
from model_governance.orchestration.operators import read_policy

CHECKS = {name: cases.CHECKS[name] for name in ("quality", "window")}
MARGINS = {"quality": {"accuracy": 0.02}}
QUIET = {"cron": None, "retries": 0}


def loop_of(policy):
    return (
        "# airflow DAG\n"
        "from model_governance.orchestration import governance_retraining_dag\n"
        "from model_governance.orchestration.operators import read_policy\n"
        f"dag = governance_retraining_dag(read_policy({str(policy)!r}))\n"
    )


@pytest.fixture
def red(tmp_path):
    """A project under its own name; `red(name, ...)` gives it."""

    def make(name, *, poisoned=False, **keys):
        made = cases.red_project(tmp_path, checks=CHECKS, poisoned=poisoned, schedule=QUIET)
        return made.change(**{"model": made.raw["model"] | {"name": name}, "promotion": {"margins": MARGINS}} | keys)

    return make


def decisions(made, name):
    return [each.decision for each in promotions(Archive(made.store, name))]


def test_four_red_nights_give_one_retraining_whose_model_is_champion_the_next_night(
    red, run_dag, scheduled, asset_events
):
    """Must-show 1, with a night that a backfill runs after the others."""
    made = red("fournights")
    nightly = scheduled(made.policy_file)
    nights = [run_dag(nightly, logical_date=f"2025-06-{day:02d}T02:00:00+00:00") for day in (2, 3, 4, 1)]
    assert [night.state for night in nights] == ["failed"] * 4
    ((_, extra),) = asset_events("governance_retraining_fournights")

    trained = run_dag(
        loop_of(made.policy_file), conf={"manifest": extra["manifest"]}, logical_date="2025-06-02T03:00:00+00:00"
    )
    assert trained.states() == dict.fromkeys(("request", "screen", "train", "govern", "decide"), "success")
    after = run_dag(nightly, logical_date="2025-06-05T02:00:00+00:00")
    assert after.states()["quality"] == "success"
    assert decisions(made, "fournights") == ["promoted"]
    assert cases.faults(made.store, "fournights") == []


def test_a_poisoned_window_ends_the_run_before_anything_is_trained(red, run_dag, scheduled, asset_events):
    made = red("poisoned", poisoned=True)
    run_dag(scheduled(made.policy_file))
    ((_, extra),) = asset_events("governance_retraining_poisoned")
    done = run_dag(loop_of(made.policy_file), conf={"manifest": extra["manifest"]})
    assert done.state == "failed"
    assert (done.states()["screen"], done.states()["train"]) == ("failed", "upstream_failed")
    assert decisions(made, "poisoned") == ["refused"]
    assert cases.faults(made.store, "poisoned") == []


class Step:
    """Tasks of the retraining DAG, run one by one on what the ones before returned."""

    def __init__(self, policy, results=None, events=None):
        self.dag = governance_retraining_dag(policy)
        self.results, self.events = results or {}, events
        self.conf = {}

    def run(self, task_id, **more):
        from datetime import UTC, datetime

        task = self.dag.get_task(task_id)

        def pull(*, task_ids, key, dag_id=None, run_id=None):
            if dag_id is not None:
                return self.results.get((dag_id, task_ids))
            return [self.results.get(name) for name in task_ids]

        ti = SimpleNamespace(xcom_pull=pull, id="ti")
        run = SimpleNamespace(conf=self.conf, start_date=datetime.now(UTC))
        context = {"ti": ti, "task_instance": ti, "dag_run": run} | (
            {"triggering_asset_events": self.events} if self.events else {}
        )
        self.results[task_id] = task.execute(context | more)
        return self.results[task_id]


def test_a_run_without_a_request_trains_nothing(red):
    step = Step(read_policy(red("nobody").policy_file))
    with pytest.raises(AirflowFailException, match="nothing was requested"):
        step.run("request")


def test_the_newest_of_several_requests_counts(red):
    made = red("newest")
    night = made.run()
    policy = read_policy(made.policy_file)
    named = {"key": night.manifest.key, "sha256": night.manifest.sha256}
    events = [
        SimpleNamespace(timestamp=number, extra={"manifest": manifest})
        for number, manifest in ((2, named), (1, {"key": "v1/runs/old", "sha256": "0"}))
    ]
    from model_governance.orchestration.assets import retraining_asset

    step = Step(policy, events={retraining_asset("newest"): events})
    asked = step.run("request")
    assert asked["manifest"] == named
    assert asked["champion"]["model"]["sha256"] == policy.model.sha256


def test_a_training_dag_is_triggered_with_the_request_and_its_result_is_registered(red, monkeypatch):
    train = cases.RETRAINING | {"train": {"dag": "train_loans", "task": "fit", "queue": "gpu", "timeout_minutes": 30}}
    made = red("bydag", retraining=train)
    night = made.run()
    step = Step(read_policy(made.policy_file))
    step.conf = {"manifest": {"key": night.manifest.key, "sha256": night.manifest.sha256}}
    step.run("request")
    trigger = step.dag.get_task("trigger_training")
    assert (trigger.trigger_dag_id, trigger.queue, trigger.wait_for_completion) == ("train_loans", "gpu", True)
    assert trigger.execution_timeout.total_seconds() == 1800
    started = {}
    monkeypatch.setattr(
        "airflow.providers.standard.operators.trigger_dagrun.TriggerDagRunOperator.execute",
        lambda self, context: started.update(conf=self.conf, run_id=self.trigger_run_id),
    )
    step.run("trigger_training")
    assert started["conf"]["window"]["uri"].endswith("window.parquet")
    with pytest.raises(AirflowFailException, match="returned nothing"):
        step.run("train")
    step.results["train_loans", "fit"] = cases.train_sound(started["conf"], made.folder) | {
        "uri": str(made.folder / "model.skops")
    }
    assert step.run("train")["model"]["uri"].startswith("file://")


def governed_step(policy, made, **more):
    """The steps after a challenger that nothing speaks against was governed."""
    night = made.run()
    step = Step(policy, **more)
    step.conf = {"manifest": {"key": night.manifest.key, "sha256": night.manifest.sha256}}
    step.run("request")
    loop = cases.Loop(made, night)
    step.results["govern"] = cases.allowed(loop).record()
    return step


HUMAN = {"margins": MARGINS, "approve": "human"}


@pytest.mark.parametrize(
    ("user", "option", "said"),
    [
        ({"id": "ada", "name": "Ada"}, "Reject", r"Ada \(ada\) rejected it"),
        ({"id": "eve", "name": "Eve"}, "Approve", "is none of its approvers"),
        ({"id": "risk@example.com", "name": ""}, "Approve", "owns it"),
    ],
)
def test_where_a_person_decides_only_an_approver_may(red, user, option, said):
    made = red("human", promotion=HUMAN, approvers=["ada", "risk@example.com"])
    step = governed_step(read_policy(made.policy_file), made)
    answer = {
        "chosen_options": [option],
        "params_input": {},
        "responded_at": "2026-03-02T08:00:00+00:00",
        "responded_by_user": user,
    }
    step.results["approve"] = answer
    with pytest.raises((GovernanceViolation, AirflowFailException), match=said):
        step.run("decide")
    assert decisions(made, "human") == (["refused"] if option == "Reject" else [])


def test_nobody_is_asked_about_a_challenger_that_the_evidence_refuses(red):
    made = red("unasked", promotion=HUMAN, approvers=["ada"])
    step = governed_step(read_policy(made.policy_file), made)
    step.results["govern"] |= {"problems": ["quality: accuracy is worse"]}
    assert step.run("approve") is None
    with pytest.raises(GovernanceViolation, match="accuracy is worse"):
        step.run("decide")


def test_without_an_answer_nothing_is_promoted(red):
    made = red("silent", promotion=HUMAN, approvers=["ada"])
    step = governed_step(read_policy(made.policy_file), made)
    with pytest.raises(AirflowFailException, match="no approver answered"):
        step.run("decide")
    assert decisions(made, "silent") == []


def test_only_policies_with_an_entry_point_have_a_retraining_dag(red, policy_file, tmp_path):
    made = red("with-entry")
    folder = tmp_path / "policies"
    policy_file(name="without", folder=folder)
    (folder / "with.yaml").write_text(made.policy_file.read_text())
    (folder / "broken.yaml").write_text("model: {name: broken}\n")
    dags = governance_retraining_dags(folder)
    assert list(dags) == ["governance_with_entry.retraining"]
    (dag,) = dags.values()
    assert [asset.name for asset in dag.timetable.asset_condition.objects] == ["governance_retraining_with-entry"]


def test_training_that_does_not_help_is_a_finding_instead_of_a_request(red, run_dag, scheduled, asset_events):
    made = red("nohelp", retraining=cases.RETRAINING | {"max_without_gain": 1, "cooldown_days": 0})
    nightly = scheduled(made.policy_file)
    night = run_dag(nightly, logical_date="2025-06-01T02:00:00+00:00")
    assert night.states()["request_retraining"] == "success"
    step = governed_step(read_policy(made.policy_file), made)
    step.results["govern"] |= {"problems": ["quality: accuracy is worse"]}
    with pytest.raises(GovernanceViolation):
        step.run("decide")

    again = run_dag(nightly, logical_date="2025-06-09T02:00:00+00:00")
    assert again.states()["request_retraining"] == "failed"
    assert len(asset_events("governance_retraining_nohelp")) == 1
    newest = max(promotions(Archive(made.store, "nohelp")), key=lambda each: each.decision == "stopped")
    assert (newest.decision, "training does not help: 1 trainings" in newest.reason) == ("stopped", True)
    assert cases.faults(made.store, "nohelp") == []


@pytest.mark.parametrize(("user", "said"), [(None, "nobody is none of its approvers"), ("ada", "promoted by nobody")])
def test_the_rollback_dag_says_who_may_and_what_there_is_to_take_back(red, tmp_path, user, said):
    from datetime import UTC, datetime

    made = red("back", approvers=["ada"])
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "back.yaml").write_text(made.policy_file.read_text())
    task = governance_rollback_dag(folder).get_task("roll_back")
    run = SimpleNamespace(triggering_user_name=user, start_date=datetime.now(UTC))
    with pytest.raises(AirflowFailException, match=said):
        task.execute({"dag_run": run, "params": {"model": "back", "reason": "complaints of customers"}})
