"""Airflow on a cluster of one host: PostgreSQL, Redis, an S3 server, and two Celery workers, each of which can be killed."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from system.airflow_server import AirflowServer
from system.databases import postgres
from system.many_models import CONNECTION
from system.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from system.seaweed import SeaweedServer

WORKERS = ("worker-1", "worker-2")
SLOTS = 1
"""Tasks that a worker runs at once."""
LOST_AFTER = 90
"""Seconds without a sign of life after which a task counts as lost."""
RECOVERY = {
    # A task whose worker died is found by the heartbeat that it no longer sends,
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(LOST_AFTER),
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "5",
    # one that a dead worker had taken and not begun, or a broker lost, by the time that it stays queued,
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "90",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__NUM_STUCK_IN_QUEUED_RETRIES": "20",
    # and the tasks of a scheduler that died belong to the next one.
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "30",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The parts of a running cluster."""

    airflow: AirflowServer
    redis: RedisServer
    seaweed: SeaweedServer
    database: str

    def start_worker(self, name: str) -> None:
        """Start a worker; what it caches is its own, as on a machine of its own."""
        # A slot has one core: threads of numerical libraries would only wait for one another.
        settings = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
        settings["AIRFLOW__MODEL_GOVERNANCE__CACHE_FOLDER"] = str(self.airflow.home / f"cache-{name}")
        words = [
            "celery",
            "worker",
            "--celery-hostname",
            f"{name}@%h",
            "--concurrency",
            str(SLOTS),
            "--skip-serve-logs",
        ]
        self.airflow.start_as(name, *words, settings=settings)

    def rows(self, query: str) -> list[tuple]:
        """What the metadata database answers."""
        with psycopg.connect(self.database) as connection:
            return connection.execute(query).fetchall()


@contextmanager
def cluster(
    home: Path, *, seaweed: SeaweedServer, policies: Path, evidence: str, signing_key: Path
) -> Iterator[Cluster]:
    """A cluster that governs the policies of a folder; nothing of it runs afterwards."""
    with contextlib.ExitStack() as parts:
        database = parts.enter_context(postgres())
        redis = parts.enter_context(RedisServer())
        scheme = "postgresql+psycopg"
        settings = {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__PARALLELISM": str(len(WORKERS) * SLOTS),
            "AIRFLOW__CORE__FERNET_KEY": "",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.replace("postgresql", scheme, 1),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": database.replace("postgresql", scheme + "_async", 1),
            "AIRFLOW__CELERY__BROKER_URL": redis.uri,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database.replace('postgresql', scheme, 1)}",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
            "AIRFLOW__MODEL_GOVERNANCE__POLICIES": str(policies),
            "AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_URI": evidence,
            "AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_CONNECTION": CONNECTION,
            "AIRFLOW__MODEL_GOVERNANCE__SIGNING_KEY": f"file:{signing_key}",
            f"AIRFLOW_CONN_{CONNECTION.upper()}": seaweed.connection_json(),
            **RECOVERY,
        }
        airflow = parts.enter_context(AirflowServer(home, settings))
        made = Cluster(airflow=airflow, redis=redis, seaweed=seaweed, database=database)
        try:
            yield made
        finally:
            # A worker that is asked to end waits for its tasks; what counts has been read by now.
            for name in airflow.process_ids():
                airflow.kill(name)
