"""Airflow's connections as clients, the store that evidence goes to, and the address of a report in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink, conf

from model_governance.contract.connections import CacheSettings, KeySettings, plain_s3_client
from model_governance.errors import StoreError, SubjectError
from model_governance.store import open_store

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Connection
    from airflow.sdk.types import TaskInstanceKey
    from sqlalchemy import Engine

    from model_governance.contract.protection import Protection
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore, Stored

SECTION = "model_governance"
URL_PREFIX = "/governance"
DEFAULT_CACHE_BYTES = 10 << 30
S3 = "s3://"


class AirflowConnections:
    """Implements `model_governance.contract.connections.Connections` with the connections of this Airflow."""

    @property
    def cache(self) -> CacheSettings | None:
        """The content cache of this worker: `[model_governance] cache_folder` and `cache_bytes` (0 turns it off)."""
        from airflow.configuration import AIRFLOW_HOME

        max_bytes = conf.getint(SECTION, "cache_bytes", fallback=DEFAULT_CACHE_BYTES)
        folder = Path(AIRFLOW_HOME) / (conf.get(SECTION, "cache_folder", fallback="") or "governance-cache")
        return CacheSettings(folder=folder, max_bytes=max_bytes) if max_bytes > 0 else None

    @property
    def keys(self) -> KeySettings:
        """`[model_governance] signing_key` and `trust`; relative paths start at AIRFLOW_HOME."""
        from airflow.configuration import AIRFLOW_HOME

        return KeySettings(
            folder=Path(AIRFLOW_HOME), signing_key=conf.get(SECTION, "signing_key", fallback="") or None,
            trust=conf.get(SECTION, "trust", fallback="") or None,
        )  # fmt: skip

    def s3(self, name: str | None) -> Any:
        """A boto3 S3 client with the credentials, role, endpoint and proxies of an `aws` connection.

        None gives a plain boto3 client, which takes them from its usual environment.

        Raises:
            SubjectError: Airflow knows no connection of this name.
        """
        return plain_s3_client() if name is None else _aws_client("s3", name)

    def kms(self, name: str | None) -> Any:
        """A boto3 client of AWS KMS, as `s3`. Raises as `s3`."""
        return _aws_client("kms", name)

    def secret(self, name: str) -> str:
        """The password of a connection, as a private key; Airflow masks it in logs.

        Raises:
            SubjectError: Airflow knows no connection of this name, or it has no password.
        """
        secret = connection_named(name).password
        if not secret:
            raise SubjectError(
                f"Airflow connection {name!r} has no password; put the private key there, as PEM or base64"
            )
        return str(secret)

    def engine(self, name: str) -> Engine:
        """An SQLAlchemy engine: the one of the connection's hook, or one on its uri where there is no hook.

        Raises:
            SubjectError: Airflow knows no connection of this name, or there is no driver for its database.
        """
        from airflow.sdk.exceptions import AirflowException
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError

        connection = connection_named(name)
        try:
            hook = connection.get_hook()
        except AirflowException:  # no provider offers a hook for this type
            hook = None
        if hasattr(hook, "get_sqlalchemy_engine"):
            engine: Engine = hook.get_sqlalchemy_engine()
            return engine
        # Airflow spells the type of a connection to PostgreSQL as SQLAlchemy no longer does.
        uri = connection.get_uri().replace("postgres://", "postgresql://", 1)
        try:
            return create_engine(uri)
        except (ArgumentError, ImportError) as error:
            raise SubjectError(
                f"Airflow connection {name!r}: no driver for {connection.conn_type!r}; install the Airflow provider of this "
                "database, or correct the type of the connection"
            ) from error

    def token(self, name: str) -> str:
        """The password of a connection, as the bearer token of an inference endpoint.

        Raises:
            SubjectError: Airflow knows no connection of this name, or it has no password.
        """
        token = connection_named(name).password
        if not token:
            raise SubjectError(f"Airflow connection {name!r} has no password; put the endpoint's bearer token there")
        return str(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLocation:
    """A store that was not opened yet: its uri, the folder that a relative one starts from, its connection.

    `protection` is what it must enforce for the objects that are written.
    """

    uri: str
    folder: Path
    connection: str | None = None
    protection: Protection | None = None

    def open(self) -> ArtifactStore:
        """The store.

        Raises:
            StoreError: the uri is blank (a template that rendered to nothing), or no store has such a uri.
        """
        if not self.uri.strip():
            raise StoreError("artifacts_uri is blank; expected file:///folder, a plain path or s3://bucket/prefix")
        return open_store(
            self.uri, folder=self.folder, connections=AirflowConnections(), connection=self.connection,
            protection=self.protection,
        )  # fmt: skip

    def is_location_of(self, store: ArtifactStore) -> bool:
        """Whether an open store has this location; sends no request."""
        if self.uri.startswith(S3) or store.uri.startswith(S3):
            return self.uri.rstrip("/") == store.uri.rstrip("/")
        return replace(self, protection=None).open().uri == store.uri


def store_location(policy: Policy, uri: str | None = None, connection: str | None = None) -> StoreLocation:
    """Where the evidence of a policy goes.

    The first uri of these counts: the operator's argument, the policy's `artifacts.uri`, Airflow's
    `[model_governance] artifacts_uri`, and at last `governance` in AIRFLOW_HOME. The connection belongs to
    the uri and comes from the same source; an operator's `artifacts_connection` replaces it anywhere.
    A uri without scheme is a folder, relative to the policy's file (in the configuration: to AIRFLOW_HOME).

    Args:
        policy: the policy whose evidence is stored.
        uri: the operator's `artifacts_uri`.
        connection: the operator's `artifacts_connection`.
    """
    located = partial(StoreLocation, protection=policy.protection)
    if uri is not None:
        return located(uri=uri, folder=policy.folder, connection=connection)
    if policy.artifacts.uri is not None:
        chosen = connection or policy.artifacts.connection
        return located(uri=policy.artifacts.uri, folder=policy.folder, connection=chosen)
    configured = configured_location()
    return located(uri=configured.uri, folder=configured.folder, connection=connection or configured.connection)


def configured_names(option: str) -> list[str]:
    """The parts of a comma-separated option of `[model_governance]`; none where it is not set."""
    text = conf.get(SECTION, option, fallback="").replace("\n", ",")
    return [part.strip() for part in text.split(",") if part.strip()]


def configured_location() -> StoreLocation:
    """The store that Airflow's configuration names."""
    from airflow.configuration import AIRFLOW_HOME

    uri = conf.get(SECTION, "artifacts_uri", fallback="") or "governance"
    connection = conf.get(SECTION, "artifacts_connection", fallback="") or None
    return StoreLocation(uri=uri, folder=Path(AIRFLOW_HOME), connection=connection)


