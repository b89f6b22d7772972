"""`model-governance history`: outcomes and metrics of a model over its runs, from the history index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import canonical_json
from model_governance.errors import PolicyError
from model_governance.evidence.index import read_history
from model_governance.evidence.series import series_of
from model_governance.store import open_store

if TYPE_CHECKING:
    import argparse

MOST_SERIES = 40
"""Series that the terminal shows; --check and --metric choose others, --json has all."""


def add_history(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "history", help="outcomes and metrics of a model over its runs, from an index that is no evidence"
    )
    command.add_argument("model", metavar="MODEL")
    command.add_argument("--store", required=True, metavar="STORE", help="folder, file:///folder or s3://bucket/prefix")
    command.add_argument("--check", action="append", metavar="NAME", help="only this check (repeatable)")
    command.add_argument("--metric", action="append", metavar="NAME", help="only this metric (repeatable)")
    command.add_argument("--rebuild", action="store_true", help="read every link and make the index anew")
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else, for machines")
    command.set_defaults(command=_history)


def _history(options: argparse.Namespace) -> int:
    store = open_store(options.store, folder=Path.cwd(), connections=PlainConnections())
    history = read_history(store, options.model, rebuild=options.rebuild)
    if history.head == 0:
        raise PolicyError(
            [f"{store.uri}: expected runs of {options.model}, found no link of it; name the model's archive"]
        )
    found = series_of(
        history.table,
        checks=options.check or (),
        metrics=options.metric or (),
        most=None if options.json else MOST_SERIES,
    )
    record = {"model": options.model, "head": history.head, "notes": list(history.notes), **found}
    if options.json:
        print(canonical_json(record).decode())
        return 0
    from model_governance.report.history_table import history_table
    from model_governance.report.terminal import console

    console().print(history_table(record))
    more = [f"{found['omitted']} more series: choose with --check and --metric"] if found["omitted"] else []
    print("\n".join([*history.notes, *more]))
    return 0
