"""Files that can end a process in C++ are read by another process first: its death is an error of the check, not of the run."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.errors import UntrustedModel

if TYPE_CHECKING:
    from model_governance.contract.connections import Connections
    from model_governance.contract.subject import ModelFile

FORMATS = ("onnx", "torchscript", "xgboost", "lightgbm")
CHILD = Path(__file__).with_name("trial_child.py")
SECONDS = 120  # of processor time, and on the clock twice as many
MEGABYTES, TIMES_THE_FILE = 16_384, 20  # of address space: libraries reserve far more than they use
OUT_OF_MEMORY = 77
TRIALS = "trials"

_survived: set[str] = set()


def try_reading(file: ModelFile, *, features: int, connections: Connections, seconds: int = SECONDS) -> None:
    """Nothing, when a process of its own survives reading a model file and one question, within limits.

    A file that was survived once is not tried again by this process, nor by others that share its content cache.

    Args:
        file: the bytes, whose digest has matched.
        features: number of features of the policy.
        connections: names the content cache.
        seconds: processor time that it may take.

    Raises:
        UntrustedModel: the process died, or took more memory or time than any model.
    """
    if file.format not in FORMATS or file.sha256 in _survived:
        return
    marker = None if connections.cache is None else connections.cache.folder / TRIALS / f"{file.sha256}-{file.format}"
    if marker is None or not marker.exists():
        _run(file, features=features, seconds=seconds)
        if marker is not None:
            marker.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            marker.touch()
    _survived.add(file.sha256)


def _run(file: ModelFile, *, features: int, seconds: int) -> None:
    megabytes = MEGABYTES + TIMES_THE_FILE * (len(file.content) >> 20)
    # -P: the folder of the script is no place to import from.
    command = [sys.executable, "-P", str(CHILD), file.format, str(megabytes), str(seconds), str(features)]
    try:
        done = subprocess.run(  # noqa: S603 - our own script; the arguments are numbers and the name of a format
            command, input=file.content, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            timeout=2 * seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise _refusal(file, f"was not read within {2 * seconds} s") from error
    if done.returncode == -signal.SIGXCPU or done.returncode == -signal.SIGKILL:
        raise _refusal(file, f"was not read within {seconds} s of processor time")
    if done.returncode == OUT_OF_MEMORY:
        raise _refusal(file, f"takes more than {megabytes:,} MB of memory")
    if done.returncode < 0:
        raise _refusal(file, f"ends the process that reads it ({signal.Signals(-done.returncode).name})")


def _refusal(file: ModelFile, what: str) -> UntrustedModel:
    return UntrustedModel(
        f"{file.uri}: {what}, in a process of its own. This check did not load it; find out who made it, or save the model "
        "again with the library that is installed here"
    )
