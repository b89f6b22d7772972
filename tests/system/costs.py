"""What the parts of a cluster cost while they run: CPU seconds of each, and memory, also of parts that are killed meanwhile."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MIB = 2**20
INTERVAL = 0.5
"""Seconds between two looks; what a killed process used since the last one is not counted."""
LOOKS = 10
"""After so many looks the memory of all processes is added up, which costs more than a look."""


@dataclass
class Costs:
    """A context manager that looks at the processes of each part, and of those that they started.

    Attributes:
        parts: gives the process id of each part that runs now.
        task_mib: largest resident size of one process that runs a task.
        total_mib: largest sum over all parts, memory that processes share counted once (PSS).
    """

    parts: Callable[[], Mapping[str, int]]
    task_mib: float = field(default=0.0, init=False)
    total_mib: float = field(default=0.0, init=False)
    _seen: dict[tuple[str, int], float] = field(default_factory=dict, init=False)
    _before: dict[tuple[str, int], float] = field(default_factory=dict, init=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False)

    def __enter__(self) -> Self:
        self._look()
        self._before = dict(self._seen)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(20)

    def cpu(self, *names: str) -> float:
        """CPU seconds of parts since the start of this watch, all of their children included."""
        return sum(seconds - self._before.get(part, 0.0) for part, seconds in self._seen.items() if part[0] in names)

    def start_of(self, name: str) -> float:
        """CPU seconds that a part had used when this watch began: those of its start."""
        return sum(seconds for part, seconds in self._before.items() if part[0] == name)

    def _watch(self) -> None:
        looks = 0
        while not self._ended.wait(INTERVAL):
            looks += 1
            self._look()
            if looks % LOOKS == 0:
                self.total_mib = max(self.total_mib, sum(_of_tree(each, _pss) for each in self.parts().values()))

    def _look(self) -> None:
        for name, process_id in self.parts().items():
            seconds = _of_tree(process_id, _cpu)
            self._seen[name, process_id] = max(seconds, self._seen.get((name, process_id), 0.0))
            self.task_mib = max(self.task_mib, _of_tree(process_id, _task_mib, largest=True))


def _of_tree(process_id: int, figure: Callable[[psutil.Process], float], *, largest: bool = False) -> float:
    """The sum, or the largest, of a figure of a process and of all that it started; of those that end meanwhile 0."""
    found = [0.0]
    with contextlib.suppress(psutil.NoSuchProcess):
        part = psutil.Process(process_id)
        for process in [part, *part.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                found.append(figure(process))
    return max(found) if largest else sum(found)


def _cpu(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:4])  # of the process, and of its children that have ended


def _pss(process: psutil.Process) -> float:
    return process.memory_full_info().pss / MIB


def _task_mib(process: psutil.Process) -> float:
    """Airflow names the process that runs a task so."""
    runs_a_task = " ".join(process.cmdline()).startswith("airflow worker --")
    return process.memory_info().rss / MIB if runs_a_task else 0.0
