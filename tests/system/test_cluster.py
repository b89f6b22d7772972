"""A night of twenty models on a cluster of one host, while worker, broker, store and scheduler are each killed and started again."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from deploy_examples import named_settings
from model_governance.authoring.capacity import cost_of_run, measured_figures
from model_governance.authoring.keys import make_keys
from model_governance.authoring.machine_speed import speed_of_this_machine
from model_governance.checks import catalogue
from model_governance.cli import main
from model_governance.policy import load_policy
from model_governance.policy.names import dag_id_of
from model_governance.store.s3 import S3Store
from system.airflow_server import INITDB
from system.cluster import WORKERS, Cluster, cluster
from system.costs import Costs
from system.many_models import COUNT, NIGHT, ROWS, expected, write_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from system.seaweed import SeaweedServer

pytestmark = [pytest.mark.system, pytest.mark.cluster]

LIMIT = 1200
"""Seconds without the end of the runs that are waited for after which a night counts as stuck."""
DOWN = 2.0
"""Seconds between the death of a part and its start."""
GOVERNED = """
# airflow DAG
from model_governance.orchestration import governance_dags
globals().update(governance_dags({policies!r}, default_args={{"weight_rule": "upstream"}}))
"""


@dataclass(kw_only=True)
class Night:
    """A night that has ended: where its evidence is, what was killed, and what it cost."""

    cluster: Cluster
    store: S3Store
    trust: Path
    policies: Path
    killed_tasks: list[str] = field(default_factory=list)
    seconds: float = 0.0
    costs: Costs

    def manifests(self) -> dict[str, list[dict[str, Any]]]:
        """The manifests of each model."""
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in expected()}
        for key in self.store.keys("v1/runs/"):
            if key.endswith("/run_manifest.json"):
                found[key.split("/")[2].removeprefix("model=")].append(json.loads(self.store.get(key)))
        return found


@pytest.fixture(scope="module")
def night(seaweed: SeaweedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("cluster")
    bucket, policies = seaweed.new_bucket(versioned=True), folder / "policies"
    make_keys(folder / "keys", owner="Ops", moment=datetime(2026, 1, 1, tzinfo=UTC))
    write_models(policies, client=seaweed.client(), bucket=bucket)
    evidence, key = f"s3://{bucket}/evidence", folder / "keys" / "signing_key.pem"
    with cluster(folder / "home", seaweed=seaweed, policies=policies, evidence=evidence, signing_key=key) as parts:
        airflow = parts.airflow
        (airflow.home / "dags" / "governed.py").write_text(GOVERNED.format(policies=str(policies)))
        airflow.program(INITDB)
        airflow.start("api-server", "dag-processor", "scheduler")
        for name in WORKERS:
            parts.start_worker(name)
        airflow.wait_until_ready(300)
        airflow.wait_for(
            lambda: parts.rows("select count(*) from dag")[0][0] == len(expected()), "a DAG per model", 300
        )
        with Costs(airflow.process_ids) as costs:
            store, trust = S3Store(evidence, client=seaweed.client()), folder / "keys" / "trust.yaml"
            night = Night(cluster=parts, store=store, trust=trust, policies=policies, costs=costs)
            govern(night)
        yield night


def govern(night: Night) -> None:
    """Start a run of every model, kill one part after the other, and wait until every run has ended."""
    parts, began = night.cluster, time.monotonic()
    airflow = parts.airflow
    for name in expected():
        status, text = airflow.send(f"/api/v2/dags/{dag_id_of(name)}/dagRuns", {"logical_date": NIGHT.isoformat()})
        assert status == 200, text
    worker = WORKERS[0]
    after(night, COUNT // 10)
    night.killed_tasks = airflow.wait_for(lambda: tasks_of(parts, worker), f"a task on {worker}", LIMIT)
    killed(lambda: airflow.kill(worker), lambda: parts.start_worker(worker))
    after(night, 3 * COUNT // 10)
    killed(parts.redis.kill, parts.redis.start)
    after(night, COUNT // 2)
    killed(parts.seaweed.kill, parts.seaweed.restart)
    after(night, 7 * COUNT // 10)
    killed(lambda: airflow.kill("scheduler"), lambda: airflow.start("scheduler"))
    after(night, COUNT)
    night.seconds = time.monotonic() - began


def after(night: Night, count: int) -> None:
    """Return once so many runs have ended."""
    ended = "select count(*) from dag_run where state in ('success', 'failed')"
    night.cluster.airflow.wait_for(lambda: night.cluster.rows(ended)[0][0] >= count, f"{count} runs that ended", LIMIT)


def killed(kill: Callable[[], object], start: Callable[[], object]) -> None:
    kill()
    time.sleep(DOWN)
    start()


def tasks_of(parts: Cluster, worker: str) -> list[str]:
    """The ids of the tasks that a worker runs now."""
    children = psutil.Process(parts.airflow.process_ids()[worker]).children(recursive=True)
    lines = [" ".join(child.cmdline()) for child in children]
    return [line.split()[-1] for line in lines if line.startswith("airflow worker -- ")]


def test_every_run_ends_in_the_state_and_with_the_outcome_of_its_model(night: Night) -> None:
    states = dict(night.cluster.rows("select dag_id, state from dag_run"))
    assert states == {dag_id_of(name): end.state for name, end in expected().items()}
    outcomes = {name: [each["verdict"]["outcome"] for each in found] for name, found in night.manifests().items()}
    assert outcomes == {name: [end.outcome] for name, end in expected().items()}


def test_the_tasks_of_the_killed_worker_were_lost_and_done_again_elsewhere(night: Night) -> None:
    assert night.killed_tasks
    history = {str(each) for (each,) in night.cluster.rows("select task_instance_id from task_instance_history")}
    assert set(night.killed_tasks) <= history


def test_no_artifact_verdict_or_request_is_lost_or_doubled(night: Night) -> None:
    """Every object has one version, every blob belongs to a link, every run and request has one link and one event."""
    versions = {key: len(found) for key, found in night.store.versions("").items()}
    assert [key for key, count in versions.items() if count != 1] == []
    links = [key for key in versions if key.startswith("v1/chain/")]
    assert Counter(key.split("/")[2] for key in links) == {f"model={name}": count for name, count in links_of().items()}
    chained = b"".join(payload_of(night.store.get(key)) for key in links).decode()
    blobs = [key for key in versions if key.startswith("v1/blobs/")]
    assert [key for key in blobs if key.split("/")[-1].split(".")[0] not in chained] == []
    events = night.cluster.rows("select source_task_id, source_dag_id, count(*) from asset_event group by 1, 2")
    assert {each for each in events if each[0] == "archive"} == {("archive", dag_id_of(name), 1) for name in expected()}
    asked = {name for name, count in links_of().items() if count == 2}
    assert {each for each in events if each[0] == "request_retraining"} == {
        ("request_retraining", dag_id_of(name), 1) for name in asked
    }


def links_of() -> dict[str, int]:
    """How many links the chain of each model has: one of its run, and one of the request for retraining of a run that failed."""
    return {name: 2 if end.outcome == "fail" else 1 for name, end in expected().items()}


def test_the_evidence_verifies(
    night: Night, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in night.cluster.seaweed.surroundings().items():
        monkeypatch.setenv(name, value)
    assert main(["verify", night.store.uri, "--trust", str(night.trust), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["model"]: (each["links"], each["problems"]) for each in found["models"]} == {
        name: (count, []) for name, count in links_of().items()
    }


def test_the_night_costs_what_the_plan_says(night: Night, capsys: pytest.CaptureFixture[str]) -> None:
    """CPU of the workers, memory of a task and stored bytes, within a factor of two; a lost task is planned for each of its tries."""
    figures = measured_figures()
    speed = speed_of_this_machine(figures)
    policies = [load_policy(path, catalogue()) for path in sorted(night.policies.glob("*.yaml"))]
    runs = {dag_id_of(each.name): cost_of_run(each, rows=ROWS, figures=figures, speed=speed) for each in policies}
    costs = {(dag_id, task.name): task for dag_id, run in runs.items() for task in run.tasks}
    tries = night.cluster.rows("select dag_id, task_id, try_number from task_instance where state != 'removed'")
    planned = {
        "CPU s of the workers": sum(costs[dag_id, task].cpu * count for dag_id, task, count in tries),
        "MiB of the largest task": max(run.mib for run in runs.values()),
        "KiB stored": sum(task.stored_bytes for task in costs.values()) / 1024,
    }
    stored = (
        night.cluster.seaweed.client()
        .get_paginator("list_objects_v2")
        .paginate(Bucket=night.store.uri.split("/")[2], Prefix="evidence/")
    )
    measured = {
        # One worker was started again meanwhile; what its start cost is no task's.
        "CPU s of the workers": night.costs.cpu(*WORKERS) - night.costs.start_of(WORKERS[0]),
        "MiB of the largest task": night.costs.task_mib,
        "KiB stored": sum(each["Size"] for page in stored for each in page["Contents"]) / 1024,
    }
    others = {part: night.costs.cpu(part) for part in ("scheduler", "api-server", "dag-processor")}
    lines = [f"{name:24}  {planned[name]:8.0f}  {measured[name]:8.0f}" for name in planned]
    lines += [f"{f'CPU s of {part}':24}  {'':8}  {seconds:8.0f}" for part, seconds in others.items()]
    lines += [
        f"{'MiB of all parts':24}  {'':8}  {night.costs.total_mib:8.0f}",
        f"{'seconds':24}  {'':8}  {night.seconds:8.0f}",
    ]
    with capsys.disabled():
        print(
            f"\na night of {len(runs)} models, {sum(count for *_, count in tries)} tries of {len(tries)} tasks; speed {speed:.2f}"
        )
        print("\n".join([f"{'':24}  {'planned':>8}  {'measured':>8}", *lines]))
    assert {
        name: value / planned[name] for name, value in measured.items() if not 0.5 < value / planned[name] < 2
    } == {}


def test_the_examples_of_a_cluster_set_options_that_the_celery_provider_has() -> None:
    from airflow.providers.celery.get_provider_info import get_provider_info

    known = {(name, option) for name, section in get_provider_info()["config"].items() for option in section["options"]}
    set_there = {each for each in named_settings() if each[0] == "celery"}
    assert set_there
    assert set_there - known == set()


def payload_of(link: bytes) -> bytes:
    """The statement in a link."""
    return base64.b64decode(json.loads(link.splitlines()[0])["payload"])
