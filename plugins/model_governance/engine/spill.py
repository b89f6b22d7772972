"""Pieces of a column stored for a second pass: in memory while they are few, in a plain file beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

MAX_IN_MEMORY = 1 << 21  # values of a column: 16 MiB
PIECE = 1 << 17


class SpilledValues:
    """Values in the order in which they were added; a second pass over them costs far less than decoding their file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._in_memory: list[np.ndarray] = []
        self._count = self._in_file = 0

    def add(self, values: np.ndarray) -> None:
        """Store a piece, float64."""
        self._in_memory.append(values)
        self._count += len(values)
        if self._count > MAX_IN_MEMORY:
            with self.path.open("ab") as file:
                for piece in self._in_memory:
                    piece.tofile(file)
                    self._in_file += len(piece)
            self._in_memory, self._count = [], 0

    def pieces(self) -> Iterator[np.ndarray]:
        """The values again, piece by piece."""
        import numpy as np

        for start in range(0, self._in_file, PIECE):
            yield np.fromfile(self.path, dtype="float64", count=min(PIECE, self._in_file - start), offset=start * 8)
        yield from self._in_memory
