"""From policies to DAGs: one DAG per policy of a folder, or the tasks of one policy as a group."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, TaskGroup, get_parsing_context

from model_governance.checks import catalogue
from model_governance.contract.result import label_of
from model_governance.contract.secret_text import without_secrets
from model_governance.errors import PolicyError
from model_governance.evidence.controls import control_map
from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.assets import accepted_asset
from model_governance.orchestration.dag_settings import NO_SETTINGS, DagSettings, of_check
from model_governance.orchestration.dag_validation import require_valid
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.notify import LIMIT, NotifyOperator
from model_governance.orchestration.one_task import TASK_ID, GovernanceRunOperator
from model_governance.orchestration.operators import operator_for, read_policy
from model_governance.orchestration.pools import require_pools
from model_governance.orchestration.preparation import preparation_of
from model_governance.orchestration.refused import refused_dag, report_import_errors
from model_governance.orchestration.retraining import RequestRetrainingOperator
from model_governance.orchestration.run_limits import deadline_alert, run_timeout
from model_governance.orchestration.run_params import params_of
from model_governance.orchestration.schedules import schedule_of
from model_governance.orchestration.waiting import WaitForDataOperator
from model_governance.policy import load_policy
from model_governance.policy.agreement import RESERVED_NAMES
from model_governance.policy.load import read_source
from model_governance.policy.names import DAG_PREFIX, PolicyNames, dag_id_of, names_in
from model_governance.run import scans_before
from model_governance.verdict.words import describe

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from airflow.sdk import XComArg

    from model_governance.orchestration.dag_settings import Callback
    from model_governance.orchestration.operators import GovernanceCheckOperator
    from model_governance.policy import Policy, Threshold

log = logging.getLogger(__name__)

ENDINGS = (".yaml", ".yml")
LONGEST_ID = 200
NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9_.]")


def governance_dags(
    folder: str | os.PathLike[str],
    *,
    default_args: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
    access_control: Mapping[str, Any] | None = None,
    queue: str | None = None,
    executor: str | None = None,
    on_warning: Sequence[Callback] = (),
    on_failure_callback: Callback | Sequence[Callback] | None = None,
    on_success_callback: Callback | Sequence[Callback] | None = None,
) -> dict[str, DAG]:
    """One DAG per policy file of a folder, by DAG id, for `globals().update(...)` in a DAG file.

    Every DAG is built and validated as Airflow validates it before it is handed over. A policy with mistakes, or
    with a value that Airflow refuses, becomes a daily DAG that is never paused and whose only task fails with all of
    them; it has the DAG id of its model as far as the file still names it, and Airflow shows an import error too. The
    other models are governed as before.

    While Airflow parses the DAG file for a task, only the policy of that task is read.

    Args:
        folder: the policies.
        default_args: arguments of all tasks, as Airflow's; what a policy sets itself goes before them.
        tags: tags of all DAGs, beside those of the policies.
        access_control: permissions of roles on the DAGs, as Airflow's.
        queue: queue of all tasks but those of checks that name one.
        executor: executor of all tasks, by its name in Airflow's configuration.
        on_warning: called with the context of the gate for each run that is not stopped and ends as `warn` or `uncertain`, or as
            `fail` under `fail_on: never`.
            `context["governance"]` holds outcome, sentence and addresses. Airflow's notifiers can be given too. One that
            raises is logged and fails nothing.
        on_failure_callback: of the DAGs, as Airflow's.
        on_success_callback: of the DAGs, as Airflow's.

    Raises:
        PolicyError: the folder is missing or holds no policy; an empty folder would be a run that passes.
    """
    settings = DagSettings(
        default_args=default_args or {}, tags=tags, access_control=access_control, queue=queue, executor=executor,
        on_warning=on_warning, on_failure_callback=on_failure_callback, on_success_callback=on_success_callback,
    )  # fmt: skip
    files = policy_files(Path(folder))
    asked = get_parsing_context().dag_id
    if asked is None:
        dags, refused = _built(files, settings)
        report_import_errors(files, refused)
        return dags
    if not asked.startswith(DAG_PREFIX):
        return {}
    dags, _ = _built(_that_may_give(asked, files), settings)
    if asked not in dags:
        dags, _ = _built(files, settings)
    return {asked: dags[asked]} if asked in dags else {}


def policy_files(folder: Path) -> list[Path]:
    """The policies of a folder, sorted.

    Raises:
        PolicyError: the folder is missing or holds none.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in ENDINGS)
    except NotADirectoryError:
        files, problem = [], "is not a folder"
    except OSError as error:
        files, problem = [], f"cannot be read: {error.strerror or error}"
    else:
        problem = "holds no policy"
    if not files:
        raise PolicyError([f"{folder}: {problem}; expected one YAML file per model"])
    return files


