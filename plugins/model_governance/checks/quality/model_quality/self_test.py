"""The fault that `model_quality` must find: swapped labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject


def swap_labels(subject: Subject) -> Subject:
    """Return the subject with both labels of current exchanged, as by an inverted encoding or a broken join."""
    target = str(subject.columns.target)
    frame = subject.frame("current")
    first, second = frame[target].unique()
    frame[target] = frame[target].map({first: second, second: first})
    return subject.with_frame("current", frame)


SELF_TEST = SelfTest(
    description="the two labels of current are swapped",
    threshold={"metric": "accuracy", "geq_to": 0.6},
    apply=swap_labels,
)
