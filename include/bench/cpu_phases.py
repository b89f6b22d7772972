"""Where the CPU of a piece of work goes: importing, reading, measuring, drawing, judging; sampled in the process that does it."""

from __future__ import annotations

import signal
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

PHASES = ("DAG file", "imports", "reading", "measuring", "drawing", "judging and evidence")
EVERY = 0.002
"""CPU seconds between two looks."""
DRAWN = ("/model_governance/report/", "/figures.py", "evidently", "/matplotlib/")
"""Parts of the paths of modules that make pages, pictures and tables."""
OWN = "model_governance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """CPU seconds by phase, and of the imports by the package that was asked for, with all that it imports itself."""

    seconds: dict[str, float]
    imported: dict[str, float]


def by_phase(work: Callable[[], object]) -> Phases:
    """Do the work and tell its CPU seconds, those of all threads, apart.

    Every two CPU milliseconds the stack of the main thread says what the process is doing; the seconds since the look before
    count to that. Parsing the DAG file counts as that with all that it imports, any other import as an import wherever it
    happens, a page or picture as drawing wherever it is made.
    """
    spent: Counter[str] = Counter()
    imported: Counter[str] = Counter()
    last = time.process_time()

    def look(_: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.process_time()
        stack = list(_stack(frame))
        phase = _phase_of(stack)
        spent[phase] += now - last
        if phase == "imports":
            imported[_package(stack)] += now - last
        last = now

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return Phases(seconds={phase: spent[phase] for phase in PHASES}, imported=dict(imported))


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of a stack, the innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def _phase_of(stack: list[FrameType]) -> str:
    """The phase of a stack: of all that is going on, what says most."""
    going_on = {_phase_of_frame(frame) for frame in stack}
    order = ("DAG file", "imports", "drawing", "measuring", "reading")
    return next((phase for phase in order if phase in going_on), PHASES[-1])


def _phase_of_frame(frame: FrameType) -> str:
    file, name = frame.f_code.co_filename, frame.f_code.co_name
    if name == "parse_dag_file":
        return "DAG file"
    if _is_import(frame):
        return "imports"
    if any(part in file for part in DRAWN) or (file.endswith("/report.py") and "/checks/" in file):
        return "drawing"
    if "/model_governance/checks/" in file and name == "measure":
        return "measuring"
    return "reading" if "/model_governance/subjects/" in file else PHASES[-1]


def _is_import(frame: FrameType) -> bool:
    return frame.f_code.co_name == "_find_and_load" and "importlib" in frame.f_code.co_filename


def _package(stack: list[FrameType]) -> str:
    """The package that our code imports: the outermost import that is not of this project itself."""
    names = [str(frame.f_locals.get("name", "")).split(".")[0] for frame in reversed(stack) if _is_import(frame)]
    return next((name for name in names if name != OWN), OWN)
