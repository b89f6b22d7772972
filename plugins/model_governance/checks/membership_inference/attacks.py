"""The attacks: ART's black-box and rule-based membership inference, and the plain loss threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.attack_library import quiet_attack

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.membership_inference.params import MembershipParams
    from model_governance.checks.membership_inference.sides import Side


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one attack on rows it was not fitted on; higher = more likely a member.

    `graded` is False where a score is a yes or no only, which has no operating points to choose.
    """

    attack: str
    members: np.ndarray
    others: np.ndarray
    graded: bool = True


def score(members: Side, others: Side, params: MembershipParams, *, seed: int) -> list[Scores]:
    """Every attack on the second half of each side; the first half fits those that learn."""
    half = len(members.labels) // 2
    fitting = members.part(slice(half)), others.part(slice(half))
    scoring = members.part(slice(half, None)), others.part(slice(half, None))
    found = []
    with quiet_attack(seed):
        for name in params.attacks:
            if name == "black_box":
                found.append(_black_box(fitting, scoring, params.attack_model, seed))
            elif name == "rule_based":
                found.append(_rule_based(scoring))
            else:
                found.append(Scores("loss", scoring[0].sureness, scoring[1].sureness))
    return found


def _black_box(fitting: tuple[Side, Side], scoring: tuple[Side, Side], kind: str, seed: int) -> Scores:
    """A classifier on (outputs, true class), trained to tell the sides apart (Shokri et al., 2017, without shadows)."""
    from art.attacks.inference.membership_inference import MembershipInferenceBlackBox

    members, others = fitting
    attack = MembershipInferenceBlackBox(_target(members), attack_model_type=kind)
    # A model passed in would be asked for its truth value, which an unfitted ensemble does not have.
    attack.attack_model.set_params(random_state=seed % 2**32)
    attack.fit(pred=members.chances, y=_one_hot(members), test_pred=others.chances, test_y=_one_hot(others))
    chances = [
        attack.infer(None, _one_hot(side), pred=side.chances, probabilities=True).ravel().astype(float)
        for side in scoring
    ]
    return Scores("black_box", chances[0], chances[1])


def _rule_based(scoring: tuple[Side, Side]) -> Scores:
    """Member if the prediction is right (Yeom et al., 2018): the gap attack."""
    import numpy as np
    from art.attacks.inference.membership_inference import MembershipInferenceBlackBoxRuleBased

    answers = []
    for side in scoring:
        numbers = np.arange(len(side.labels), dtype=np.float32)[:, None]
        attack = MembershipInferenceBlackBoxRuleBased(_target(side))
        answers.append(attack.infer(numbers, _one_hot(side)).astype(float))
    return Scores("rule_based", answers[0], answers[1], graded=False)


def _target(side: Side) -> Any:
    """The model as ART sees it: asked for row numbers, it answers what it said about those rows."""
    from art.estimators.classification import BlackBoxClassifier

    def answers(numbers: np.ndarray) -> np.ndarray:
        return _chosen(side)[numbers[:, 0].astype(int)]

    return BlackBoxClassifier(answers, (1,), side.chances.shape[1])


def _chosen(side: Side) -> np.ndarray:
    """The predicted classes one-hot (n, k); a row of zeros and a minus where the answer is no class."""
    import numpy as np

    chosen: np.ndarray = np.zeros(side.chances.shape, dtype=np.float32)
    known = side.predicted >= 0
    chosen[known, side.predicted[known]] = 1.0
    # argmax of an unknown answer must not fall on the true class.
    chosen[~known, side.labels[~known]] = -1.0
    return chosen


def _one_hot(side: Side) -> np.ndarray:
    """True classes one-hot (n, k): ART guesses the number of classes from labels otherwise."""
    import numpy as np

    return np.eye(side.chances.shape[1])[side.labels]
