"""The operators: what all of them share, the one that runs a check, and one per kind, made from the catalogue."""

from __future__ import annotations

from functools import cache
from types import new_class
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.sdk.exceptions import AirflowTaskTimeout

from model_governance.checks import catalogue, find
from model_governance.engine.stored import remove_rows_of_killed_tasks
from model_governance.errors import PolicyError
from model_governance.evidence.promotions import governed
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of
from model_governance.orchestration.assets import inlets_of
from model_governance.orchestration.between_tasks import (
    PREPARED,
    PROBLEM,
    VERDICT,
    GovernanceViolation,
    is_mapped,
    preparation_id,
    pull_all,
)
from model_governance.orchestration.lineage import as_operator_lineage, lineage_of_check
from model_governance.orchestration.one_run import pinned, require_one_policy, wait_for_earlier_runs
from model_governance.orchestration.run_moment import AnyRunOperator, run_from_context
from model_governance.orchestration.run_params import is_dry, require_chosen
from model_governance.orchestration.stores import (
    AirflowConnections,
    GovernanceReportLink,
    report_url,
    store_location,
)
from model_governance.orchestration.task_log import check_lines, quiet_libraries
from model_governance.orchestration.telemetry import count_check
from model_governance.policy import DatasetSpec, Policy, load_policy
from model_governance.policy.subject_spec import TEMPLATED
from model_governance.run import problem_text, run_check
from model_governance.store.overlay import OverlayStore
from model_governance.verdict.violation import ThresholdViolation

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context, XComArg

    from model_governance.contract.check import Check
    from model_governance.contract.subject import Role
    from model_governance.orchestration.lineage import Lineage
    from model_governance.orchestration.stores import StoreLocation
    from model_governance.policy import CheckSpec
    from model_governance.run import CheckRun
    from model_governance.store import ArtifactStore, Stored

COLOUR = "#e8eef4"


