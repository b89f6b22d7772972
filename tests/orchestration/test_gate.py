"""The gate alone: which answers of the tasks before it fail the run, and what it then says."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG
from airflow.sdk.bases.operator import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.between_tasks import GovernanceViolation
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.stores import GovernanceReportLink

RUN = "scheduled__2026-06-01"


@dataclass
class TaskInstance:
    """What the tasks of a run pushed and how they ended, asked for as Airflow offers it."""

    pushed: dict[str, list] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)

    def xcom_pull(self, *, task_ids, key):
        assert key == "archive"
        return [one for task_id in task_ids for one in self.pushed.get(task_id, [None])]

    def get_task_states(self, *, dag_id, task_ids, run_ids):
        assert (dag_id, run_ids) == ("governed", [RUN])
        return {RUN: {name: self.states[name] for name in task_ids if name in self.states}} if self.states else {}


@pytest.fixture
def gated(policy_file):
    """A gate behind two archives and a task that asks for retraining."""
    with DAG("governed"):
        policy = policy_file()
        gate = GovernanceGateOperator(task_id="gate")
        [
            ArchiveEvidenceOperator(task_id="archive_a", policy=policy),
            ArchiveEvidenceOperator(task_id="archive_b", policy=policy),
            BaseOperator(task_id="request_retraining"),
        ] >> gate
    return gate


def archived(name, *, stops=False):
    return {
        "name": name,
        "outcome": "fail" if stops else "pass",
        "stops": stops,
        "sentence": f"{name}: the findings",
        "report": {"uri": f"file:///evidence/{name}.html"},
        "report_url": f"/reports/{name}",
    }


def ask(gate, **answers):
    gate.execute({"ti": TaskInstance(**answers), "dag_run": SimpleNamespace(run_id=RUN)})


BOTH_PASS = {"archive_a": [archived("a")], "archive_b": [archived("b")]}
SUCCESS = {"archive_a": "success", "archive_b": "success", "request_retraining": "success"}


@pytest.mark.parametrize("states", [{}, SUCCESS, SUCCESS | {"request_retraining": "skipped"}])
def test_it_passes_where_every_archive_says_so_and_no_task_failed(gated, states):
    ask(gated, pushed=BOTH_PASS, states=states)
    assert GovernanceReportLink().get_link(gated, ti_key=None) == "/reports/b"


def test_it_says_every_finding_that_stops_and_where_its_page_is(gated):
    with pytest.raises(GovernanceViolation) as failed:
        ask(
            gated,
            pushed={"archive_a": [archived("a", stops=True), archived("c", stops=True)], "archive_b": [archived("b")]},
        )
    assert str(failed.value).splitlines() == [
        "a: the findings",
        "page of the run: file:///evidence/a.html",
        "c: the findings",
        "page of the run: file:///evidence/c.html",
    ]
    assert isinstance(failed.value, AirflowFailException), "Airflow must not try again"


@pytest.mark.parametrize("pushed", [{"archive_a": [archived("a")]}, {"archive_a": [archived("a")], "archive_b": []}])
def test_an_archive_that_says_nothing_is_no_pass(gated, pushed):
    with pytest.raises(GovernanceViolation) as failed:
        ask(gated, pushed=pushed)
    assert str(failed.value) == "archive_b archived nothing; without evidence there is no pass (see its log)"


@pytest.mark.parametrize("state", ["failed", "upstream_failed"])
def test_a_task_before_it_that_failed_fails_the_run(gated, state):
    with pytest.raises(GovernanceViolation) as failed:
        ask(gated, pushed=BOTH_PASS, states=SUCCESS | {"request_retraining": state})
    assert str(failed.value) == f"task request_retraining {state}"


def test_findings_come_before_failures(gated):
    with pytest.raises(GovernanceViolation) as failed:
        ask(gated, pushed={"archive_b": [archived("b", stops=True)]}, states=SUCCESS | {"archive_a": "failed"})
    assert [line.split(":")[0].split(" ")[0] for line in str(failed.value).splitlines()] == [
        "archive_a", "b", "page", "task",
    ]  # fmt: skip


def test_a_gate_without_an_archive_before_it_decides_nothing():
    with DAG("governed"):
        gate = GovernanceGateOperator(task_id="gate")
        BaseOperator(task_id="quality") >> gate
    with pytest.raises(GovernanceViolation) as failed:
        ask(gate)
    assert str(failed.value) == "gate gate has no archive directly upstream, so nothing was decided; connect one"


def test_it_runs_whatever_happened_before_with_the_settings_of_any_task(gated):
    assert (gated.trigger_rule, gated.report_url) == ("all_done", "")
    assert [type(link) for link in gated.operator_extra_links] == [GovernanceReportLink]
    with DAG("governed"):
        other = GovernanceGateOperator(task_id="other", retries=2, trigger_rule="none_skipped", pool="small")
    assert (other.retries, other.trigger_rule, other.pool) == (2, "none_skipped", "small")
