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
from typing import TYPE_CHECKING, Any

from system.server import HOST, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 2
PAUSE = 0.5
WAITS = 480
"""Pauses until both workers must have registered, and until an application that has ended is seen as ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkCluster:
    """A running cluster: its address, and the processes of its workers, which start the executors."""

    uri: str
    web: str
    workers: tuple[subprocess.Popen[bytes], ...]

    def ended(self) -> list[tuple[str, int]]:
        """The applications that have ended, by name, with the cores that each was given; waits for those that are ending."""
        state = self.state()
        for _ in range(WAITS):
            if not state["activeapps"]:
                break
            time.sleep(PAUSE)
            state = self.state()
        return [(one["name"], one["cores"]) for one in state["completedapps"]]

    def state(self) -> dict[str, Any]:
        """What the master says of its workers and applications."""
        with urllib.request.urlopen(f"{self.web}/json/", timeout=5) as answer:
            return dict(json.load(answer))


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
        workers = tuple(
            start("worker.Worker", *words, "--work-dir", str(home / f"work-{place}"), uri) for place in range(WORKERS)
        )
        cluster = SparkCluster(uri=uri, web=f"http://{HOST}:{web}", workers=workers)
        _wait(cluster, home)
        yield cluster


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


def _wait(cluster: SparkCluster, home: Path) -> None:
    for _ in range(WAITS):
        try:
            if cluster.state()["aliveworkers"] == WORKERS:
                return
        except OSError:
            pass
        time.sleep(PAUSE)
    logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(home.glob("*.log")))
    raise AssertionError(f"no Spark cluster of {WORKERS} workers within {WAITS * PAUSE:.0f} s:\n{logs}")
