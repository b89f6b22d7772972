"""What all processes below this one cost while something runs: CPU seconds, and the largest resident size of each kind."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Self

SECONDS = 0.5
KINDS = {
    "CoarseGrainedExecutorBackend": "executor",
    "worker.Worker": "worker",
    "master.Master": "master",
    "SparkSubmit": "driver's JVM",
}
"""What the command of a process of Spark holds, with its name in the table; every other process is `process`."""


class ProcessTree:
    """A context manager that looks at the processes twice a second; a process that ends between is counted as last seen."""

    def __init__(self) -> None:
        self._cpu: dict[tuple[int, float], float] = {}
        self._before: dict[tuple[int, float], float] = {}
        self._mib: dict[str, float] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._before = dict(self._cpu)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def cpu(self) -> float:
        """CPU seconds since the beginning, of all processes together."""
        return sum(used - self._before.get(key, 0.0) for key, used in self._cpu.items())

    @property
    def mib(self) -> dict[str, float]:
        """The largest resident size of one process of each kind."""
        return {name: self._mib[name] for name in ("process", *KINDS.values()) if name in self._mib}

    def _watch(self) -> None:
        while not self._end.wait(SECONDS):
            self._look()

    def _look(self) -> None:
        import psutil  # only in the environment of the system tests

        for process in psutil.Process().children(recursive=True):
            try:
                times, words = process.cpu_times(), " ".join(process.cmdline())
                peak = re.search(r"VmHWM:\s+(\d+) kB", (Path("/proc") / str(process.pid) / "status").read_text())
            except (psutil.Error, OSError):
                continue
            self._cpu[process.pid, process.create_time()] = times.user + times.system
            kind = next((name for part, name in KINDS.items() if part in words), "process")
            if peak is not None:
                self._mib[kind] = max(self._mib.get(kind, 0.0), int(peak[1]) / 1024)
