"""The fault that `performance_estimation` must find: only rows of low confidence arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject


def keep_low_confidence(subject: Subject) -> Subject:
    """Return the subject with the quarter of current's rows of lowest confidence, each repeated four times."""
    import numpy as np

    model = subject.require_model()
    confidence = model.predict_proba(subject.features("current")).max(axis=1)
    lowest = np.argsort(confidence, kind="stable")[: max(1, len(confidence) // 4)]
    frame = subject.frame("current").iloc[np.tile(lowest, 4)].reset_index(drop=True)
    return subject.with_frame("current", frame)


SELF_TEST = SelfTest(
    description="only the rows on which the model is least sure arrive",
    threshold={"metric": "estimated_loss_increase", "less_than": 0.08},
    apply=keep_low_confidence,
)
