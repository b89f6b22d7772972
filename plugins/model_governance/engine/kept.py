"""Pieces of a column kept to be looked at again: in memory while they are few, in a plain file beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

MOST_IN_MEMORY = 1 << 21  # values of a column: 16 MiB
PIECE = 1 << 17


class Kept:
    """Values in the order they came; reading them again costs far less than decoding their file again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: list[np.ndarray] = []
        self._count = self._spilled = 0

    def add(self, values: np.ndarray) -> None:
        """Keep a piece, float64."""
        self._held.append(values)
        self._count += len(values)
        if self._count > MOST_IN_MEMORY:
            with self.path.open("ab") as file:
                for one in self._held:
                    one.tofile(file)
                    self._spilled += len(one)
            self._held, self._count = [], 0

    def pieces(self) -> Iterator[np.ndarray]:
        """The values again, piece by piece."""
        import numpy as np

        for start in range(0, self._spilled, PIECE):
            yield np.fromfile(self.path, dtype="float64", count=min(PIECE, self._spilled - start), offset=start * 8)
        yield from self._held
