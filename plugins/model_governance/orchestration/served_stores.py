"""Which archives the api-server may read for the board and the report viewer, and how they are opened.

An archive is served when the configuration names it, or when the archive task of a DAG names it as a bucket over an Airflow
connection. A DAG author may use any connection anyway; what the api-server itself may reach, its own folders and its own
cloud role, is served only where an administrator listed it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_governance.errors import GovernanceError, StoreError
from model_governance.orchestration.stores import S3, StoreLocation, listed_locations
from model_governance.store.reopening import ReopeningStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ServedStores:
    """Implements `model_governance.ui.board.board.Stores`; knows which DAGs have an archive task."""

    _governed: set[str] = field(default_factory=set)
    _timeouts: dict[str, float | None] = field(default_factory=dict)
    _of_dags: dict[str, StoreLocation] = field(default_factory=dict)
    _read_until: Any = None
    _open: dict[StoreLocation, ReopeningStore] = field(default_factory=dict)

    def openers(self) -> Sequence[Callable[[], ArtifactStore]]:
        """One function for each archive that opens it."""
        return [lambda location=location: self._opened(location) for location in self._locations()]  # type: ignore[misc]

    def open(self, uri: str) -> ArtifactStore:
        """The served archive with this uri.

        Raises:
            StoreError: no configuration and no DAG names it, or it cannot be opened.
        """
        for opener in self.openers():
            try:
                store = opener()
            except GovernanceError as error:
                log.warning("an archive cannot be opened: %s", error)
                continue
            if store.uri == uri:
                return store
        raise StoreError(
            f"{uri}: no archive that the board may read; list it in [model_governance] stores, or name a connection in "
            "artifacts.connection of the policy"
        )

    def governed_dags(self) -> frozenset[str]:
        """The DAGs that archive evidence."""
        self._read_dags()
        return frozenset(self._governed)

    def run_timeout(self, dag_id: str) -> timedelta | None:
        """How long Airflow lets a run of a DAG take; None where it has no limit, or archives nothing."""
        seconds = self._timeouts.get(dag_id)
        return None if seconds is None else timedelta(seconds=seconds)

    def _opened(self, location: StoreLocation) -> ArtifactStore:
        if location not in self._open:
            self._open[location] = ReopeningStore(location.open)
        return self._open[location]

    def _locations(self) -> list[StoreLocation]:
        self._read_dags()
        listed = listed_locations()
        uris = {location.uri.rstrip("/") for location in listed}
        return [*listed, *(each for uri, each in self._of_dags.items() if uri not in uris)]

    def _read_dags(self) -> None:
        """Take the stores of DAGs that were serialized since the last time."""
        from airflow.models.serialized_dag import SerializedDagModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

        query = select(SerializedDagModel).order_by(SerializedDagModel.last_updated)
        if self._read_until is not None:
            query = query.where(SerializedDagModel.last_updated > self._read_until)
        with create_session() as session:
            for row in session.scalars(query):
                self._read_until = row.last_updated
                for named in _evidence_stores(row.data):
                    self._governed.add(row.dag_id)
                    self._timeouts[row.dag_id] = row.data["dag"].get("dagrun_timeout")
                    if not named["uri"].startswith(S3) or not named["connection"]:
                        continue
                    location = StoreLocation(uri=named["uri"], folder=Path("/"), connection=named["connection"])
                    self._of_dags[location.uri.rstrip("/")] = location


def _evidence_stores(value: Any) -> list[dict[str, str]]:
    """`uri` and `connection` of the archives that archive tasks name, anywhere in a serialized DAG; empty without connection."""
    if isinstance(value, list):
        return [found for part in value for found in _evidence_stores(part)]
    if not isinstance(value, dict):
        return []
    named = value.get("evidence_store")
    named = named.get("__var", named) if isinstance(named, dict) else None
    found = [found for part in value.values() for found in _evidence_stores(part)]
    if isinstance(named, dict) and "uri" in named:
        found.append({"uri": str(named["uri"]), "connection": str(named.get("connection") or "")})
    return found