def _built(files: Sequence[Path], settings: DagSettings) -> tuple[dict[str, DAG], dict[Path, Sequence[str]]]:
    """The DAGs of these files, and the problems of those that were refused."""
    dags: dict[str, DAG] = {}
    refused: dict[Path, Sequence[str]] = {}
    for file in files:
        try:
            dag = governance_dag(load_policy(file, catalogue()), file=file, settings=settings, auto_register=False)
            require_valid(dag, file)
            if dag.dag_id in dags:
                raise PolicyError([f"{file}: model.name gives DAG {dag.dag_id}, as another policy of this folder does"])
            dags[dag.dag_id] = dag
        except PolicyError as error:
            refused[file] = error.problems
        except Exception as error:
            # No traceback in the log of the scheduler: it would repeat values of the policy.
            refused[file] = [f"{file}: unexpected {type(error).__name__}: {without_secrets(str(error)[:500])}"]
    # After the others: a refused file, such as a copy of a policy, never takes the id of a model that is governed.
    for file, problems in refused.items():
        log.error("policy refused, its DAG only reports that:\n%s", "\n".join(problems))
        names = _names(file)
        dag_id = _free_id(file, names.model, taken=dags)
        dags[dag_id] = refused_dag(file, problems, dag_id=dag_id, owner=_owner(names), settings=settings)
    return dags, refused


def _names(file: Path) -> PolicyNames:
    try:
        return names_in(read_source(file))
    except PolicyError:
        return PolicyNames(model=None, owner=None)


def _owner(names: PolicyNames) -> str | None:
    return names.owner[:100] if names.owner and names.owner.isprintable() else None


def _free_id(file: Path, model: str | None, *, taken: Mapping[str, DAG]) -> str:
    """The DAG id of the model, or one after the file where the model is unknown or governed by another file."""
    of_file = NOT_IN_AN_ID.sub("_", dag_id_of(file.stem)[:LONGEST_ID])
    of_model = NOT_IN_AN_ID.sub("_", dag_id_of(model)[:LONGEST_ID]) if model else of_file
    dag_id = of_file if of_model in taken else of_model
    while dag_id in taken:
        dag_id += "_refused"
    return dag_id


def _that_may_give(dag_id: str, files: Iterable[Path]) -> list[Path]:
    """The files whose policy may be that of a DAG: found by the model's name in their bytes, without reading YAML."""
    name = dag_id.removeprefix(DAG_PREFIX)
    spelled = re.compile(rb"(?<![\w-])" + re.escape(name).replace("_", "[^A-Za-z0-9]").encode() + rb"(?![\w-])")
    named = [file for file in files if spelled.search(_bytes(file)) or dag_id_of(file.stem) == dag_id]
    if len(named) == 1:
        return named
    models = {file: _names(file).model for file in named}
    return [file for file, model in models.items() if model is None or dag_id_of(model) == dag_id]


def _bytes(file: Path) -> bytes:
    try:
        return read_source(file)
    except PolicyError:
        return b""


def governance_dag(
    policy: Policy, *, file: Path | None = None, settings: DagSettings = NO_SETTINGS, auto_register: bool = True
) -> DAG:
    """The DAG of one policy: its checks in parallel, then archive, retraining request and gate.

    Args:
        policy: the policy.
        file: where it stands, for messages.
        settings: what the DAG file sets for the DAGs of all policies.
        auto_register: whether Airflow finds the DAG although the DAG file assigns it to no name.

    Raises:
        PolicyError: a check has the name of one of the tasks that follow the checks, a file of `archive.controls` has
            mistakes, or a pool does not exist.
    """
    if policy.archive.controls:
        control_map(policy, catalogue())
    require_pools(policy, file=file)
    schedule = policy.schedule
    dag = DAG(
        dag_id=dag_id_of(policy.name),
        description=policy.description or f"Model governance of {policy.name}",
        **schedule_of(policy),
        catchup=schedule.catchup,
        max_active_runs=1,
        dagrun_timeout=run_timeout(policy, settings.of_tasks(policy)),
        deadline=deadline_alert(policy),
        tags={"model-governance", policy.name, *schedule.tags, *settings.tags},
        doc_md=describe_policy(policy),
        params=params_of(policy),
        default_args={**settings.default_args, "owner": policy.owner},
        auto_register=auto_register,
        **settings.of_dag(),
    )
    with dag:
        add_tasks(policy, settings=settings)
    return dag


