"""`model-governance index`: make what boards and histories read anew from an archive."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.contract.connections import PlainConnections
from model_governance.errors import PolicyError
from model_governance.evidence.chain import models_with_chain
from model_governance.evidence.index import read_history
from model_governance.policy.names import dag_id_of
from model_governance.report.formatting import counted
from model_governance.store import open_store

if TYPE_CHECKING:
    import argparse

    from model_governance.store import ArtifactStore


def add_index(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    index = commands.add_parser(
        "index", help="make the index of an archive anew, which boards and histories read and which is no evidence"
    ).add_subparsers(required=True, metavar="COMMAND")
    rebuild = index.add_parser("rebuild", help="read every link and make the history index of every model anew")
    rebuild.add_argument("store", metavar="STORE", help="folder, file:///folder or s3://bucket/prefix")
    rebuild.add_argument("--model", action="append", metavar="NAME", help="only this model (repeatable)")
    rebuild.set_defaults(command=_rebuild)
    board = index.add_parser(
        "board", help="make the local database of the governance board anew from the history indexes of archives"
    )
    board.add_argument("store", nargs="+", metavar="STORE", help="folder, file:///folder or s3://bucket/prefix")
    board.add_argument(
        "--database", type=Path, required=True, metavar="FILE", help="as [model_governance] board_index names it"
    )
    board.set_defaults(command=_board)


def _rebuild(options: argparse.Namespace) -> int:
    store = open_store(options.store, folder=Path.cwd(), connections=PlainConnections())
    models = options.model or models_with_chain(store)
    if not models:
        raise PolicyError([f"{store.uri}: expected an archive, found no chain in it; name its folder or bucket"])
    for model in models:
        history = read_history(store, model, rebuild=True)
        print(f"{model}: {history.notes[-1]}")
    return 0


def _board(options: argparse.Namespace) -> int:
    from model_governance.ui.board.index import BoardIndex

    stores = [open_store(each, folder=Path.cwd(), connections=PlainConnections()) for each in options.store]
    index = BoardIndex(options.database, home=dag_id_of)
    read = index.refresh([partial(_same, store) for store in stores], rebuild=True)
    for state in index.archives():
        print(f"{state.uri}: {state.problem or 'read'}")
    print(f"{counted(read, 'model')} in {options.database}")
    return 3 if any(state.problem for state in index.archives()) else 0


def _same(store: ArtifactStore) -> ArtifactStore:
    return store
