"""How well members and non-members are told apart without the model.

Where that is possible the groups are not of one distribution: they are of other times, or were drawn differently. An attack
finds this difference too, since the model was fitted to the members' distribution, and it says nothing of single rows. So
lower limits count only what goes beyond (Das, Zhang and Tramèr, "Blind Baselines Beat Membership Inference Attacks for
Foundation Models", 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.surrogate import design_of, learn_classes
from model_governance.checks.privacy.membership_inference.rates import auc, cross_validated_advantage, operating_point

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.params import MembershipParams

HALF_WIDTHS = 2.0
"""So many half 95% intervals above guessing is a difference: groups of one distribution hardly ever seem to differ."""
GUESSING = 0.5
TAIL = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindScores:
    """Scores of members (n,) and non-members (m,) by a classifier that saw features and label of other rows, and no model.

    `differs` says whether they are better than guessing; False where independent coins decided which rows are members. The `excess_` numbers say by how much, at most, such a classifier is better than guessing; 0 where it is not.
    """

    members: np.ndarray
    non_members: np.ndarray
    auc: float
    interval: tuple[float, float]
    differs: bool

    @property
    def excess_auc(self) -> float:
        """Of the area under the ROC, 0 to 0.5."""
        return max(0.0, self.interval[1] - GUESSING) if self.differs else 0.0

    @property
    def excess_advantage(self) -> float:
        """Of the true- minus the false-positive rate, 0 to 1."""
        return max(0.0, cross_validated_advantage(self.members, self.non_members).high(TAIL)) if self.differs else 0.0

    def excess_tpr(self, fpr: float) -> float:
        """Of the true-positive rate at a false-positive rate, 0 to 1."""
        point = operating_point(self.members, self.non_members, fpr=fpr) if self.differs else None
        return 0.0 if point is None else max(0.0, point.interval[1] - fpr)


def beyond(interval: tuple[float, float], excess: float, *, least: float = 0.0) -> tuple[float, float]:
    """The interval with its lower end less what is told without the model; `least` is the smallest value of the metric."""
    low, high = interval
    return max(least, low - excess), high


def blind_scores(audit: Audit, params: MembershipParams) -> BlindScores:
    """Scores of the audited rows, each by a classifier that was fitted to the other half of them."""
    import numpy as np

    groups = (audit.members, audit.non_members)
    design = design_of(audit.draw.all_rows[0].frame, audit.columns)
    labels = np.concatenate([group.labels for group in groups]).astype(float)
    matrix = np.column_stack([np.vstack([design.matrix(group.frame) for group in groups]), labels])
    categories = [*design.categories, *([matrix.shape[1] - 1] if audit.members.classes else [])]
    member = (np.arange(len(audit)) < len(audit.members)).astype(int)
    half = np.random.default_rng([audit.root_seed, 7]).permutation(len(audit)) % 2
    scores = np.empty(len(audit))
    for part in (0, 1):
        learner = learn_classes(
            matrix[half != part], member[half != part], classes=2, categories=categories, seed=audit.root_seed
        )
        scores[half == part] = learner.chances(matrix[half == part])[:, 1]
    inside, outside = scores[: len(audit.members)], scores[len(audit.members) :]
    value, interval = auc(inside, outside)
    differs = params.inclusion == "fixed" and value - HALF_WIDTHS * (value - interval[0]) > GUESSING
    return BlindScores(members=inside, non_members=outside, auc=value, interval=interval, differs=differs)
