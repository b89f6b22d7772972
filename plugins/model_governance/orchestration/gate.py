"""The leaf of a governance DAG: it alone decides how the run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.assets import accepted_asset
from model_governance.orchestration.between_tasks import ARCHIVE, GovernanceViolation, pull_all
from model_governance.orchestration.notify import NotifyOperator
from model_governance.orchestration.operators import COLOUR
from model_governance.orchestration.stores import GovernanceReportLink
from model_governance.orchestration.task_log import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from model_governance.orchestration.dag_settings import Callback

FAILED = ("failed", "upstream_failed")
WARNINGS = ("warn", "uncertain", "fail")
"""Outcomes of a run that is not stopped which somebody should hear of: `fail_on: never` does not stop a `fail`."""


class GovernanceGateOperator(BaseOperator):
    """Fails the run with every finding that stops it; passes only if every archive upstream says so.

    A run that is not stopped emits an event of `accepted_asset(model)`, where that is an outlet of the gate.

    Archive and retraining succeed although a check failed, and Airflow takes a run's state from its
    leaves: without this task a failed run would end as a success. Infrastructure that fails while it decides is retried;
    a finding is not, because the same evidence gives the same answer.

    :param on_warning: called with the task's context for every archived run that is not stopped and ends as `warn` or
        `uncertain`, or as `fail` under `fail_on: never`; `context["governance"]` holds outcome, sentence and addresses. One that raises fails nothing
    """

    operator_extra_links = (GovernanceReportLink(),)
    ui_color = COLOUR

    def __init__(self, *, on_warning: Sequence[Callback] = (), trigger_rule: str = "all_done", **kwargs: Any) -> None:
        super().__init__(trigger_rule=trigger_rule, **kwargs)
        self.on_warning = tuple(on_warning)
        self.report_url = ""

    def execute(self, context: Context) -> None:
        """Pass, or fail the run.

        Raises:
            GovernanceViolation: a finding of an archived run stops it, an archive is missing, or a task before the
                gate failed; lists all of them.
            AirflowSkipException: a dry run that nothing stops; it accepts nothing.
        """
        archives = {
            task.task_id: pull_all(context, [task.task_id], ARCHIVE)
            for task in sorted(self.upstream_list, key=lambda task: task.task_id)
            if isinstance(task, ArchiveEvidenceOperator)
        }
        problems = [*self._verdicts(archives), *self._failures(context)]
        if problems:
            raise GovernanceViolation("\n".join(problems))
        archived = [run for runs in archives.values() for run in runs]
        if any(run.get("dry") for run in archived):
            raise AirflowSkipException("dry run: " + "\n".join(run["sentence"] for run in archived))
        for run in archived:
            self.log.info("%s\npage of the run: %s", shortened(run["sentence"]), run["report"]["uri"])
            self._emit(context, run)
            if run["outcome"] in WARNINGS:
                self._warn(context, run)

    def _emit(self, context: Context, run: Mapping[str, Any]) -> None:
        asset = accepted_asset(run["name"])
        if asset in self.outlets:
            context["outlet_events"][asset].extra = {
                name: run[name] for name in ("name", "outcome", "sentence", "outcomes", "manifest", "report_url")
            }

    def _warn(self, context: Context, run: Mapping[str, Any]) -> None:
        for callback in self.on_warning:
            try:
                callback({**context, "governance": run})
            except Exception:
                self.log.exception("on_warning callback %r failed; the run stays as it was judged", callback)

    def _verdicts(self, archives: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
        """What stops the run, by what each archive upstream pushed."""
        if not archives:
            return [f"gate {self.task_id} has no archive directly upstream, so nothing was decided; connect one"]
        problems = []
        for task_id, summaries in archives.items():
            if not summaries:
                problems.append(f"{task_id} archived nothing; without evidence there is no pass (see its log)")
            for archived in summaries:
                self.report_url = archived.get("report_url", "")
                if archived["stops"]:
                    page = "" if archived.get("dry") else f"\npage of the run: {archived['report']['uri']}"
                    problems.append(f"{archived['sentence']}{page}")
        return problems

    def _failures(self, context: Context) -> list[str]:
        """Tasks directly upstream that failed: a lost retraining request must not end as a success, a lost message may."""
        run_id = context["dag_run"].run_id
        task_ids = sorted(task.task_id for task in self.upstream_list if not isinstance(task, NotifyOperator))
        states = context["ti"].get_task_states(dag_id=self.dag_id, task_ids=task_ids, run_ids=[run_id])
        return [f"task {name} {state}" for name, state in states.get(run_id, {}).items() if state in FAILED]
