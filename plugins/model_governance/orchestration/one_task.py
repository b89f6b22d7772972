"""All checks of a policy in one task: one process imports the libraries and loads the model once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowTaskTimeout

from model_governance.engine.stored import remove_rows_of_killed_tasks
from model_governance.errors import CheckError
from model_governance.evidence.signing import signer_of
from model_governance.orchestration.assets import inlets_of
from model_governance.orchestration.between_tasks import PROBLEM, VERDICT, GovernanceViolation
from model_governance.orchestration.lineage import joined, lineage_of_check
from model_governance.orchestration.one_run import pinned, wait_for_earlier_runs
from model_governance.orchestration.operators import (
    PolicyOperator,
    champion_policy,
    datasets_of_version,
    reason_of,
    rendered_sources,
    templated_sources,
)
from model_governance.orchestration.run_moment import run_from_context
from model_governance.orchestration.run_params import checks_of_run, is_dry
from model_governance.orchestration.stores import AirflowConnections
from model_governance.orchestration.task_log import check_lines, quiet_libraries
from model_governance.orchestration.telemetry import count_check
from model_governance.run import in_order, run_check, scans_before
from model_governance.store.overlay import OverlayStore
from model_governance.verdict.violation import ThresholdViolation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.sdk import Context

    from model_governance.run import CheckRun
    from model_governance.store import ArtifactStore

TASK_ID = "checks"


class GovernanceRunOperator(PolicyOperator):
    """Measures, judges and stores every check of a policy, one after the other, in this process.

    Each check has its own record, verdict and report, as with a task per check. One that is violated or cannot be measured
    does not keep the others from being measured. What was stored is pushed after each check under the XCom key "verdict",
    as a list, before anything is raised.

    A violated threshold fails the task at once (`GovernanceViolation`, never retried); where a check could not measure, or
    storage or network do not answer, the task is an ordinary failure, which Airflow retries as a whole.
    """

    template_fields: Sequence[str] = ("sources", "artifacts_uri")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sources = templated_sources(self.policy)
        for check in self.policy.checks:
            self.add_inlets([asset for asset in inlets_of(self.policy, check) if asset not in self.inlets])

    def execute(self, context: Context) -> None:
        """Run the checks, push their verdicts, raise if one stops the run or could not be measured."""
        wait_for_earlier_runs(context)
        dry, chosen, told = is_dry(context), checks_of_run(context, self.policy), _Told(context)
        try:
            with quiet_libraries():
                store = self.location().open()
                measure = self._prepared(context, OverlayStore(store) if dry else store)
        except Exception as error:
            for name in chosen:
                told.problem(name, error)
            raise
        problems: list[Exception] = []
        refused: set[str] = set()
        for name in in_order(self.policy):
            if name not in chosen or refused & set(scans_before(self.policy, name)):
                continue
            try:
                with quiet_libraries():
                    done = measure(name)
            except (Exception, AirflowTaskTimeout) as error:
                told.problem(name, error)
                if isinstance(error, AirflowTaskTimeout):
                    raise
                problems.append(error)
                continue
            url = "" if dry else self.link_to(done.report, store, task=context["ti"])
            told.verdict(done.summary() | pinned(self.policy) | {"report_url": url})
            count_check(self.policy.name, done.summary())
            if not dry:
                self.lineage = joined(self.lineage, lineage_of_check(done, features=self.policy.columns.names))
            self.log.info("%s: %s", name, check_lines(done, is_stored=not dry))
            if done.verdict.stops:
                refused.add(name)
            problems += _stopped(done)
        _raise(problems)

    def _prepared(self, context: Context, store: ArtifactStore) -> Callable[[str], CheckRun]:
        """What runs a check by its name; store, key and champion are looked up once for all of them."""
        remove_rows_of_killed_tasks()
        connections = AirflowConnections()
        signer_of(self.policy, connections)  # a missing key is an error before anything is measured
        policy = champion_policy(self.policy, store, context)
        sources = rendered_sources(self.policy, self.sources) | datasets_of_version(policy, self.policy)
        run = run_from_context(context)
        return lambda name: run_check(policy, name, run=run, store=store, connections=connections, sources=sources)


class _Told:
    """What the task has pushed so far: a task that is killed leaves the verdicts of the checks before."""

    def __init__(self, context: Context) -> None:
        self._task = context["ti"]
        self._verdicts: list[dict[str, Any]] = []
        self._problems: list[dict[str, str]] = []

    def verdict(self, summary: dict[str, Any]) -> None:
        self._verdicts.append(summary)
        self._task.xcom_push(key=VERDICT, value=self._verdicts)

    def problem(self, name: str, error: BaseException) -> None:
        self._problems.append({"name": name, "sentence": reason_of(error)[:2000]})
        self._task.xcom_push(key=PROBLEM, value=self._problems)


def _stopped(done: CheckRun) -> list[Exception]:
    try:
        done.raise_if_it_stops()
    except (CheckError, ThresholdViolation) as error:
        return [error]
    return []


def _raise(problems: Sequence[Exception]) -> None:
    """Nothing, or the one exception that says how the task ends: an ordinary failure before a violation.

    Raises:
        GovernanceViolation: thresholds are violated and every check was measured; holds all sentences.
        Exception: what kept a check from being measured; the task is tried again.
    """
    for error in problems:
        if not isinstance(error, ThresholdViolation):
            raise error
    if problems:
        raise GovernanceViolation("\n".join(map(str, problems)))
