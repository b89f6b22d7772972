"""Where the CPU of a piece of work goes: importing, reading, measuring, drawing, judging; sampled in the process that does it."""

from __future__ import annotations

import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

PHASES = ("imports", "DAG file", "reading", "measuring", "drawing", "judging and evidence")
EVERY = 0.002
"""CPU seconds between two looks."""
DRAWN = ("/model_governance/report/", "/figures.py", "evidently", "/matplotlib/")
"""Parts of the paths of modules that make pages, pictures and tables."""


def by_phase(work: Callable[[], object]) -> dict[str, float]:
    """Do the work and return its CPU seconds, those of all threads, by phase.

    Every two CPU milliseconds the stack of the main thread says what the process is doing; the seconds since the look before
    count to that. An import counts as one wherever it happens, a page or picture as drawing wherever it is made.
    """
    spent: Counter[str] = Counter()
    last = time.process_time()

    def look(_: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.process_time()
        spent[phase_of(frame)] += now - last
        last = now

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return {phase: spent[phase] for phase in PHASES}


def phase_of(frame: FrameType | None) -> str:
    """The phase that a stack belongs to, by its modules and functions."""
    found = PHASES[-1]
    while frame is not None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if name == "_find_and_load" and "importlib" in file:
            return "imports"
        found = _stronger(found, _of_frame(file, name))
        frame = frame.f_back
    return found


def _of_frame(file: str, name: str) -> str:
    if any(part in file for part in DRAWN) or (file.endswith("/report.py") and "/checks/" in file):
        return "drawing"
    if "/model_governance/checks/" in file and name == "measure":
        return "measuring"
    if "/model_governance/subjects/" in file:
        return "reading"
    return "DAG file" if name == "parse_dag_file" else PHASES[-1]


def _stronger(one: str, other: str) -> str:
    """Of two phases of one stack the one that says more: a picture that is drawn while a check measures is drawing."""
    order = ("drawing", "measuring", "reading", "DAG file", PHASES[-1])
    return min(one, other, key=order.index)
