"""The planted fault of data validation: a join upstream that loses labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject


def _drop_labels(subject: Subject) -> Subject:
    import numpy as np

    frame = subject.frame("current")
    target = str(subject.columns.target)
    frame[target] = frame[target].mask(np.arange(len(frame)) % 4 == 0)
    return subject.with_frame("current", frame)


SELF_TEST = SelfTest(
    description="A quarter of the target values of the current rows is lost, as when a join upstream misses.",
    params={
        "expectations": [
            {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 100, "max_value": 1_000_000}},
            {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "label"}},
        ]
    },
    threshold={"metric": "critical_failures", "equal_to": 0, "severity": "error"},
    apply=_drop_labels,
)
