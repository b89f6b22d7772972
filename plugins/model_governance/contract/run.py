"""Which governance run of a policy this is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Which run of a policy this is: its moment, its data interval and who started it.

    `logical_date` is the moment (UTC) that names the archive entry: two runs of one day are two runs.
    `data_interval` holds the first moment of the run's data and the first moment after it, where the schedule has one.
    """

    run_id: str
    logical_date: datetime
    data_interval: tuple[datetime, datetime] | None = None
    orchestrator: Mapping[str, Any] = field(default_factory=lambda: {"type": "command line"})

    def __post_init__(self) -> None:
        if self.logical_date.tzinfo is None:
            raise ValueError(f"run {self.run_id}: logical_date {self.logical_date} has no time zone; give it in UTC")

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Run:
        """The run whose `record` this is; one that does not say who started it was started by a command.

        Raises:
            KeyError, ValueError: a part is missing, or a moment is none.
        """
        interval = record["data_interval"]
        started = {"orchestrator": record["orchestrator"]} if "orchestrator" in record else {}
        return cls(
            run_id=record["run_id"], logical_date=parse_moment(record["logical_date"]),
            data_interval=None if interval is None else (parse_moment(interval[0]), parse_moment(interval[1])), **started,
        )  # fmt: skip

    def record(self) -> dict[str, Any]:
        """The identity as JSON types."""
        interval = self.data_interval
        return {
            "run_id": self.run_id,
            "logical_date": self.logical_date.isoformat(),
            "data_interval": [moment.isoformat() for moment in interval] if interval else None,
            "orchestrator": dict(self.orchestrator),
        }