def governance_task_group(
    policy: str | os.PathLike[str] | Policy,
    *,
    group_id: str = "governance",
    also: Sequence[GovernanceCheckOperator | XComArg] = (),
    artifacts_uri: str | None = None,
    artifacts_connection: str | None = None,
) -> TaskGroup:
    """A policy's tasks as a task group for a DAG written by hand; its leaf is the gate.

    Args:
        policy: the policy's file, best an absolute path, or a policy that was read already.
        group_id: id of the group, and prefix of its task ids.
        also: further checks of the same policy (`@task.governance_check`) that the archive waits for.
        artifacts_uri: where evidence goes instead of the policy's `artifacts.uri`.
        artifacts_connection: Airflow aws connection of that store.

    Raises:
        PolicyError: the policy is wrong; lists every problem.
    """
    with TaskGroup(group_id=group_id) as group:
        add_tasks(
            read_policy(policy), also=also, artifacts_uri=artifacts_uri, artifacts_connection=artifacts_connection
        )
    return group


def add_tasks(
    policy: Policy, *, also: Sequence[Any] = (), settings: DagSettings = NO_SETTINGS, **store: Any
) -> GovernanceGateOperator:
    """Create a policy's tasks in the current DAG or task group and return the gate."""
    taken = [name for name in RESERVED_NAMES if name in policy.checks]
    if taken:
        raise PolicyError([f"policy {policy.name}: check {name!r} has the name of a task of its DAG" for name in taken])
    of_tasks = settings.of_tasks(policy)
    shared: dict[str, Any] = {"policy": policy, **store, **of_tasks}
    archive = ArchiveEvidenceOperator(task_id="archive", **shared)
    tasks = _one_task(shared) if policy.schedule.layout == "one_task" else _task_per_check(policy, shared)
    for task in tasks:
        task >> archive
    if policy.schedule.wait_for_data is not None:
        minutes = policy.schedule.wait_for_data.timeout_minutes
        waiting = of_tasks | {"timeout": timedelta(minutes=minutes)}
        WaitForDataOperator(task_id="wait_for_data", policy=policy, **waiting) >> tasks
    for check in also:
        check >> archive
    gate = GovernanceGateOperator(
        task_id="gate", on_warning=settings.on_warning, outlets=[accepted_asset(policy.name)], **of_tasks
    )
    archive >> gate
    if policy.notifications.channels:
        archive >> NotifyOperator(task_id="notify", **shared | {"retries": 0, "execution_timeout": LIMIT}) >> gate
    if policy.retraining is not None:
        archive >> RequestRetrainingOperator(task_id="request_retraining", **shared) >> gate
    return gate


def _task_per_check(policy: Policy, shared: Mapping[str, Any]) -> list[Any]:
    """A task for each check, after the mapped tasks that share its work; a scan of the model's file precedes all that load it."""
    tasks = {
        name: operator_for(spec.kind)(task_id=name, check=name, **{**shared, **of_check(spec)})
        for name, spec in policy.checks.items()
    }
    mapped: list[Any] = []
    for name, task in tasks.items():
        preparing = preparation_of(policy, name, {**shared, **of_check(policy.checks[name])})
        for scan in scans_before(policy, name):
            tasks[scan] >> [*preparing, task]
        preparing >> task
        mapped += preparing
    return [*tasks.values(), *mapped]


def _one_task(shared: Mapping[str, Any]) -> list[Any]:
    """One task that runs all checks."""
    return [GovernanceRunOperator(task_id=TASK_ID, **shared)]


def describe_policy(policy: Policy) -> str:
    """The thresholds of a policy as a Markdown table."""
    rows = [
        f"| {name} | {spec.kind} | `{label_of(threshold.metric, threshold.key)}` | {_requirement(threshold)} | {threshold.severity} |"
        for name, spec in policy.checks.items()
        for threshold in spec.thresholds
    ]
    head = ["| check | kind | metric | must be | severity |", "|---|---|---|---|---|"]
    intro = [policy.description, f"Owner: {policy.owner}. Fails on: {policy.fail_on}. Policy sha256: `{policy.sha256}`"]
    return "\n".join([*filter(None, intro), "", *head, *rows])


def _requirement(threshold: Threshold) -> str:
    return describe(threshold.condition, threshold.bound, threshold.against if threshold.is_change else None)
