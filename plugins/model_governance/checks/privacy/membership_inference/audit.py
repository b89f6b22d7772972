"""What the attacks of a run use: audited rows of both groups, further held-out rows, and the model's outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.audit_groups import (
    count_overlap,
    derive_root_seed,
    draw_positions,
    query,
    read_rows,
)
from model_governance.checks.privacy.membership_inference.signals import fit_transform

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.privacy.membership_inference.audit_groups import AuditGroup, Rows
    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.checks.privacy.membership_inference.signals import Signals, SignalTransform
    from model_governance.contract.subject import Columns, Role, Subject

MIN_HELD_OUT = 500
MAX_HELD_OUT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """All rows of both datasets, members first; the root seed of every draw; and the positions of the audited rows."""

    all_rows: tuple[Rows, Rows]
    root_seed: int
    chosen: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Both groups with their signals (members first), and the draw that they come from.

    `held_out` are non-members that no attack scores, for attacks that are fitted on non-members; None where too few
    remain. `overlap` is (non-member rows that equal a training row,
    non-member rows).
    """

    members: AuditGroup
    non_members: AuditGroup
    held_out: AuditGroup | None
    transform: SignalTransform
    signals: Signals
    columns: Columns
    draw: Draw
    overlap: tuple[int, int]

    def __len__(self) -> int:
        return len(self.members) + len(self.non_members)

    @property
    def root_seed(self) -> int:
        """The root seed of every draw, 63 bits."""
        return self.draw.root_seed


def draw_rows(subject: Subject, params: MembershipParams) -> Draw:
    """Read both datasets and draw the rows to audit; the model is not queried.

    Raises:
        CheckError: too few rows, one class, or labels that the model does not know.
        SubjectError: as `Subject.features` and `Subject.target`.
    """
    role: Role = "population" if "population" in subject.datasets else "reference"
    inside, outside = read_rows(subject, "train"), read_rows(subject, role)
    root_seed = derive_root_seed(subject.require_model(), inside, outside, sampling_seed=params.sampling_seed)
    chosen = draw_positions(inside, outside, params, root_seed=root_seed)
    return Draw(all_rows=(inside, outside), root_seed=root_seed, chosen=chosen)


def draw_audit(subject: Subject, params: MembershipParams) -> Audit:
    """Draw the rows to audit and query the model with them.

    Raises:
        CheckError, SubjectError: as `draw_rows`.
        ModelMisbehaved: as `Model`.
    """
    import numpy as np

    model, draw = subject.require_model(), draw_rows(subject, params)
    (inside, outside), chosen = draw.all_rows, draw.chosen
    members, non_members = query(model, inside, chosen[0]), query(model, outside, chosen[1])
    held_out = _held_out(len(outside), chosen[1], root_seed=draw.root_seed)
    raw_signal = np.concatenate([members.raw_signal, non_members.raw_signal])
    transform = fit_transform(raw_signal, residuals=not model.classes)
    return Audit(
        members=members,
        non_members=non_members,
        held_out=query(model, outside, held_out) if len(held_out) >= MIN_HELD_OUT else None,
        transform=transform,
        signals=transform(raw_signal),
        columns=subject.columns,
        draw=draw,
        overlap=count_overlap(inside, outside),
    )


def _held_out(rows: int, audited: np.ndarray, *, root_seed: int) -> np.ndarray:
    """Positions of non-members that are not audited, in random order."""
    import numpy as np

    remaining = np.setdiff1d(np.arange(rows), audited)
    return np.random.default_rng([root_seed, 3]).permutation(remaining)[:MAX_HELD_OUT]
