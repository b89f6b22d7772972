"""Attacks that need no reference model: a loss threshold, quantile regression, and ART's two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.attacks.art_toolbox import quiet_attack
from model_governance.attacks.surrogate import design_of
from model_governance.checks.privacy.membership_inference import quantile
from model_governance.checks.privacy.membership_inference.attacks import Scores

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.sides import Side


def loss(audit: Audit) -> Scores:
    """Member if the model is sure of the truth (Yeom et al., 2018)."""
    return Scores(attack="loss", members=-audit.members.error, others=-audit.others.error)


def quantiles(audit: Audit) -> Scores:
    """Surer than held-out rows alike; where none is left over, half of the non-members are spent on the fit."""
    import numpy as np

    certainty, count = audit.signals.certainty, len(audit.members)
    spent = 0 if audit.held_out is not None else len(audit.others) // 2
    ordinary = audit.held_out or audit.others.part(slice(spent))
    # From the fitted rows alone: codes for categories of scored rows would know one side better than the other.
    design = design_of(ordinary.frame, audit.columns)

    def seen(side: Side) -> np.ndarray:
        return np.column_stack([design.matrix(side.frame), side.labels])

    scored = np.concatenate([seen(audit.members), seen(audit.others)[spent:]])
    sure = np.concatenate([certainty[:count], certainty[count:][spent:]])
    scores = quantile.scores(
        (seen(ordinary), audit.gauge.read(ordinary.told).certainty), (scored, sure), seed=audit.root % 2**32
    )
    kind = f"{spent:,} non-members that are not scored" if spent else f"{len(ordinary):,} further held-out rows"
    return Scores(
        attack="quantile", members=scores[:count], others=scores[count:], places=(slice(None), slice(spent, None)),
        setting=f"fitted on {kind}",
    )  # fmt: skip


def black_box(audit: Audit, *, kind: str) -> Scores:
    """A classifier on (outputs, true class), trained to tell the sides apart (Shokri et al., 2017, without shadows).

    It learns from the first half of each side and is scored on the second.
    """
    halves = slice(len(audit.members) // 2), slice(len(audit.others) // 2)
    rest = slice(halves[0].stop, None), slice(halves[1].stop, None)
    members, others = audit.members.part(halves[0]), audit.others.part(halves[1])
    with quiet_attack(audit.root):
        from art.attacks.inference.membership_inference import MembershipInferenceBlackBox

        attack = MembershipInferenceBlackBox(_target(members), attack_model_type=kind)
        # A model passed in would be asked for its truth value, which an unfitted ensemble does not have.
        attack.attack_model.set_params(random_state=audit.root % 2**32)
        attack.fit(pred=members.chances, y=_one_hot(members), test_pred=others.chances, test_y=_one_hot(others))
        found = [
            attack.infer(None, _one_hot(side), pred=side.chances, probabilities=True).ravel().astype(float)
            for side in (audit.members.part(rest[0]), audit.others.part(rest[1]))
        ]
    return Scores(
        attack="black_box", members=found[0], others=found[1], places=rest,
        setting=f"{kind}, fitted on {len(members):,} + {len(others):,} rows that are not scored",
    )  # fmt: skip


def rule_based(audit: Audit) -> Scores:
    """Member if the prediction is right (Yeom et al., 2018): the gap attack."""
    import numpy as np

    answers = []
    with quiet_attack(audit.root):
        from art.attacks.inference.membership_inference import MembershipInferenceBlackBoxRuleBased

        for side in (audit.members, audit.others):
            numbers = np.arange(len(side), dtype=np.float32)[:, None]
            attack = MembershipInferenceBlackBoxRuleBased(_target(side))
            answers.append(attack.infer(numbers, _one_hot(side)).astype(float))
    return Scores(attack="rule_based", members=answers[0], others=answers[1], graded=False)


def _target(side: Side) -> Any:
    """The model as ART sees it: asked for row numbers, it answers what it said about those rows."""
    from art.estimators.classification import BlackBoxClassifier

    def answers(numbers: np.ndarray) -> np.ndarray:
        return _chosen(side)[numbers[:, 0].astype(int)]

    return BlackBoxClassifier(answers, (1,), side.classes)


def _chosen(side: Side) -> np.ndarray:
    """The predicted classes one-hot (n, k); a row of zeros and a minus where the answer is no class."""
    import numpy as np

    chosen: np.ndarray = np.zeros((len(side), side.classes), dtype=np.float32)
    known = side.answers >= 0
    chosen[known, side.answers[known]] = 1.0
    # argmax of an unknown answer must not fall on the true class.
    chosen[~known, side.labels[~known]] = -1.0
    return chosen


def _one_hot(side: Side) -> np.ndarray:
    """True classes one-hot (n, k): ART guesses the number of classes from labels otherwise."""
    import numpy as np

    return np.eye(side.classes)[side.labels]
