"""The planted fault of the poisoning screen: a backdoor of rows with one trigger value and one label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest
from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject

ROWS = 40


def plant_backdoor(subject: Subject) -> Subject:
    """The subject with 40 rows of train that carry the highest value of a number and the last label."""
    frame, target = subject.frame("train"), str(subject.columns.target)
    feature = next(name for name, column in subject.columns.features.items() if column.kind in NUMBER_KINDS)
    label = sorted(frame[target].unique().tolist())[-1]
    chosen = frame.index[frame[target] != label][:ROWS]
    frame.loc[chosen, feature] = frame[feature].max()
    frame.loc[chosen, target] = label
    return subject.with_frame("train", frame)


SELF_TEST = SelfTest(
    description="40 training rows with one trigger value and the label that an attacker chose",
    threshold={"metric": "trigger_hits", "equal_to": 0},
    apply=plant_backdoor,
    params={"trees": 40},
)
