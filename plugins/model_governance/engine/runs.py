"""External sorting of a column: runs are sorted in memory, spilled, and merged between splitters (Knuth, TAOCP 3, 5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import numpy as np

RUN = 1 << 20  # values sorted at a time
STEP = 1 << 11  # values between two marks of a run
SEGMENT = 1 << 17  # values merged at a time: few enough to stay in the cache
BYTES = 8


class InOrder(Protocol):
    """The finite values of a column, ascending."""

    @property
    def count(self) -> int:
        """Number of values."""

    def slice(self, start: int, stop: int) -> np.ndarray:
        """The values at these places, float64, shape (stop - start,); places beyond the end are ignored."""

    def rank(self, value: float) -> int:
        """Number of values that are at most `value`."""


@dataclass(frozen=True, slots=True)
class ArrayInOrder:
    """Sorted values in memory."""

    values: np.ndarray

    @property
    def count(self) -> int:
        """Number of values."""
        return len(self.values)

    def slice(self, start: int, stop: int) -> np.ndarray:
        """The values at these places."""
        return self.values[start:stop]

    def rank(self, value: float) -> int:
        """Number of values that are at most `value`."""
        return int(self.values.searchsorted(value, side="right"))


@dataclass(frozen=True, slots=True)
class FileInOrder:
    """Sorted values in a file, from `start` on; `marks` holds every STEP-th of them."""

    path: Path
    start: int
    count: int
    marks: np.ndarray

    def slice(self, start: int, stop: int) -> np.ndarray:
        """The values at these places."""
        import numpy as np

        count = max(min(stop, self.count) - start, 0)
        return np.fromfile(self.path, dtype="float64", count=count, offset=(self.start + start) * BYTES)

    def rank(self, value: float, *, below: bool = False) -> int:
        """Number of values that are at most `value`; with `below`, that are less."""
        side: Literal["left", "right"] = "left" if below else "right"
        start = max(int(self.marks.searchsorted(value, side=side)) - 1, 0) * STEP
        return start + int(self.slice(start, start + STEP).searchsorted(value, side=side))


def put_in_order(pieces: Iterable[np.ndarray], make_folder: Callable[[], Path]) -> InOrder:
    """The finite values of all pieces, ascending.

    Args:
        pieces: float64.
        make_folder: gives the folder in which the values are stored; it is called when they exceed one run.
    """
    import numpy as np

    buffer = np.empty(RUN)
    filled = 0
    runs: list[FileInOrder] = []
    folder = None
    for piece in pieces:
        rest = piece if np.isfinite(piece).all() else piece[np.isfinite(piece)]
        while len(rest):
            if filled == RUN:
                folder = folder or make_folder()
                runs.append(_spill(buffer, folder / "runs", runs))
                filled = 0
            taken = min(RUN - filled, len(rest))
            buffer[filled : filled + taken] = rest[:taken]
            filled += taken
            rest = rest[taken:]
    last = buffer[:filled]
    if folder is None:
        last.sort()
        return ArrayInOrder(last)
    if filled:
        runs.append(_spill(last, folder / "runs", runs))
    merged = _merge(runs, folder / "merged")
    (folder / "runs").unlink()
    return merged


def _spill(values: np.ndarray, path: Path, runs: list[FileInOrder]) -> FileInOrder:
    values.sort()
    with path.open("ab") as spill:
        values.tofile(spill)
    return FileInOrder(path, sum(run.count for run in runs), len(values), values[::STEP].copy())


def _merge(runs: list[FileInOrder], path: Path) -> FileInOrder:
    """Merge into one sorted file.

    Few values lie between two splitters; many may equal a splitter, but those need no sorting.
    """
    import numpy as np

    marks = np.sort(np.concatenate([run.marks for run in runs]))
    apart = max(SEGMENT // STEP, 1)
    writer = _Writer()
    cursors = [0] * len(runs)
    with path.open("wb") as merged:
        for splitter in np.unique(marks[::apart]).tolist():
            stops = [run.rank(splitter, below=True) for run in runs]
            writer.write(_gather(runs, cursors, stops), merged)
            cursors = [run.rank(splitter) for run in runs]
            ties = sum(cursors) - sum(stops)
            for done in range(0, ties, RUN):
                writer.write(np.full(min(RUN, ties - done), splitter), merged)
        writer.write(_gather(runs, cursors, [run.count for run in runs]), merged)
    return FileInOrder(path, 0, writer.written, np.concatenate(writer.marks))


def _gather(runs: list[FileInOrder], starts: list[int], stops: list[int]) -> np.ndarray:
    import numpy as np

    values = np.concatenate([run.slice(start, stop) for run, start, stop in zip(runs, starts, stops, strict=True)])
    values.sort()
    return values


class _Writer:
    """Appends values to a file and marks every STEP-th."""

    def __init__(self) -> None:
        self.written = 0
        self.marks: list[np.ndarray] = []

    def write(self, values: np.ndarray, file: BinaryIO) -> None:
        self.marks.append(values[-self.written % STEP :: STEP].copy())
        values.tofile(file)
        self.written += len(values)
