"""The days that an export holds the runs of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.moments import as_moment

if TYPE_CHECKING:
    from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The days from `first` to `last` (UTC), both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"expected a first and a last day, found {self}: the last one comes before the first")

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"

    def holds(self, moment: datetime) -> bool:
        """Whether a moment is on one of the days."""
        return self.first <= as_moment(moment).date() <= self.last
