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
    from model_governance.checks.privacy.membership_inference.audit_groups import AuditGroup


def loss(audit: Audit) -> Scores:
    """Member if the loss is low (Yeom et al., 2018)."""
    return Scores(attack="loss", members=-audit.members.error, non_members=-audit.non_members.error)


def quantiles(audit: Audit) -> Scores:
    """Member if the certainty exceeds a quantile of similar held-out rows (Bertran et al., 2023).

    Where no further rows are held out, half of the non-members are used for the fit and not scored.
    """
    import numpy as np

    certainty, count = audit.signals.certainty, len(audit.members)
    used = 0 if audit.held_out is not None else len(audit.non_members) // 2
    fitting = audit.held_out or audit.non_members.part(slice(used))
    # From the fitted rows alone: codes for categories of scored rows would favour one group over the other.
    design = design_of(fitting.frame, audit.columns)

    def features(group: AuditGroup) -> np.ndarray:
        return np.column_stack([design.matrix(group.frame), group.labels])

    scored = np.concatenate([features(audit.members), features(audit.non_members)[used:]])
    scored_certainty = np.concatenate([certainty[:count], certainty[count:][used:]])
    scores = quantile.scores(
        (features(fitting), audit.transform(fitting.raw_signal).certainty),
        (scored, scored_certainty),
        seed=audit.root_seed % 2**32,
    )
    rows = f"{used:,} non-members that are not scored" if used else f"{len(fitting):,} further held-out rows"
    return Scores(
        attack="quantile", members=scores[:count], non_members=scores[count:], scored=(slice(None), slice(used, None)),
        setting=f"fitted on {rows}",
    )  # fmt: skip


def black_box(audit: Audit, *, attack_model: str) -> Scores:
    """A classifier on (outputs, true class) that distinguishes the groups (Shokri et al., 2017, without shadow models).

    It is trained on the first half of each group and scored on the second.
    """
    halves = slice(len(audit.members) // 2), slice(len(audit.non_members) // 2)
    scored = slice(halves[0].stop, None), slice(halves[1].stop, None)
    members, non_members = audit.members.part(halves[0]), audit.non_members.part(halves[1])
    with quiet_attack(audit.root_seed):
        from art.attacks.inference.membership_inference import MembershipInferenceBlackBox

        attack = MembershipInferenceBlackBox(_estimator(members), attack_model_type=attack_model)
        # A model passed in would be asked for its truth value, which an unfitted ensemble does not have.
        attack.attack_model.set_params(random_state=audit.root_seed % 2**32)
        attack.fit(
            pred=members.probabilities, y=_one_hot(members), test_pred=non_members.probabilities,
            test_y=_one_hot(non_members),
        )  # fmt: skip
        scores = [
            attack.infer(None, _one_hot(group), pred=group.probabilities, probabilities=True).ravel().astype(float)
            for group in (audit.members.part(scored[0]), audit.non_members.part(scored[1]))
        ]
    return Scores(
        attack="black_box", members=scores[0], non_members=scores[1], scored=scored,
        setting=f"{attack_model}, fitted on {len(members):,} + {len(non_members):,} rows that are not scored",
    )  # fmt: skip


def rule_based(audit: Audit) -> Scores:
    """Member if the prediction is correct (Yeom et al., 2018): the gap attack."""
    import numpy as np

    inferred = []
    with quiet_attack(audit.root_seed):
        from art.attacks.inference.membership_inference import MembershipInferenceBlackBoxRuleBased

        for group in (audit.members, audit.non_members):
            numbers = np.arange(len(group), dtype=np.float32)[:, None]
            attack = MembershipInferenceBlackBoxRuleBased(_estimator(group))
            inferred.append(attack.infer(numbers, _one_hot(group)).astype(float))
    return Scores(attack="rule_based", members=inferred[0], non_members=inferred[1], continuous=False)


def _estimator(group: AuditGroup) -> Any:
    """An estimator of ART that maps row numbers to the model's predictions for those rows."""
    from art.estimators.classification import BlackBoxClassifier

    def predict(numbers: np.ndarray) -> np.ndarray:
        return _one_hot_predictions(group)[numbers[:, 0].astype(int)]

    return BlackBoxClassifier(predict, (1,), group.classes)


def _one_hot_predictions(group: AuditGroup) -> np.ndarray:
    """Predicted classes one-hot (n, k); zeros and a -1 for the true class where the prediction is no declared class."""
    import numpy as np

    one_hot: np.ndarray = np.zeros((len(group), group.classes), dtype=np.float32)
    known = group.predictions >= 0
    one_hot[known, group.predictions[known]] = 1.0
    # argmax of an undeclared class must not be the true class.
    one_hot[~known, group.labels[~known]] = -1.0
    return one_hot


def _one_hot(group: AuditGroup) -> np.ndarray:
    """True classes one-hot (n, k): ART guesses the number of classes from labels otherwise."""
    import numpy as np

    return np.eye(group.classes)[group.labels]
