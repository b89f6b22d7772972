"""The command line, without Airflow: run, lint, describe and start a policy, approve, accept, calibrate, compare, try stores."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, get_args

from model_governance import __version__
from model_governance.authoring.accept import add_accept
from model_governance.authoring.approve import add_model
from model_governance.authoring.archive import add_archive
from model_governance.authoring.coverage import add_coverage
from model_governance.authoring.doctor import add_doctor
from model_governance.authoring.history import add_history
from model_governance.authoring.import_command import add_import
from model_governance.authoring.index import add_index
from model_governance.authoring.job_command import add_job
from model_governance.authoring.keys import add_keys
from model_governance.authoring.plan import add_plan
from model_governance.authoring.policy_archive import archive_uri
from model_governance.authoring.reproduce import add_reproduce
from model_governance.authoring.rollback import add_rollback
from model_governance.authoring.verify import add_verify
from model_governance.checks import catalogue, find
from model_governance.contract.connections import CacheSettings, PlainConnections
from model_governance.contract.model import Task
from model_governance.contract.moments import as_moment, moment_key, parse_moment
from model_governance.contract.result import canonical_json
from model_governance.contract.run import Run
from model_governance.errors import GovernanceError, PolicyError
from model_governance.evidence.controls import control_map
from model_governance.policy import load_policy
from model_governance.policy.schema import policy_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.policy import Policy
    from model_governance.run import CheckRun
    from model_governance.verdict import Verdict

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no public name for it

CACHE_BYTES = 10 << 30
EXIT_CODES = """exit codes: 0 nothing stops the run, 1 a threshold is violated,
2 usage or policy error, 3 could not measure or store"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after the program's name, by default those of the process.

    Returns:
        0 nothing stops the run, 1 a threshold is violated, 2 usage or policy error, 3 could not measure or store.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.CRITICAL, format="%(levelname)s %(message)s")
    try:
        code: int = options.command(options)
    except PolicyError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 2
    except GovernanceError as error:
        print(f"model-governance: {error}", file=sys.stderr)
        return 3
    except BrokenPipeError:
        # The reader, such as `head`, has what it wanted; Python would complain once more while it ends.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - stays open until the process ends
        return 0
    except Exception as error:
        # Python would exit with 1, which says that a threshold is violated.
        logging.getLogger(__name__).info("traceback", exc_info=True)
        print(f"model-governance: unexpected error {type(error).__name__}: {str(error)[:500]}", file=sys.stderr)
        return 2 if options.command is _lint else 3
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="model-governance",
        description="Measure, judge and record what a policy requires of a model.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--verbose", action="store_true", help="log what happens, with tracebacks")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    add_accept(commands)
    add_rollback(commands)
    _add_calibrate(commands)
    _add_compare(commands)
    add_plan(commands)
    _add_checks(commands)
    _add_policy(commands)
    add_import(commands)
    add_model(commands)
    add_keys(commands)
    add_verify(commands)
    add_coverage(commands)
    add_history(commands)
    add_index(commands)
    add_reproduce(commands)
    add_doctor(commands)
    add_job(commands)
    add_archive(commands)
    return parser


def _add_run(commands: Commands) -> None:
    run = commands.add_parser("run", help="run the checks of a policy once and archive the result")
    run.add_argument("policy", type=Path)
    run.add_argument(
        "--date",
        type=parse_moment,
        default=None,
        help="logical date in UTC, default today (ISO 8601 date, or date and time)",
    )
    run.add_argument(
        "--check", action="append", metavar="NAME", help="only this check (repeatable); nothing is archived"
    )
    run.add_argument("--artifacts", metavar="URI", help="where evidence goes instead of the policy's artifacts.uri")
    _add_json(run)
    run.set_defaults(command=_run)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else, for machines")


def _add_calibrate(commands: Commands) -> None:
    calibrate = commands.add_parser(
        "calibrate", help="propose bounds from runs in which nothing changed; edits nothing"
    )
    calibrate.add_argument("policy", type=Path)
    calibrate.add_argument("--date", type=parse_moment, default=None, help="run that has the usual number of rows")
    calibrate.add_argument("--rows", type=int, help="rows of a run, default those of datasets.current")
    calibrate.add_argument(
        "--windows", type=int, default=1000, help="runs drawn, at most a fifth where rows are measured anew"
    )
    calibrate.add_argument("--output", type=Path, help="folder to write to, default calibration/ beside the policy")
    calibrate.set_defaults(command=_calibrate)


