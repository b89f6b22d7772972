"""The leaf of a governance DAG: it alone decides how the run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.links import GovernanceReportLink
from model_governance.orchestration.policy_operator import ARCHIVE, pushed
from model_governance.orchestration.violation import GovernanceViolation

if TYPE_CHECKING:
    from airflow.sdk import Context

FAILED = ("failed", "upstream_failed")


class GovernanceGateOperator(BaseOperator):
    """Fails the run with every finding that stops it; passes only if every archive upstream says so.

    Archive and retraining succeed although a check failed, and Airflow takes a run's state from its
    leaves: without this task a red night would be green.
    """

    operator_extra_links = (GovernanceReportLink(),)
    ui_color = "#e8eef4"

    def __init__(self, *, trigger_rule: str = "all_done", retries: int = 0, **kwargs: Any) -> None:
        super().__init__(trigger_rule=trigger_rule, retries=retries, **kwargs)
        self.report_address = ""

    def execute(self, context: Context) -> None:
        """Nothing, or GovernanceViolation with the findings of every archived run, and what is missing."""
        problems = [*self._verdicts(context), *self._failures(context)]
        if problems:
            raise GovernanceViolation("\n".join(problems))

    def _verdicts(self, context: Context) -> list[str]:
        archives = sorted(one.task_id for one in self.upstream_list if isinstance(one, ArchiveEvidenceOperator))
        if not archives:
            return [f"gate {self.task_id} has no archive directly upstream, so nothing was decided; connect one"]
        problems = []
        for task_id in archives:
            found = pushed(context, [task_id], ARCHIVE)
            if not found:
                problems.append(f"{task_id} archived nothing; without evidence there is no pass (see its log)")
            for one in found:
                self.report_address = one["address"]
                if one["stops"]:
                    problems.append(f"{one['sentence']}\npage of the run: {one['report']['uri']}")
        return problems

    def _failures(self, context: Context) -> list[str]:
        """Tasks between checks and gate that failed: a lost retraining request must not look like a good night."""
        run_id = context["dag_run"].run_id
        task_ids = sorted(self.upstream_task_ids)
        states = context["ti"].get_task_states(dag_id=self.dag_id, task_ids=task_ids, run_ids=[run_id])
        return [f"task {name} {state}" for name, state in states.get(run_id, {}).items() if state in FAILED]
