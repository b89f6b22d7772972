"""`model-governance job`: what a container runs for a task of Airflow whose policy says `run_on`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.authoring.check_job import carry_out
from model_governance.run import problem_text

if TYPE_CHECKING:
    import argparse

MESSAGE_BYTES = 1000
"""SageMaker hands on the first 1,024 bytes of a message, Kubernetes 4,096."""


def add_job(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    job = commands.add_parser(
        "job", help="carry out one check that a task of Airflow asked for (`run_on` in a policy); for containers"
    )
    job.add_argument("request", metavar="SHA256", help="digest of the request that the task has stored")
    job.add_argument(
        "--artifacts", required=True, metavar="URI", help="store that holds the request and takes the evidence"
    )
    job.add_argument(
        "--message", type=Path, required=True, metavar="FILE",
        help="file for the digest of the result, or for why there is none; the service hands it to the task",
    )  # fmt: skip
    job.set_defaults(command=_job)


def _job(options: argparse.Namespace) -> int:
    """0 once the verdict is stored, whatever it is: a violation is no failure of the job; 3 where the check could not measure."""
    message: Path = options.message
    try:
        done, result = carry_out(options.artifacts, options.request)
    except Exception as error:
        with suppress(OSError):  # what went wrong first is what is told
            _leave(message, problem_text(error))
        raise
    _leave(message, result.sha256)
    print(f"{done.verdict.sentence}\n  record  {done.record.uri}\n  report  {done.report.uri}  ({done.seconds:.1f} s)")
    return 0 if done.problem is None else 3


def _leave(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode()[:MESSAGE_BYTES].decode(errors="ignore").encode())
