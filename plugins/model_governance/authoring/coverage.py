"""`model-governance coverage`: which controls had fresh evidence in a period, and which had none and why."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import canonical_json
from model_governance.errors import PolicyError
from model_governance.evidence.coverage import coverage
from model_governance.evidence.period import Period
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import models_of
from model_governance.store import open_store

if TYPE_CHECKING:
    import argparse


def add_coverage(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "coverage",
        help="which controls had fresh evidence in a period, and which had none and why; verifies the archive",
    )
    command.add_argument("store", metavar="STORE", help="folder, file:///folder or s3://bucket/prefix")
    command.add_argument("--model", action="append", metavar="NAME", help="only this model (repeatable)")
    command.add_argument(
        "--from", dest="first", type=date.fromisoformat, required=True, metavar="DATE", help="first day"
    )
    command.add_argument(
        "--to", dest="last", type=date.fromisoformat, required=True, metavar="DATE", help="last day, which is included"
    )
    command.add_argument(
        "--max-age-days", type=int, metavar="N", help="evidence is fresh for so many days before the end of the period"
    )
    command.add_argument("--trust", type=Path, metavar="FILE", help="public keys whose signatures count")
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else, for machines")
    command.add_argument("--output", type=Path, metavar="FILE", help="write the page (HTML) there, too")
    command.set_defaults(command=_coverage)


def _coverage(options: argparse.Namespace) -> int:
    from model_governance.report.coverage_page import coverage_table, render_coverage
    from model_governance.report.terminal import console

    if options.last < options.first:
        raise PolicyError(
            [f"--to {options.last} is before --from {options.first}; expected the last day of the period"]
        )
    if options.max_age_days is not None and options.max_age_days < 1:
        raise PolicyError([f"--max-age-days {options.max_age_days}: expected 1 or more"])
    period = Period(first=options.first, last=options.last)
    store = open_store(options.store, folder=Path.cwd(), connections=PlainConnections())
    models = options.model or models_of(store)
    if not models:
        raise PolicyError([f"{store.uri}: expected an archive, found no model in it; name its folder or bucket"])
    trust = read_trust(options.trust) if options.trust else None
    record = coverage(store, models, period=period, trust=trust, max_age_days=options.max_age_days)
    code = 0 if all(model["verification"]["sound"] for model in record["models"]) else 1
    if options.output is not None:
        options.output.write_bytes(render_coverage(record))
    if options.json:
        print(canonical_json({"exit_code": code, **record}).decode())
        return code
    for model in record["models"]:
        console().print(coverage_table(record, model))
        for problem in model["verification"]["problems"]:
            print(f"{problem['severity']}: {problem['sentence']} ({problem['code']}, {problem['where']})")
    if options.output is not None:
        print(f"page  {options.output}")
    return code
