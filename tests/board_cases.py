"""A board over archives in folders, with a scheduler that only says what a test wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException

from model_governance.errors import StoreError
from model_governance.policy.names import dag_id_of
from model_governance.ui.app import Guards, create_app
from model_governance.ui.board.board import Board
from model_governance.ui.board.index import BoardIndex

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI


@dataclass
class FakeStores:
    """Implements `Stores` with open ones, or with an error that opening them raises."""

    stores: list[Any]
    problem: Exception | None = None

    def openers(self):
        return [lambda store=store: self._open(store) for store in self.stores]

    def open(self, uri):
        found = [store for store in self.stores if store.uri == uri]
        if not found:
            raise StoreError(f"{uri}: not served")
        return self._open(found[0])

    def _open(self, store):
        if self.problem is not None:
            raise self.problem
        return store


@dataclass
class FakeSurroundings:
    """Implements `Surroundings`."""

    silent: list[dict[str, Any]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    halted: dict[str, list[str]] = field(default_factory=dict)
    tasks: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    verdicts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def ungoverned(self, dag_ids, models):
        return [dag for dag in self.silent if dag["dag_id"] in dag_ids]

    def halts(self, models):
        return {model["dag_id"]: self.halted[model["dag_id"]] for model in models if model["dag_id"] in self.halted}

    def run_state(self, dag_id, run_id):
        return self.states.get(run_id)

    def task_states(self, dag_id, run_id):
        return self.tasks.get(run_id, [])

    def reported(self, dag_id, run_id, task_id, map_index):
        return self.verdicts.get((run_id, task_id))


def board_over(folder: Path, *stores: Any) -> Board:
    """A board that has read these archives."""
    board = Board(
        index=BoardIndex(folder / "board.sqlite", home=dag_id_of), stores=FakeStores(list(stores)),
        surroundings=FakeSurroundings(),
    )  # fmt: skip
    board.index.refresh(board.stores.openers())
    return board


def app_for(board: Board, *dag_ids: str) -> FastAPI:
    """The app for a user who may read these DAGs; without any, for nobody who is logged in."""

    def dag(dag_id: str) -> None:
        if not dag_ids:
            raise HTTPException(401, "Not authenticated")
        if dag_id not in dag_ids:
            raise HTTPException(404, "There is no such DAG, or you may not see its runs.")

    def readable() -> frozenset[str]:
        if not dag_ids:
            raise HTTPException(401, "Not authenticated")
        return frozenset(dag_ids)

    return create_app(board, Guards(dag=dag, readable=readable))
