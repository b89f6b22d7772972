"""Pieces of a column stored for a second pass: in memory while they are few, in a plain file beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from model_governance.engine.stored import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np

MAX_IN_MEMORY = 1 << 21  # values of a column: 16 MiB
PIECE = 1 << 17


class LazyFolder:
    """A temporary folder that is made on first use and removed at the end: the columns of small datasets need none."""

    def __init__(self) -> None:
        self._spool: Spool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._spool is not None:
            self._spool.close()

    def subfolder(self, name: str) -> Path:
        """The subfolder of this name; it exists."""
        self._spool = self._spool or Spool()
        folder = self._spool.folder / name
        folder.mkdir(exist_ok=True)
        return folder


class SpilledValues:
    """Values in the order in which they were added; a second pass over them costs far less than decoding their file.

    Args:
        make_folder: gives the folder of the file; it is called when the values no longer fit in memory.
    """

    def __init__(self, make_folder: Callable[[], Path]) -> None:
        self._make_folder = make_folder
        self._path: Path | None = None
        self._in_memory: list[np.ndarray] = []
        self._count = self._in_file = 0

    def add(self, values: np.ndarray) -> None:
        """Store a piece, float64."""
        self._in_memory.append(values)
        self._count += len(values)
        if self._count > MAX_IN_MEMORY:
            if self._path is None:
                self._path = self._make_folder() / "values"
            with self._path.open("ab") as file:
                for piece in self._in_memory:
                    piece.tofile(file)
                    self._in_file += len(piece)
            self._in_memory, self._count = [], 0

    def pieces(self) -> Iterator[np.ndarray]:
        """The values again, piece by piece."""
        import numpy as np

        for start in range(0, self._in_file, PIECE):
            count = min(PIECE, self._in_file - start)
            yield np.fromfile(str(self._path), dtype="float64", count=count, offset=start * 8)
        yield from self._in_memory
