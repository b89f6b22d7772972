"""The fault that `attribution_drift` must find: a column of numbers in another unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject


def change_unit(subject: Subject) -> Subject:
    """Return the subject with the last column of numbers of current multiplied by 1000."""
    frame = subject.frame("current")
    last = subject.columns.of_kind("integer", "numeric")[-1]
    frame[last] = frame[last] * 1000
    return subject.with_frame("current", frame)


SELF_TEST = SelfTest(
    description="one column of numbers arrives in a thousandth of its unit",
    threshold={"metric": "attribution_ndcg", "geq_to": 0.9},
    apply=change_unit,
    params={"samples": 300, "draws": 4},
)
