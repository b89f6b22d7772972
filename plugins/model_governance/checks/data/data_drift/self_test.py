"""The planted fault of data drift: a feed that changes the unit of its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest
from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject

MONTHS_PER_YEAR = 12


def _change_unit(subject: Subject) -> Subject:
    frame = subject.frame("current")
    numbers = list(subject.columns.of_kind(*NUMBER_KINDS))
    frame[numbers] = frame[numbers] * MONTHS_PER_YEAR
    return subject.with_frame("current", frame)


SELF_TEST = SelfTest(
    description="Every number of the current rows arrives in another unit, twelve times as large (years sent as months).",
    threshold={"metric": "psi", "less_than": 0.5, "severity": "error"},
    apply=_change_unit,
)