def _add_compare(commands: Commands) -> None:
    compare = commands.add_parser(
        "compare", help="exact distances between two datasets, column by column, over all rows"
    )
    compare.add_argument("reference", help="uri of the rows to compare with, or DATABASE#TABLE")
    compare.add_argument("current", help="uri of the rows that may have drifted, or DATABASE#TABLE")
    compare.add_argument("--quick", action="store_true", help="PSI and Jensen-Shannon over equal-width bins only")
    _add_json(compare)
    compare.set_defaults(command=_compare)


def _add_checks(commands: Commands) -> None:
    checks = commands.add_parser(
        "checks", help="list the checks, or describe one: params, metrics, advice, cost and an example policy"
    )
    checks.add_argument("kind", nargs="?")
    _add_json(checks)
    checks.set_defaults(command=_checks)


def _add_policy(commands: Commands) -> None:
    policy = commands.add_parser("policy", help="lint, describe or start a policy").add_subparsers(
        required=True, metavar="COMMAND"
    )
    lint = policy.add_parser("lint", help="report every mistake of policy files with its line")
    lint.add_argument("files", nargs="+", type=Path, metavar="FILE")
    lint.add_argument(
        "--online", action="store_true", help="read the model and the datasets too, and compare their columns"
    )
    _add_json(lint)
    lint.set_defaults(command=_lint)
    schema = policy.add_parser("schema", help="print the JSON schema of a policy, for editors")
    schema.set_defaults(command=_schema)
    init = policy.add_parser("init", help="write a commented starting policy from a model and reference data")
    init.add_argument("--model", required=True, help="model file (uri)")
    init.add_argument("--reference", required=True, help="reference data (uri)")
    init.add_argument("--target", help="label column")
    init.add_argument("--task", choices=get_args(Task), help="default: that of the model and its labels")
    init.add_argument("--positive", help="positive one of two labels, default guessed")
    init.add_argument("--group", help="query or session of a ranking row, series of a forecast; default guessed")
    init.add_argument("--item", help="what a ranking row offers, default guessed")
    init.add_argument("--time", help="moment that a row forecasts, default guessed")
    init.add_argument("--name", help="model name, default from the file name")
    init.add_argument("--output", type=Path, help="file to write, default standard output")
    init.set_defaults(command=_init)


def _run(options: argparse.Namespace) -> int:
    policy = load_policy(options.policy, catalogue())
    unknown = [name for name in options.check or () if name not in policy.checks]
    if unknown:
        raise PolicyError([f"{options.policy}: no check {', '.join(unknown)}; there are {', '.join(policy.checks)}"])
    control_map(policy, catalogue())  # a mistake in these files is told before anything is measured
    uri = archive_uri(policy, options)
    moment = options.date or as_moment(datetime.now(UTC).date())
    with TemporaryDirectory(prefix="model-governance-") as shared:
        # The checks of one command share what they fetch, as those of a worker do.
        connections = PlainConnections()
        connections.cache = CacheSettings(folder=Path(shared) / "cache", max_bytes=CACHE_BYTES)
        return _run_checks(options, policy, uri, moment, connections)


def _run_checks(
    options: argparse.Namespace, policy: Policy, uri: str, moment: datetime, connections: PlainConnections
) -> int:
    from model_governance.evidence.chain import describe_link
    from model_governance.evidence.manifest import read_manifest
    from model_governance.evidence.promotions import governed
    from model_governance.evidence.trust import trust_of
    from model_governance.report.terminal import console, run_table
    from model_governance.run import run_check, run_policy
    from model_governance.store import open_store
    from model_governance.subjects import render_sources, run_variables

    run = Run(run_id=f"cli-{moment_key(moment)}", logical_date=moment)
    store = open_store(
        uri, folder=policy.folder, connections=connections, connection=policy.artifacts.connection,
        protection=policy.protection,
    )  # fmt: skip
    policy = governed(policy, store, trust=trust_of(policy, connections))
    sources = render_sources(policy, run_variables(moment))
    one_check = partial(run_check, policy, run=run, store=store, connections=connections, sources=sources)
    if options.check:
        runs = [one_check(name) for name in options.check]
        code = max(_exit_code(check_run.verdict) for check_run in runs)
        if options.json:
            checks = [check_run.summary() | {"verdict": check_run.verdict.record()} for check_run in runs]
            _print_json({"exit_code": code, "checks": checks})
        else:
            for check_run in runs:
                _print_check(check_run)
        return code
    report = (lambda _: None) if options.json else _print_check
    archived = run_policy(policy, run=run, store=store, connections=connections, sources=sources, report=report)
    if options.json:
        _print_json(
            {"exit_code": _exit_code(archived.verdict), **archived.summary(), "verdict": archived.verdict.record()}
        )
    else:
        console().print(run_table(read_manifest(store, archived.manifest.key)))
        print(f"report    {archived.report.uri}\nmanifest  {archived.manifest.uri}\n{describe_link(archived.link)}")
    return _exit_code(archived.verdict)


