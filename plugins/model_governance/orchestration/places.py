"""Where evidence goes, and the address at which a browser finds it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.sdk import conf

from model_governance.errors import StoreError
from model_governance.orchestration.airflow_connections import AirflowConnections
from model_governance.store import open_store

if TYPE_CHECKING:
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore, Stored

SECTION = "model_governance"
URL_PREFIX = "/governance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A store that was not opened yet: its uri, the folder a relative one starts from, its connection."""

    uri: str
    folder: Path
    connection: str | None = None

    def open(self) -> ArtifactStore:
        """The store; raises StoreError where the uri is blank (a template that rendered to nothing)."""
        if not self.uri.strip():
            raise StoreError("artifacts_uri is blank; expected file:///folder, a plain path or s3://bucket/prefix")
        return open_store(self.uri, folder=self.folder, connections=AirflowConnections(), connection=self.connection)

    def holds(self, store: ArtifactStore) -> bool:
        """Whether an open store is this place; asks no server."""
        if self.uri.startswith("s3://") or store.uri.startswith("s3://"):
            return self.uri.rstrip("/") == store.uri.rstrip("/")
        return self.open().uri == store.uri


def place_of(policy: Policy, uri: str | None = None, connection: str | None = None) -> Place:
    """Where the evidence of a policy goes.

    The first uri of these counts: the operator's argument, the policy's `artifacts.uri`, Airflow's
    `[model_governance] artifacts_uri`, and at last `governance` in AIRFLOW_HOME. The connection belongs to
    the uri and comes from the same place; an operator's `artifacts_connection` replaces it anywhere.
    A uri without scheme is a folder, relative to the policy's file (in the configuration: to AIRFLOW_HOME).
    """
    if uri is not None:
        return Place(uri=uri, folder=policy.folder, connection=connection)
    if policy.artifacts.uri is not None:
        through = connection or policy.artifacts.connection
        return Place(uri=policy.artifacts.uri, folder=policy.folder, connection=through)
    place = configured_place()
    return Place(uri=place.uri, folder=place.folder, connection=connection or place.connection)


def configured_place() -> Place:
    """The store that Airflow's configuration names; the report viewer serves this one."""
    from airflow.configuration import AIRFLOW_HOME

    uri = conf.get(SECTION, "artifacts_uri", fallback="") or "governance"
    connection = conf.get(SECTION, "artifacts_connection", fallback="") or None
    return Place(uri=uri, folder=Path(AIRFLOW_HOME), connection=connection)


def browser_address(stored: Stored, *, store: ArtifactStore, dag_id: str) -> str:
    """The page of a stored object: in the report viewer if it serves this store, else the object's uri."""
    if not configured_place().holds(store):
        return stored.uri
    root = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
    return f"{root}{URL_PREFIX}/dags/{quote(dag_id, safe='')}/store/{quote(stored.key, safe='/=')}"