class PolicyOperator(AnyRunOperator):
    """An operator for one policy.

    The policy is read and checked in the constructor, which costs milliseconds and no data, so that a
    mistake is a DAG import error with every problem in it.

    :param policy: the policy's file, best an absolute path, or a policy that was read already
    :param artifacts_uri: where evidence goes, instead of the policy's `artifacts.uri` (templated)
    :param artifacts_connection: Airflow aws connection of that store
    """

    template_fields: Sequence[str] = ("artifacts_uri",)
    operator_extra_links = (GovernanceReportLink(),)
    ui_color = COLOUR

    def __init__(
        self,
        *,
        policy: str | os.PathLike[str] | Policy,
        artifacts_uri: str | None = None,
        artifacts_connection: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.policy = read_policy(policy)
        self.artifacts_uri = artifacts_uri
        self.artifacts_connection = artifacts_connection
        self.report_url = ""
        self.lineage: Lineage | None = None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:  # noqa: ARG002 - Airflow hands it over
        """What the task tells OpenLineage's provider, which asks for it; None without the provider or without evidence."""
        return as_operator_lineage(self.lineage)

    # A violated threshold fails the task after everything was measured: there is as much to tell.
    get_openlineage_facets_on_failure = get_openlineage_facets_on_complete

    def location(self) -> StoreLocation:
        """Where this task's evidence goes."""
        return store_location(self.policy, self.artifacts_uri, self.artifacts_connection)

    def link_to(self, stored: Stored, store: ArtifactStore, *, task: Any = None) -> str:
        """Point the task's button at a stored page, of a task instance whose run is not archived yet; returns its address."""
        connection = self.location().connection
        self.report_url = report_url(stored, store=store, dag_id=self.dag_id, connection=connection, task=task)
        return self.report_url


class GovernanceCheckOperator(PolicyOperator):
    """Measures one check of a policy, judges it, stores the evidence, and fails where a violated threshold stops the run.

    A violated threshold fails the task at once (`GovernanceViolation`, never retried). A check that
    could not measure, and storage or network that does not answer, are ordinary failures, which Airflow retries.
    Either way, what was stored is pushed under the XCom key "verdict" before anything is raised.

    :param check: a check's name in the policy (templated, and may be expanded over); may be left out
        where the policy has only one that fits
    """

    template_fields: Sequence[str] = ("check", "sources", "artifacts_uri")
    kind: ClassVar[str | None] = None
    """The kind of check that this operator runs; None runs any."""

    def __init__(self, *, check: str | XComArg | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check if check is not None else only_check_of(self.policy, self.kind)
        self.sources = templated_sources(self.policy)
        if isinstance(self.check, str) and "{{" not in self.check:
            self.require_check()
            self.add_inlets(inlets_of(self.policy, self.check))

    def execute(self, context: Context) -> None:
        """Resolve the store, run the check, push the small verdict, raise if the verdict stops the run."""
        self.require_check()
        if is_mapped(context) and context.get("map_index_template") is None:
            context["map_index_template"] = "{{ task.check }}"  # Airflow renders it when the task has ended
        require_chosen(context, self.policy, self.check)
        wait_for_earlier_runs(context)
        dry = is_dry(context)
        try:
            require_one_policy(context, self.policy, self._checks_of_the_dag())
            with quiet_libraries():
                remove_rows_of_killed_tasks()
                store = self.location().open()
                done = self.run(context, OverlayStore(store) if dry else store)
        except (Exception, AirflowTaskTimeout) as error:
            # Page and gate say why there is no verdict, whether or not a later try gives one.
            context["ti"].xcom_push(key=PROBLEM, value={"name": self.check, "sentence": reason_of(error)[:2000]})
            raise
        url = "" if dry else self.link_to(done.report, store, task=context["ti"])
        summary = done.summary()
        context["ti"].xcom_push(key=VERDICT, value=summary | pinned(self.policy) | {"report_url": url})
        count_check(self.policy.name, summary)
        self.lineage = None if dry else lineage_of_check(done, features=self.policy.columns.names)
        self.log.info("%s", check_lines(done, is_stored=not dry))
        try:
            done.raise_if_it_stops()
        except ThresholdViolation as violation:
            report = "" if dry else f"\nreport: {done.report.uri}"
            raise GovernanceViolation(f"{violation}{report}") from violation

    def run(self, context: Context, store: ArtifactStore, *, check: Check | None = None) -> CheckRun:
        """Run the check on the rendered sources; `check` replaces the registered one of its kind."""
        connections = AirflowConnections()
        signer_of(self.policy, connections)  # a missing key is an error before anything is measured, not at the archive
        policy = champion_policy(self.policy, store, context)
        return run_check(
            policy, self.check, run=run_from_context(context), store=store, connections=connections,
            sources={**self.rendered_sources(), **datasets_of_version(policy, self.policy)}, check=check,
            prepared=self._prepared(context),
        )  # fmt: skip

    def _prepared(self, context: Context) -> list[Mapping[str, Any]]:
        """Addresses of what the mapped tasks before this one stored of its work."""
        before = preparation_id(self.task_id)
        return pull_all(context, [before], PREPARED) if before in self.upstream_task_ids else []

    def _checks_of_the_dag(self) -> list[str]:
        """The tasks of this DAG that run checks, mapped ones too."""
        tasks = self.get_dag().tasks
        kinds = {task.task_id: getattr(task, "operator_class", type(task)) for task in tasks}
        return [task_id for task_id, kind in kinds.items() if issubclass(kind, GovernanceCheckOperator)]

    def rendered_sources(self) -> dict[Role, DatasetSpec]:
        """The policy's datasets with Airflow's templates filled in."""
        return rendered_sources(self.policy, self.sources)

    def require_check(self) -> None:
        """Refuse a check that this operator cannot run.

        Raises:
            PolicyError: the policy has no such check, or has it of another kind.
        """
        checks = self.policy.checks
        if self.check not in checks:
            raise PolicyError([f"policy {self.policy.name}: no check {self.check!r}; there are {', '.join(checks)}"])
        kind = checks[self.check].kind
        if self.kind is not None and kind != self.kind:
            raise PolicyError(
                [f"policy {self.policy.name}: check {self.check!r} is {kind}, {type(self).__name__} runs {self.kind}"]
            )


def templated_sources(policy: Policy) -> dict[Role, dict[str, Any]]:
    """What of the datasets of a policy holds templates, by role, as a template field of an operator."""
    return {
        role: dataset.model_dump(mode="json", include=set(TEMPLATED), exclude_none=True)
        for role, dataset in policy.datasets.items()
    }


def rendered_sources(policy: Policy, sources: Mapping[Role, Mapping[str, Any]]) -> dict[Role, DatasetSpec]:
    """The datasets of a policy with `templated_sources`, once they are rendered."""
    return {
        role: DatasetSpec.model_validate(dataset.model_dump(mode="json", exclude_none=True) | dict(sources[role]))
        for role, dataset in policy.datasets.items()
    }


def champion_policy(policy: Policy, store: ArtifactStore, context: Context) -> Policy:
    """The policy for the version that was the champion when the run started, so that all of its tasks agree. Raises as `governed`."""
    if policy.promotion is None:
        return policy
    run = context["dag_run"]
    # `dag.test()` says that a run started at its logical date, whenever that is.
    is_known = run.start_date not in (None, run.logical_date, run.run_after)
    trust = trust_of(policy, AirflowConnections())
    return governed(policy, store, moment=run.start_date if is_known else None, trust=trust)


def datasets_of_version(policy: Policy, file: Policy) -> dict[Role, DatasetSpec]:
    """The datasets that belong to the version of a policy and not to that of its file."""
    return {role: spec for role, spec in policy.datasets.items() if file.datasets.get(role) != spec}


def reason_of(error: BaseException) -> str:
    """Why a task gives no verdict, as page and gate say it."""
    if isinstance(error, AirflowTaskTimeout):
        return f"its task was stopped at its time limit ({error})"
    return str(error) if isinstance(error, GovernanceViolation) else problem_text(error)


def only_check_of(policy: Policy, kind: str | None) -> str:
    """The name of the policy's only check (of a kind).

    Raises:
        PolicyError: there is none, or several.
    """
    names = [name for name, spec in policy.checks.items() if kind in (None, spec.kind)]
    if len(names) == 1:
        return names[0]
    found = f"{len(names)} ({', '.join(names)})" if names else "none"
    expected = f"one check of kind {kind}" if kind else "one check"
    raise PolicyError([f"policy {policy.name}: expected {expected}, found {found}; name it with check="])


@cache
def operator_for(kind: str) -> type[GovernanceCheckOperator]:
    """The operator of a kind of check, by which Airflow's pages show it; made from the check's declaration.

    The class can be imported from this module under its name, so that it is pickled and serialized by that name.

    Raises:
        KeyError: there is no check of this kind.
    """
    check = find(kind)
    body = {"__module__": __name__, "__doc__": check.question, "kind": kind}
    made = new_class(check.operator_name, (GovernanceCheckOperator,), exec_body=lambda names: names.update(body))
    return cast("type[GovernanceCheckOperator]", made)


def operator_names() -> dict[str, str]:
    """The class name of every operator, and the kind of check that it runs.

    Raises:
        ValueError: two checks declare operators of the same name.
    """
    kinds: dict[str, str] = {}
    for check in catalogue().values():
        other = kinds.setdefault(check.operator_name, check.kind)
        if other != check.kind:
            raise ValueError(f"checks {other} and {check.kind} both have {check.operator_name}; declare another name")
    return kinds


def read_policy(policy: str | os.PathLike[str] | Policy) -> Policy:
    """The policy in a file, or the policy itself.

    Raises:
        PolicyError: the policy is wrong; lists every problem.
    """
    return policy if isinstance(policy, Policy) else load_policy(policy, catalogue())


def with_check(policy: Policy, name: str, spec: CheckSpec) -> Policy:
    """The policy with one more check, which a DAG file adds; its digest covers the addition.

    Raises:
        PolicyError: the policy has a check of this name.
    """
    if name in policy.checks:
        raise PolicyError([f"policy {policy.name}: check {name!r} is taken; give the added one another name"])
    return policy.with_check(name, spec)


def __getattr__(name: str) -> Any:
    # The classes are made on demand: only the catalogue knows which checks there are.
    if name.endswith("Operator") and name in (kinds := operator_names()):
        return operator_for(kinds[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
