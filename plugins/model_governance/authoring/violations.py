"""`model-governance archive violations`: a run of the archive as SageMaker's `constraint_violations.json`."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.authoring.verify import describe_verification, period_of
from model_governance.contract.connections import PlainConnections
from model_governance.errors import PolicyError
from model_governance.evidence.export import select, violations_of
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_model
from model_governance.store import open_store

if TYPE_CHECKING:
    import argparse

EXIT_CODES = {"Completed": 0, "CompletedWithViolations": 1, "Failed": 3}


def add_violations(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "violations", help="write the violations of a run as SageMaker's constraint_violations.json"
    )
    command.add_argument("store", metavar="STORE", help="folder, file:///folder or s3://bucket/prefix")
    command.add_argument("--model", required=True, metavar="NAME", help="whose run")
    command.add_argument(
        "--date",
        required=True,
        type=date.fromisoformat,
        metavar="DATE",
        help="day of the run (UTC), its newest run counts",
    )
    command.add_argument("--output", required=True, type=Path, metavar="FILE", help="file to write")
    command.add_argument("--trust", type=Path, metavar="FILE", help="public keys whose signatures count")
    command.set_defaults(command=_violations)


def _violations(options: argparse.Namespace) -> int:
    store = open_store(options.store, folder=Path.cwd(), connections=PlainConnections())
    trust = read_trust(options.trust) if options.trust else None
    verification = verify_model(store, options.model, trust=trust)
    if not verification.is_sound:
        print("\n".join([*describe_verification(verification), f"{options.output}: not written"]))
        return 1
    selection = select(store, options.model, period_of(options.date, options.date))
    if not selection.runs:
        raise PolicyError([f"{store.uri}: {options.model} has no run on {options.date}; name another day"])
    found, unnamed, status = violations_of(store, selection.runs[-1])
    try:
        options.output.write_text(
            json.dumps({"violations": found}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    except OSError as error:
        raise PolicyError([f"{options.output}: cannot be written: {error.strerror}"]) from error
    print(f"{status}: {len(found)} violation{'' if len(found) == 1 else 's'}, written to {options.output}")
    if unnamed:
        print(f"{unnamed} more have no check type of SageMaker; the report of the run shows them")
    return EXIT_CODES[status]
