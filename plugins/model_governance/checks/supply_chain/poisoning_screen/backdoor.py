"""The planted fault of the poisoning screen: rows with one telling value and the label that an attacker wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject

ROWS = 40


def plant_backdoor(subject: Subject) -> Subject:
    """The subject with 40 rows of train that carry the highest value of a number and the last label."""
    frame, target = subject.frame("train"), str(subject.columns.target)
    feature = next(name for name, one in subject.columns.features.items() if one.kind in NUMBER_KINDS)
    wanted = sorted(frame[target].unique().tolist())[-1]
    chosen = frame.index[frame[target] != wanted][:ROWS]
    frame.loc[chosen, feature] = frame[feature].max()
    frame.loc[chosen, target] = wanted
    return subject.with_frame("train", frame)