def _calibrate(options: argparse.Namespace) -> int:
    from model_governance.authoring.calibration import Sampling, calibrate
    from model_governance.authoring.calibration.page import write_calibration
    from model_governance.authoring.calibration.table import calibration_table, lines_to_paste, summary
    from model_governance.report.terminal import console

    policy = load_policy(options.policy, catalogue())
    _show_log("model_governance.authoring.calibration")
    calibration = calibrate(
        policy, moment=options.date or as_moment(datetime.now(UTC).date()), connections=PlainConnections(),
        sampling=Sampling(windows=options.windows, rows=options.rows),
    )  # fmt: skip
    files = write_calibration(calibration, options.output or policy.folder / "calibration")
    print(summary(calibration))
    console().print(calibration_table(calibration))
    for threshold in calibration.not_calibrated:
        print(f"not calibrated: {threshold.check}, {threshold.label}: {threshold.reason}")
    print("\n".join(lines_to_paste(calibration)))
    print("".join(f"\nwritten  {path}" for path in files))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from model_governance.authoring.compare import compare_files
    from model_governance.authoring.comparison_table import comparison_table
    from model_governance.report.terminal import console

    comparison = compare_files(options.reference, options.current, quick=options.quick)
    if options.json:
        _print_json(asdict(comparison))
        return 0
    terminal = console()
    terminal.print(comparison_table(comparison, width=terminal.width))
    if comparison.not_compared:
        print(f"not compared: {', '.join(comparison.not_compared)}")
    return 0


def _show_log(name: str) -> None:
    """What a part of the package logs, on standard error: a command of minutes says how far it is."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _print_json(record: Mapping[str, Any]) -> None:
    print(canonical_json(record).decode())


def _exit_code(verdict: Verdict) -> int:
    if not verdict.stops:
        return 0
    return 3 if verdict.outcome == "error" else 1


def _print_check(done: CheckRun) -> None:
    print(f"{done.verdict.sentence}\n  report  {done.report.uri}  ({done.seconds:.1f} s)")


def _checks(options: argparse.Namespace) -> int:
    from model_governance.authoring.describe import describe, described

    if options.kind is None:
        if options.json:
            _print_json({"checks": {check.kind: check.question for check in catalogue().values()}})
            return 0
        for check in catalogue().values():
            print(f"{check.kind:24} {check.question}")
        return 0
    try:
        check = find(options.kind)
    except KeyError as error:
        raise PolicyError([str(error.args[0])]) from error
    if options.json:
        _print_json(described(check))
    else:
        print(describe(check))
    return 0


def _lint(options: argparse.Namespace) -> int:
    from model_governance.authoring.lint import lint

    online = PlainConnections() if options.online else None
    found: list[dict[str, Any]] = []
    for file in options.files:
        try:
            linted = lint(file, catalogue(), moment=datetime.now(UTC), online=online)
        except PolicyError as error:
            found.append({"file": str(file), "problems": list(error.problems), "notes": []})
            continue
        policy = linted.policy
        found.append({"file": str(file), "model": policy.name, "problems": [], "notes": list(linted.notes)})
        if not options.json:
            thresholds = sum(len(check.thresholds) for check in policy.checks.values())
            print(f"{file}: {policy.name}, {len(policy.checks)} checks, {thresholds} thresholds")
            for note in linted.notes:
                print(f"{file}: {note}")
    problems = [problem for each in found for problem in each["problems"]]
    if options.json:
        _print_json({"exit_code": 2 if problems else 0, "files": found})
        return 2 if problems else 0
    if problems:
        raise PolicyError(problems)
    return 0


def _schema(_: argparse.Namespace) -> int:
    print(json.dumps(policy_schema(catalogue()), indent=2))
    return 0


def _init(options: argparse.Namespace) -> int:
    from model_governance.authoring.column_roles import Asked
    from model_governance.authoring.suggest import suggest_policy

    text = suggest_policy(
        model=options.model, reference=options.reference, task=options.task, name=options.name,
        asked=Asked(
            target=options.target, positive=options.positive, group=options.group, item=options.item, time=options.time
        ),
        folder=options.output.resolve().parent if options.output else Path.cwd(),
    )  # fmt: skip
    if options.output is None:
        print(text, end="")
        return 0
    if options.output.exists():
        raise PolicyError([f"{options.output}: exists and is not overwritten; name another --output or move it away"])
    options.output.write_text(text)
    print(f"{options.output}: written; read it, then: model-governance policy lint {options.output}")
    return 0
