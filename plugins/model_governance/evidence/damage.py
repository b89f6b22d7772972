"""A stored object that is not what its address says, in words and as a record holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, spell_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """An object of an earlier run, or of a task before the check, that is not what its address says, or is missing.

    Attributes:
        key: its key.
        uri: where it is.
        moment: of its run (UTC); None where the object belongs to no run.
        reason: what was expected and found, and what to do.
    """

    key: str
    uri: str
    moment: datetime | None
    reason: str

    @property
    def sentence(self) -> str:
        """`s3://…/run_manifest.json of 2026-03-01: …`."""
        moment = f" of {spell_moment(self.moment)}" if self.moment else ""
        return f"{self.uri}{moment}: {self.reason}"

    @property
    def stored_sentence(self) -> str:
        """The same with the key in place of the uri: a record must not depend on where the store is mounted."""
        return self.sentence.replace(self.uri, self.key)

    def record(self) -> dict[str, Any]:
        """As JSON types, without the uri."""
        return {
            "key": self.key,
            "logical_date": self.moment.isoformat() if self.moment else None,
            "reason": self.reason.replace(self.uri, self.key),
        }


def read_damage(record: Mapping[str, Any]) -> Damage:
    """What `Damage.record` wrote, with the key in place of the uri."""
    moment = record["logical_date"]
    return Damage(
        key=record["key"], uri=record["key"], moment=None if moment is None else parse_moment(moment),
        reason=record["reason"],
    )  # fmt: skip
