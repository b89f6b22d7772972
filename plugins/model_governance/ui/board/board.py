"""What the routes of the board share: its index, the archives behind it, and what Airflow says of DAGs and runs."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from model_governance.errors import GovernanceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from model_governance.store import ArtifactStore
    from model_governance.ui.board.index import BoardIndex

log = logging.getLogger(__name__)

REFRESH_EVERY = 30.0
"""Seconds after which the first request asks the archives for what is newer."""
FIRST_WAIT = 3.0
"""Seconds for which a request waits for the first reading of an archive."""


class Stores(Protocol):
    """The archives that the board may read."""

    def openers(self) -> Sequence[Callable[[], ArtifactStore]]:
        """One function for each archive that opens it."""

    def open(self, uri: str) -> ArtifactStore:
        """The archive with this uri.

        Raises:
            StoreError: it is none that the board may read, or cannot be opened.
        """


class Surroundings(Protocol):
    """What the scheduler around the board knows."""

    def ungoverned(self, dag_ids: Collection[str], models: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Of some DAGs those of models without evidence: `dag_id`, `owner`, `tags` and `reason` each.

        Args:
            dag_ids: DAGs that the reader may see.
            models: rows of the index of models that have evidence.
        """

    def halts(self, models: Sequence[Mapping[str, Any]]) -> Mapping[str, Sequence[str]]:
        """Why no further run of some models may come, by the id of their DAG: it is paused, gone or refused, or a run of it is stuck.

        Args:
            models: rows of the index; `deadline` are the seconds that a run may take, where the policy says so.
        """

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """The state of a run; None where there is none."""

    def task_states(self, dag_id: str, run_id: str) -> Sequence[tuple[str, str]]:
        """Id and state of each task of a run, in the order in which they start; a mapped task once for each of its states."""

    def reported(self, dag_id: str, run_id: str, task_id: str, map_index: int) -> Mapping[str, Any] | None:
        """What a task that runs a check has reported: `name` and `report`; None where it has not."""


@dataclass(slots=True)
class Board:
    """The index with the archives behind it; one for each process."""

    index: BoardIndex
    stores: Stores
    surroundings: Surroundings
    _asked_at: float = 0.0
    _first: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def refresh_soon(self) -> None:
        """See to it that the archives are asked for what is newer, in the background and at most every REFRESH_EVERY seconds."""
        with self._lock:
            running = self._thread is not None and self._thread.is_alive()
            if not running and time.monotonic() - self._asked_at > REFRESH_EVERY:
                self._asked_at = time.monotonic()
                self._thread = threading.Thread(target=self._refresh, name="governance-board", daemon=True)
                self._thread.start()
        self._first.wait(FIRST_WAIT)

    @property
    def is_first_reading(self) -> bool:
        """Whether the archives are being read for the first time in this process."""
        return not self._first.is_set()

    def problems(self) -> list[str]:
        """What a reader must know about the index: archives that do not answer, or are still being read."""
        sentences = []
        for archive in self.index.archives():
            if archive.problem:
                sentences.append(
                    "An archive does not answer; what is shown was read before. The api-server's log says why."
                )
            elif archive.behind:
                # How many are to be read would tell a reader of models that he may not see.
                sentences.append("An archive is still being read; newer runs may be missing.")
        return sentences

    def as_of(self) -> float | None:
        """When the archives were read last: the oldest of these moments (seconds since 1970)."""
        moments = [archive.read_at for archive in self.index.archives()]
        known = [moment for moment in moments if moment is not None]
        return min(known) if known and len(known) == len(moments) else None

    def archives_of(self, name: str, dag_id: str) -> list[ArtifactStore]:
        """The archives in which a run may be: that of the index, else all, where the index does not know the run yet."""
        found = self.index.run_named(name, dag_id=dag_id)
        if found is not None:
            return [self.stores.open(found[0]["archive"])]
        opened = []
        for opener in self.stores.openers():
            try:
                opened.append(opener())
            except GovernanceError as error:  # of another DAG: a connection that is gone, for example
                log.warning("an archive cannot be opened: %s", error)
        return opened

    def _refresh(self) -> None:
        try:
            self.index.refresh(self.stores.openers())
        except Exception:
            log.exception("the index of the board could not be refreshed")
        finally:
            self._first.set()
