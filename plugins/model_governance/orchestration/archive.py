"""The tasks that follow the checks: archive the run, whatever happened, and let the gate decide how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from model_governance.orchestration.policy_operator import (
    ARCHIVE,
    COLOUR,
    VERDICT,
    GovernanceViolation,
    PolicyOperator,
    pull_all,
    run_from_context,
    with_check,
)
from model_governance.orchestration.stores import GovernanceReportLink
from model_governance.run import archive_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from model_governance.policy import Policy

FAILED = ("failed", "upstream_failed")


class ArchiveEvidenceOperator(PolicyOperator):
    """Writes the manifest and the page of a run from the verdicts of its checks, and pushes "archive".

    Every check of the policy must have reported: one that did not is archived as an error.

    :param check_task_ids: the tasks that ran the checks; by default those directly upstream
    """

    def __init__(
        self, *, check_task_ids: Sequence[str] | None = None, trigger_rule: str = "all_done", **kwargs: Any
    ) -> None:
        super().__init__(trigger_rule=trigger_rule, **kwargs)
        self.check_task_ids = check_task_ids

    def execute(self, context: Context) -> None:
        """Collect the verdicts, archive them, push the summary. The gate, not this task, fails the run."""
        task_ids = sorted(self.upstream_task_ids if self.check_task_ids is None else self.check_task_ids)
        policy = self._policy_with_added_checks(task_ids)
        summaries = _by_check(policy, pull_all(context, task_ids, VERDICT))
        store = self.location().open()
        archived = archive_run(policy, summaries, run=run_from_context(context), store=store)
        url = self.link_to(archived.report, store)
        context["ti"].xcom_push(key=ARCHIVE, value=archived.summary() | {"report_url": url})
        self.log.info("%s\npage: %s", archived.verdict.sentence, archived.report.uri)

    def _policy_with_added_checks(self, task_ids: Sequence[str]) -> Policy:
        """The policy with the checks that the DAG file added (`@task.governance_check`)."""
        policy = self.policy
        tasks = (self.get_dag().get_task(task_id) for task_id in task_ids)
        for task in tasks:
            if (added := getattr(task, "added_check", None)) is not None:
                policy = with_check(policy, task.check, added)
        return policy


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
        """Tasks directly upstream that failed: a lost retraining request must not end as a success."""
        run_id = context["dag_run"].run_id
        task_ids = sorted(self.upstream_task_ids)
        states = context["ti"].get_task_states(dag_id=self.dag_id, task_ids=task_ids, run_ids=[run_id])
        return [f"task {name} {state}" for name, state in states.get(run_id, {}).items() if state in FAILED]


def _by_check(policy: Policy, summaries: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    names = [summary["name"] for summary in summaries]
    repeated = sorted({name for name in names if names.count(name) > 1})
    unknown = sorted({name for name in names if name not in policy.checks})
    if repeated:
        raise GovernanceViolation(f"several tasks reported {', '.join(repeated)}; a run has one verdict per check")
    if unknown:
        raise GovernanceViolation(f"policy {policy.name} has no check {', '.join(unknown)}, yet a task reported it")
    return dict(zip(names, summaries, strict=True))
