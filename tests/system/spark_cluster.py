"""A real Spark standalone cluster of one host, from the pyspark wheel: a master and two workers, each a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from system.server import HOST, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 2
PAUSE = 0.5
WAITS = 480
"""Pauses until both workers must have registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkCluster:
    """A running cluster: its address, and the folder of its logs and of what workers keep."""

    uri: str
    home: Path

    def executors(self) -> list[int]:
        """How many executors each worker has started: a worker makes a folder for each."""
        return [len(list(self.home.glob(f"work-{place}/app-*/*"))) for place in range(WORKERS)]


def has_java() -> bool:
    """Whether Spark can be started at all."""
    return shutil.which("java") is not None or "JAVA_HOME" in os.environ


@contextmanager
def spark_cluster(*, memory: str = "1g", folder: Path | None = None) -> Iterator[SparkCluster]:
    """A master and two workers of one core and `memory` each; all are gone afterwards.

    Args:
        memory: of the executor of a worker, as Spark writes it.
        folder: where shuffled rows are written; by default a temporary folder.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spark-", dir=folder)))
        port, web = free_ports(2)
        uri = f"spark://{HOST}:{port}"
        start = _starter(home, stack)
        start("master.Master", "--host", HOST, "--port", str(port), "--webui-port", str(web))
        words = ("--host", HOST, "--webui-port", "0", "--cores", "1", "--memory", memory)
        for place in range(WORKERS):
            start("worker.Worker", *words, "--work-dir", str(home / f"work-{place}"), uri)
        _wait(f"http://{HOST}:{web}/json/", home)
        yield SparkCluster(uri=uri, home=home)


def _starter(home: Path, stack: ExitStack):  # type: ignore[no-untyped-def]
    import pyspark

    installed = Path(pyspark.__file__).parent
    settings = os.environ | {
        "SPARK_HOME": str(installed),
        "SPARK_LOCAL_DIRS": str(home / "shuffled"),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_DAEMON_MEMORY": "256m",
    }

    def start(name: str, *words: str) -> subprocess.Popen[bytes]:
        command = [str(installed / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *words]
        log = stack.enter_context((home / f"{name}.log").open("ab"))
        process = subprocess.Popen(command, env=settings, stdout=log, stderr=log)
        stack.callback(_end, process)
        return process

    return start


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, upon which a worker ends its executors."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(state: str, home: Path) -> None:
    """Return once the master knows both workers, as it says at the address `state`."""
    for _ in range(WAITS):
        try:
            with urllib.request.urlopen(state, timeout=5) as answer:
                if json.load(answer)["aliveworkers"] == WORKERS:
                    return
        except OSError:
            pass
        time.sleep(PAUSE)
    logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(home.glob("*.log")))
    raise AssertionError(f"no Spark cluster of {WORKERS} workers within {WAITS * PAUSE:.0f} s:\n{logs}")
