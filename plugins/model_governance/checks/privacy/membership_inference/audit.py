"""What the attacks of one night work on: audited rows of both sides, held-out rows besides, and the model's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.sides import all_rows, ask, draw_positions, overlap, root_of
from model_governance.checks.privacy.membership_inference.signals import gauge_of

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.checks.privacy.membership_inference.sides import Rows, Side
    from model_governance.checks.privacy.membership_inference.signals import Gauge, Signals
    from model_governance.contract.subject import Columns, Role, Subject

LEAST_HELD_OUT = 500
MOST_HELD_OUT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Both sides with their signals (members first), and the root of every draw.

    `held_out` are non-members that no attack scores, for those that must learn what ordinary is; None where too few
    are left. `shared` is (non-member rows that equal a training row, non-member rows).
    """

    members: Side
    others: Side
    held_out: Side | None
    gauge: Gauge
    signals: Signals
    columns: Columns
    everyone: tuple[Rows, Rows]
    root: int
    shared: tuple[int, int]

    def __len__(self) -> int:
        return len(self.members) + len(self.others)


def draw_audit(subject: Subject, params: MembershipParams) -> Audit:
    """Draw the rows and ask the model about them.

    Raises:
        CheckError: too few rows, one class, or labels that the model does not know.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    import numpy as np

    model = subject.require_model()
    role: Role = "population" if "population" in subject.datasets else "reference"
    inside, outside = all_rows(subject, "train"), all_rows(subject, role)
    root = root_of(model, inside, outside, draw=params.draw)
    chosen = draw_positions(inside, outside, params, root=root)
    members, others = ask(model, inside, chosen[0]), ask(model, outside, chosen[1])
    left = _left_over(len(outside), chosen[1], root=root)
    told = np.concatenate([members.told, others.told])
    gauge = gauge_of(told, residuals=not model.classes)
    return Audit(
        members=members,
        others=others,
        held_out=ask(model, outside, left) if len(left) >= LEAST_HELD_OUT else None,
        gauge=gauge,
        signals=gauge.read(told),
        columns=subject.columns,
        everyone=(inside, outside),
        root=root,
        shared=overlap(inside, outside),
    )


def _left_over(rows: int, taken: np.ndarray, *, root: int) -> np.ndarray:
    """Rows of the non-members that are not audited, in random order."""
    import numpy as np

    rest = np.setdiff1d(np.arange(rows), taken)
    return np.random.default_rng([root, 3]).permutation(rest)[:MOST_HELD_OUT]