def listed_locations() -> list[StoreLocation]:
    """The archive of the configuration, and those of `[model_governance] stores`: uris with `@CONNECTION`, comma-separated."""
    from airflow.configuration import AIRFLOW_HOME

    found = [configured_location()]
    for entry in configured_names("stores"):
        uri, _, connection = entry.partition("@") if entry.startswith(S3) else (entry, "", "")
        found.append(StoreLocation(uri=uri, folder=Path(AIRFLOW_HOME), connection=connection or None))
    return found


def is_served(store: ArtifactStore, connection: str | None) -> bool:
    """Whether the viewer serves an open store whose DAG reaches it over this connection."""
    if store.uri.startswith(S3) and connection is not None:
        return True
    return any(location.is_location_of(store) for location in listed_locations())


def report_url(
    stored: Stored, *, store: ArtifactStore, dag_id: str, connection: str | None = None, task: Any = None
) -> str:
    """Where a browser finds a stored page: in the viewer if it serves this store, else at the object's uri.

    Args:
        stored: the page.
        store: that holds it.
        dag_id: the DAG whose readers may see it.
        connection: over which the DAG reaches the store.
        task: the task instance that stored it, where its run is not archived yet.
    """
    if not is_served(store, connection):
        return stored.uri
    root = f"{urlsplit(conf.get('api', 'base_url', fallback='')).path.rstrip('/')}{URL_PREFIX}/dags/{quote(dag_id, safe='')}"
    if task is None:
        return f"{root}/store/{quote(stored.key, safe='/=')}"
    index = task.map_index if task.map_index is not None else -1
    place = f"runs/{quote(task.run_id, safe='')}/tasks/{quote(task.task_id, safe='')}"
    return f"{root}/{place}/report?map_index={index}"


def absolute(url: str) -> str:
    """An address within Airflow as one that a message can hold; any other as it is."""
    base = urlsplit(conf.get("api", "base_url", fallback=""))
    return f"{base.scheme}://{base.netloc}{url}" if url.startswith("/") and base.netloc else url


class GovernanceReportLink(BaseOperatorLink):
    """The button on a task's page: the report of a check, or the page of the run for archive, retraining and gate."""

    name = "Governance report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow names it
        """The address that the operator set while it ran; empty when it stored no report.

        Airflow asks right after `execute`, in the same process, whether or not the task failed.
        """
        return str(getattr(operator, "report_url", ""))


def _aws_client(service: str, name: str | None) -> Any:
    if name is None:
        import boto3

        return boto3.client(service)
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    # The hook falls back to the environment when a connection is missing: evidence would be written
    # with the wrong credentials, so a missing connection is refused first.
    connection_named(name)
    return AwsBaseHook(aws_conn_id=name, client_type=service).get_conn()


def connection_named(name: str) -> Connection:
    """An Airflow connection; its password is masked in logs.

    Raises:
        SubjectError: Airflow knows no connection of this name.
    """
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException
    from airflow.sdk.log import mask_secret

    try:
        connection = BaseHook.get_connection(name)
    except AirflowNotFoundException as error:
        raise SubjectError(
            f"Airflow has no connection {name!r}; add it (airflow connections add {name}, "
            f"or the variable AIRFLOW_CONN_{name.upper()}), or correct the name in the policy"
        ) from error
    if connection.password:
        mask_secret(connection.password)
    return connection
