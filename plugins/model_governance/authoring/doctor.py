"""`model-governance doctor`: find out by trying whether a store does what an archive needs."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.contract.protection import LockMode, Protection
from model_governance.contract.result import canonical_json
from model_governance.errors import PolicyError
from model_governance.policy import load_policy
from model_governance.store import open_store
from model_governance.store.doctor import examine
from model_governance.store.trials import exit_code

if TYPE_CHECKING:
    import argparse

    from rich.table import Table

    from model_governance.store.local import LocalStore
    from model_governance.store.s3 import S3Store
    from model_governance.store.trials import Trial

POLICIES = (".yaml", ".yml")
COLUMNS = ("tried", "expected", "found", "outcome", "meaning")


def add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    doctor = commands.add_parser(
        "doctor", help="try whether a store refuses overwrites, wrong checksums and deletion of locked evidence"
    )
    doctor.add_argument(
        "store",
        metavar="STORE",
        help="s3://bucket/prefix, a folder, or a policy file whose artifacts and archive count",
    )
    doctor.add_argument(
        "--object-lock", choices=get_args(LockMode),
        help="require Object Lock in this mode; a COMPLIANCE canary cannot be deleted for two days (default: that of the "
        "policy, else GOVERNANCE is tried and not required)",
    )  # fmt: skip
    doctor.add_argument("--json", action="store_true", help="print one JSON object and nothing else, for machines")
    doctor.set_defaults(command=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    store = _open(options.store, options.object_lock)
    trials = list(examine(store))
    code = exit_code(trials)
    if options.json:
        record = {"exit_code": code, "store": store.uri, "trials": [asdict(trial) for trial in trials]}
        print(canonical_json(record).decode())
        return code
    from model_governance.report.terminal import console

    console().print(_table(store.uri, trials))
    print(_summary(trials))
    return code


def _open(named: str, mode: LockMode | None) -> S3Store | LocalStore:
    uri, folder, connection, protection = named, Path.cwd(), None, Protection()
    if named.endswith(POLICIES):
        policy = load_policy(Path(named), catalogue())
        if policy.artifacts.uri is None:
            raise PolicyError([f"{named}: no artifacts.uri; add it to the policy, or name the store itself"])
        uri, folder = policy.artifacts.uri, policy.folder
        connection, protection = policy.artifacts.connection, policy.protection
    protection = replace(protection, object_lock=mode or protection.object_lock)
    store = open_store(uri, folder=folder, connections=PlainConnections(), connection=connection, protection=protection)
    return cast("S3Store | LocalStore", store)


def _table(uri: str, trials: list[Trial]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from model_governance.report.terminal import STYLES

    table = Table(title=uri, title_justify="left", box=SIMPLE_HEAD)
    for column in COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column == "outcome")
    for trial in trials:
        words = asdict(trial)
        cells = [Text(words[each], style=STYLES[trial.outcome] if each == "outcome" else "") for each in COLUMNS]
        table.add_row(*cells)
    return table


def _summary(trials: list[Trial]) -> str:
    lacking = [trial.name for trial in trials if trial.outcome == "fail"]
    unknown = [trial.name for trial in trials if trial.outcome == "error"]
    if lacking:
        return f"not fit for evidence: {', '.join(lacking)}"
    if unknown:
        return f"could not be tried: {', '.join(unknown)}"
    weaker = [trial.name for trial in trials if trial.outcome == "warn"]
    return f"fit for evidence; read the warnings: {', '.join(weaker)}" if weaker else "fit for evidence"
