"""DAGs over the archives of all policies: one verifies them each week, one reports and exports the month before."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Variable
from airflow.sdk.exceptions import AirflowFailException

from model_governance.authoring.verify import describe_verification
from model_governance.contract.result import canonical_json
from model_governance.errors import PolicyError
from model_governance.evidence.coverage import coverage
from model_governance.evidence.period import Period
from model_governance.evidence.trust import trust_file_of, trust_of
from model_governance.evidence.verification import verify_model
from model_governance.orchestration.between_tasks import GovernanceViolation
from model_governance.orchestration.dags import policy_files
from model_governance.orchestration.monthly_export import store_export
from model_governance.orchestration.operators import COLOUR, read_policy
from model_governance.orchestration.run_moment import AnyRunOperator, run_from_context
from model_governance.orchestration.stores import (
    AirflowConnections,
    GovernanceReportLink,
    report_url,
    store_location,
)
from model_governance.store import stored_at

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from airflow.sdk import Context

    from model_governance.evidence.trust import Trust
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore

HEAD, COVERAGE, EXPORT = "head", "coverage", "export"
"""XCom keys of what the two operators push."""
REPORTS = "v1/reports/coverage/"
"""Under this prefix of the archive: the coverage reports, by model and period."""


class _ArchiveOperator(AnyRunOperator):
    """Reads its policy when it runs, so that a broken policy fails its own task and takes no DAG away.

    :param policy: the policy's file, best an absolute path
    :param artifacts_uri: where the archive is instead of the policy's `artifacts.uri` (templated)
    :param artifacts_connection: Airflow aws connection of that store
    """

    template_fields: Sequence[str] = ("policy", "artifacts_uri")
    ui_color = COLOUR

    def __init__(
        self,
        *,
        policy: str | os.PathLike[str],
        artifacts_uri: str | None = None,
        artifacts_connection: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.policy = str(policy)
        self.artifacts_uri = artifacts_uri
        self.artifacts_connection = artifacts_connection

    def opened(self) -> tuple[Policy, ArtifactStore, Trust | None]:
        """The policy, its archive, and the keys that it trusts.

        Raises:
            AirflowFailException: the policy is wrong; another try finds it no better.
        """
        try:
            policy = read_policy(self.policy)
        except PolicyError as error:
            raise AirflowFailException(str(error)) from error
        store = store_location(policy, self.artifacts_uri, self.artifacts_connection).open()
        trust = trust_of(policy, AirflowConnections())
        if trust is None:
            self.log.warning("%s: no trust file is named (archive.trust), so signatures are not checked", policy.name)
        return policy, store, trust


class VerifyArchiveOperator(_ArchiveOperator):
    """Verifies the archive of a policy and fails when anything is off; keeps the head of the chain in an Airflow Variable.

    The Variable `governance_head_<model>` is a second place for the head: a chain whose end was cut off, or that was
    written anew, no longer holds the link that was the newest one before. It is raised only where the archive is
    sound, so that a later run still compares with the last sound head.
    """

    def execute(self, context: Context) -> None:
        """Verify, compare, raise the head, push it; GovernanceViolation lists every problem and is not retried."""
        policy, store, trust = self.opened()
        name = f"governance_head_{policy.name}"
        known = Variable.get(name, default=None, deserialize_json=True)
        found = verify_model(
            store, policy.name, trust=trust, known_head=(known["sequence"], known["sha256"]) if known else None
        )
        text = "\n".join(describe_verification(found))
        if not found.is_sound or found.head is None:
            raise GovernanceViolation(f"the archive {store.uri} is not sound:\n{text}")
        head = {"sequence": found.head[0], "sha256": found.head[1]}
        Variable.set(name, head, serialize_json=True)
        context["ti"].xcom_push(key=HEAD, value=head | {"model": policy.name, "links": found.links})
        self.log.info("%s\nheld before: %s", text, known or "nothing")


class CoverageReportOperator(_ArchiveOperator):
    """Reports on the calendar month before the run: which controls had fresh evidence, and the evidence itself as a bag.

    The report lies in the policy's archive under v1/reports/coverage/ and names the verified head that it was made from.
    Beside it, or in a store of its own, lies the export of the month under v1/reports/export/, as `model-governance archive
    export` writes it, in one ZIP file. Those of an archive that is not sound are stored too, and then the task fails.

    :param max_age_days: evidence is fresh for so many days before the end of the month; by default the whole month
    :param exports_uri: store of the exports instead of the archive (templated)
    :param exports_connection: Airflow aws connection of that store
    """

    template_fields: Sequence[str] = (*_ArchiveOperator.template_fields, "exports_uri")
    operator_extra_links = (GovernanceReportLink(),)

    def __init__(
        self,
        *,
        max_age_days: int | None = None,
        exports_uri: str | None = None,
        exports_connection: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_age_days = max_age_days
        self.exports_uri = exports_uri
        self.exports_connection = exports_connection
        self.report_url = ""

    def execute(self, context: Context) -> None:
        """Make report and export, store them, push numbers and addresses."""
        from model_governance.report.coverage_page import render_coverage

        policy, store, trust = self.opened()
        moment = run_from_context(context).logical_date
        first, last = month_before(moment)
        period = Period(first=first, last=last)
        record = coverage(store, [policy.name], period=period, trust=trust, max_age_days=self.max_age_days)
        (model,) = record["models"]
        content = canonical_json(record)
        folder = f"{REPORTS}model={policy.name}/month={first:%Y-%m}/{hashlib.sha256(content).hexdigest()[:16]}/"
        numbers = store.put_once(f"{folder}coverage.json", content, media_type="application/json")
        html = render_coverage(record)
        store.put_once(f"{folder}coverage.html", html, media_type="text/html")
        page = stored_at(store, f"{folder}coverage.html", html, media_type="text/html")
        self.report_url = report_url(page, store=store, dag_id=self.dag_id)
        pushed = {name: model[name] for name in ("model", "runs", "with_evidence", "without_evidence")}
        context["ti"].xcom_push(
            key=COVERAGE, value=pushed | {"page": page.uri, "numbers": numbers, "report_url": self.report_url}
        )
        self.log.info("%s to %s: %s\npage: %s", first, last, pushed, page.uri)
        self._export(context, policy, store, period=period, moment=moment)
        if not model["verification"]["sound"]:
            raise GovernanceViolation(f"the archive {store.uri} is not sound; the report lists why: {page.uri}")

    def _export(
        self, context: Context, policy: Policy, store: ArtifactStore, *, period: Period, moment: datetime
    ) -> None:
        """Export the month; one without a run that can be read has nothing to export, which the report shows."""
        target = store
        if self.exports_uri is not None:
            target = store_location(policy, self.exports_uri, self.exports_connection).open()
        trust_file = trust_file_of(policy, AirflowConnections())
        try:
            stored = store_export(store, target, policy.name, period=period, trust_file=trust_file, moment=moment)
        except PolicyError as error:
            self.log.warning("nothing was exported: %s", error)
            return
        context["ti"].xcom_push(key=EXPORT, value={"uri": stored.uri, "sha256": stored.sha256, "size": stored.size})
        self.log.info("export: %s, sha256 %s", stored.uri, stored.sha256)


def archive_verification_dag(
    folder: str | os.PathLike[str], *, dag_id: str = "governance_archive_verification", schedule: str | None = "@weekly"
) -> DAG:
    """A DAG that verifies the archive of every policy of a folder, one task each.

    Args:
        folder: the policies.
        dag_id: id of the DAG.
        schedule: when it runs.

    Raises:
        PolicyError: the folder is missing or holds no policy.
    """
    return _dag(folder, VerifyArchiveOperator, dag_id=dag_id, schedule=schedule)


def compliance_report_dag(
    folder: str | os.PathLike[str],
    *,
    dag_id: str = "governance_compliance_report",
    schedule: str | None = "@monthly",
    exports_uri: str | None = None,
    exports_connection: str | None = None,
) -> DAG:
    """A DAG that reports which controls had fresh evidence in the month before, and exports it: a task per policy of a folder.

    Args:
        folder: the policies.
        dag_id: id of the DAG.
        schedule: when it runs.
        exports_uri: store of the exports, such as a bucket of the auditors; by default the archive of each policy.
        exports_connection: Airflow aws connection of that store.

    Raises:
        PolicyError: the folder is missing or holds no policy.
    """
    return _dag(
        folder, CoverageReportOperator, dag_id=dag_id, schedule=schedule, exports_uri=exports_uri,
        exports_connection=exports_connection,
    )  # fmt: skip


def month_before(moment: datetime) -> tuple[date, date]:
    """First and last day of the calendar month before that of a moment."""
    last = moment.date().replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _dag(
    folder: str | os.PathLike[str],
    operator: type[_ArchiveOperator],
    *,
    dag_id: str,
    schedule: str | None,
    **arguments: Any,
) -> DAG:
    # No policy is read here: what a file holds decides nothing about the DAG.
    dag = DAG(
        dag_id=dag_id, description=str(operator.__doc__).partition("\n")[0], schedule=schedule,
        start_date=datetime(2025, 1, 1, tzinfo=UTC), catchup=False, max_active_runs=1, tags={"model-governance"},
        default_args={"retries": 2},
    )  # fmt: skip
    for file in policy_files(Path(folder)):
        operator(task_id=re.sub(r"[^A-Za-z0-9_.-]", "_", file.name), policy=file.resolve(), dag=dag, **arguments)
    return dag
