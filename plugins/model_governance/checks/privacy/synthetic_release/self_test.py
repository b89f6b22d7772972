"""The planted fault of `synthetic_release`: a release that is a copy of the training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest, with_files

if TYPE_CHECKING:
    from model_governance.contract.subject import Role, Subject

PARAMS = {"release": "release.csv"}


def _as_csv(subject: Subject, role: Role) -> bytes:
    columns = subject.columns
    frame = subject.frame(role, columns=[*columns.names, *([columns.target] if columns.target else [])])
    text: str = frame.to_csv(index=False)
    return text.encode()


SELF_TEST = SelfTest(
    description="a release that is a copy of the training rows",
    threshold={"metric": "membership_auc", "leq_to": 0.6},
    apply=lambda subject: with_files(subject, PARAMS, {"release": _as_csv(subject, "train")}),
    params=PARAMS,
    files=lambda subject: {"release": _as_csv(subject, "current")},
)
