"""The leaf of a governance DAG: it alone decides how the run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.notify import NotifyOperator
from model_governance.orchestration.operators import ARCHIVE, COLOUR, GovernanceViolation, pull_all
from model_governance.orchestration.stores import GovernanceReportLink

if TYPE_CHECKING:
    from airflow.sdk import Context

FAILED = ("failed", "upstream_failed")


class GovernanceGateOperator(BaseOperator):
    """Fails the run with every finding that stops it; passes only if every archive upstream says so.

    Archive and retraining succeed although a check failed, and Airflow takes a run's state from its
    leaves: without this task a failed run would end as a success.
    """

    operator_extra_links = (GovernanceReportLink(),)
    ui_color = COLOUR

    def __init__(self, *, trigger_rule: str = "all_done", retries: int = 0, **kwargs: Any) -> None:
        super().__init__(trigger_rule=trigger_rule, retries=retries, **kwargs)
        self.report_url = ""

    def execute(self, context: Context) -> None:
        """Pass, or fail the run.

        Raises:
            GovernanceViolation: a finding of an archived run stops it, an archive is missing, or a task before the
                gate failed; lists all of them.
        """
        problems = [*self._verdicts(context), *self._failures(context)]
        if problems:
            raise GovernanceViolation("\n".join(problems))

    def _verdicts(self, context: Context) -> list[str]:
        archives = sorted(task.task_id for task in self.upstream_list if isinstance(task, ArchiveEvidenceOperator))
        if not archives:
            return [f"gate {self.task_id} has no archive directly upstream, so nothing was decided; connect one"]
        problems = []
        for task_id in archives:
            summaries = pull_all(context, [task_id], ARCHIVE)
            if not summaries:
                problems.append(f"{task_id} archived nothing; without evidence there is no pass (see its log)")
            for archived in summaries:
                self.report_url = archived["report_url"]
                if archived["stops"]:
                    problems.append(f"{archived['sentence']}\npage of the run: {archived['report']['uri']}")
        return problems

    def _failures(self, context: Context) -> list[str]:
        """Tasks directly upstream that failed: a lost retraining request must not end as a success, a lost message may."""
        run_id = context["dag_run"].run_id
        task_ids = sorted(task.task_id for task in self.upstream_list if not isinstance(task, NotifyOperator))
        states = context["ti"].get_task_states(dag_id=self.dag_id, task_ids=task_ids, run_ids=[run_id])
        return [f"task {name} {state}" for name, state in states.get(run_id, {}).items() if state in FAILED]
