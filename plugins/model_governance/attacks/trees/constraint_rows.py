"""The constraints of a program while they are collected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(slots=True)
class Rows:
    """Constraints as triplets: low <= sum of value * variable <= high."""

    row: list[np.ndarray] = field(default_factory=list)
    column: list[np.ndarray] = field(default_factory=list)
    value: list[np.ndarray] = field(default_factory=list)
    low: list[np.ndarray] = field(default_factory=list)
    high: list[np.ndarray] = field(default_factory=list)
    count: int = 0

    def add(self, row: np.ndarray, column: np.ndarray, value: np.ndarray) -> None:
        """Entries of rows that are counted from the next new one."""
        self.row.append(row + self.count)
        self.column.append(column)
        self.value.append(value)

    def close(self, low: np.ndarray, high: np.ndarray) -> None:
        """Limits of the new rows."""
        self.low.append(low)
        self.high.append(high)
        self.count += len(low)
