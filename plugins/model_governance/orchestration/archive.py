"""The task that archives a run, whatever happened to its checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from model_governance.archiving import archive_run
from model_governance.evidence.chain import describe_link
from model_governance.orchestration.assets import evidence_asset
from model_governance.orchestration.between_tasks import ARCHIVE, PROBLEM, VERDICT, GovernanceViolation, pull_all
from model_governance.orchestration.lineage import lineage_of_run
from model_governance.orchestration.operators import PolicyOperator, champion_policy, with_check
from model_governance.orchestration.run_moment import run_from_context
from model_governance.orchestration.run_params import checks_of_run, dry_summary, is_dry
from model_governance.orchestration.stores import AirflowConnections
from model_governance.orchestration.task_log import quiet_libraries, shortened
from model_governance.orchestration.telemetry import count_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from model_governance.policy import Policy


class ArchiveEvidenceOperator(PolicyOperator):
    """Writes the manifest and the page of a run from the verdicts of its checks, and pushes "archive".

    Every check of the policy must have reported: one that did not is archived as an error.

    :param check_task_ids: the tasks that ran the checks; by default those directly upstream
    """

    # Serialized with the DAG, so that the api-server knows which archive the DAG's evidence is in.
    template_fields: Sequence[str] = ("artifacts_uri", "evidence_store")

    def __init__(
        self, *, check_task_ids: Sequence[str] | None = None, trigger_rule: str = "all_done", **kwargs: Any
    ) -> None:
        super().__init__(trigger_rule=trigger_rule, **kwargs)
        self.check_task_ids = check_task_ids
        self.asset = evidence_asset(self.policy.name)
        self.add_outlets([self.asset])
        location = self.location()
        self.evidence_store = {"uri": location.uri, "connection": location.connection}

    def execute(self, context: Context) -> None:
        """Collect the verdicts, archive them, push the summary. The gate, not this task, fails the run.

        Raises:
            AirflowSkipException: the run is a dry run; its summary is pushed, and nothing is stored.
        """
        task_ids = sorted(self.upstream_task_ids if self.check_task_ids is None else self.check_task_ids)
        policy = self._policy_with_added_checks(task_ids)
        summaries = _by_check(policy, pull_all(context, task_ids, VERDICT))
        reasons = {told["name"]: told["sentence"] for told in pull_all(context, task_ids, PROBLEM)}
        if is_dry(context):
            checks = checks_of_run(context, policy)
            context["ti"].xcom_push(key=ARCHIVE, value=dry_summary(policy, summaries, checks=checks, reasons=reasons))
            raise AirflowSkipException("dry run: nothing is archived")
        with quiet_libraries():
            store = self.location().open()
            archived = archive_run(
                champion_policy(policy, store, context), summaries, run=run_from_context(context), store=store, connections=AirflowConnections(),
                reasons=reasons,
            )  # fmt: skip
        url = self.link_to(archived.report, store)
        summary = archived.summary()
        context["outlet_events"][self.asset].extra = {name: summary[name] for name in ("outcome", "stops", "manifest")}
        context["ti"].xcom_push(key=ARCHIVE, value=summary | {"report_url": url})
        count_run(policy.name, summary)
        self.lineage = lineage_of_run(archived)
        self.log.info(
            "%s\npage: %s\n%s", shortened(archived.verdict.sentence), archived.report.uri, describe_link(archived.link)
        )

    def _policy_with_added_checks(self, task_ids: Sequence[str]) -> Policy:
        """The policy with the checks that the DAG file added (`@task.governance_check`)."""
        policy = self.policy
        tasks = (self.get_dag().get_task(task_id) for task_id in task_ids)
        for task in tasks:
            if (added := getattr(task, "added_check", None)) is not None:
                policy = with_check(policy, task.check, added)
        return policy


def _by_check(policy: Policy, summaries: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    names = [summary["name"] for summary in summaries]
    repeated = sorted({name for name in names if names.count(name) > 1})
    unknown = sorted({name for name in names if name not in policy.checks})
    if repeated:
        raise GovernanceViolation(f"several tasks reported {', '.join(repeated)}; a run has one verdict per check")
    if unknown:
        raise GovernanceViolation(f"policy {policy.name} has no check {', '.join(unknown)}, yet a task reported it")
    return dict(zip(names, summaries, strict=True))
