"""ART's attribute inference attacks on the same rows: black box (with the model's output) and its baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.attacks.art_toolbox import quiet_attack

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.checks.privacy.attribute_inference.targets import AttributeTarget, Group

MISSING = -1.0  # the scaling of ART's black box keeps NaN, its random forest of some versions does not


def infer_with_art(
    target: AttributeTarget, groups: tuple[Group, Group], outputs: Callable[[Group], np.ndarray] | None, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Inferred values of both groups, (n,) each.

    A random forest is trained (ART's default is a neural network, which needs torch). ART gets the attribute as the
    first column of a matrix of numbers.

    Args:
        target: the attribute under attack.
        groups: the rows to infer it for.
        outputs: gives the model's outputs for a group, (n, k) or (n, 1); None for the baseline.
        seed: of the random forest.
    """
    import numpy as np

    with quiet_attack(seed):
        attack = _fitted_attack(target, outputs, seed)
        values = list(range(len(target.values.names)))
        inferred = []
        for group in groups:
            extra = {} if outputs is None else {"pred": _one_column(outputs(group)), "y": _labels(target, group)}
            numbers = attack.infer(np.nan_to_num(group.known, nan=MISSING), values=values, **extra)
            inferred.append(np.asarray(numbers).ravel().astype(int))
    return inferred[0], inferred[1]


def _fitted_attack(target: AttributeTarget, outputs: Callable[[Group], np.ndarray] | None, seed: int) -> Any:
    """The attack, fitted on the attacker's rows."""
    import numpy as np
    from art.attacks.inference.attribute_inference import AttributeInferenceBaseline, AttributeInferenceBlackBox

    group = target.attacker
    matrix = np.column_stack([group.truth, np.nan_to_num(group.known, nan=MISSING)])
    if outputs is None:
        attack = AttributeInferenceBaseline(attack_model_type="rf", attack_feature=0)
    else:
        estimator = _estimator(target, _one_column(outputs(group)), matrix.shape[1])
        attack = AttributeInferenceBlackBox(estimator, attack_model_type="rf", attack_feature=0)
    attack.attack_model.set_params(random_state=seed % 2**32, n_jobs=1)
    attack.fit(matrix, *(() if outputs is None else (_labels(target, group),)))
    return attack


def _estimator(target: AttributeTarget, outputs: np.ndarray, width: int) -> Any:
    """An estimator of ART that returns given outputs (n, 1), batch by batch, when asked for the attacker's rows once."""
    from art.estimators.classification import BlackBoxClassifier
    from art.estimators.regression.blackbox import BlackBoxRegressor

    remaining = iter(_one_hot(outputs[:, 0].astype(int), target.classes) if target.classes else outputs[:, 0])

    def next_outputs(rows: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.array([next(remaining) for _ in rows])

    if target.classes:
        return BlackBoxClassifier(next_outputs, (width,), target.classes)
    return BlackBoxRegressor(next_outputs, (width,))


def _one_column(outputs: np.ndarray) -> np.ndarray:
    """Outputs as ART reads them, (n, 1): the number of the class, or the value."""
    return outputs.argmax(axis=1)[:, None].astype(float) if outputs.shape[1] > 1 else outputs


def _labels(target: AttributeTarget, group: Group) -> np.ndarray:
    """True labels as ART takes them: one-hot classes, or values (n, 1)."""
    return _one_hot(group.rows.labels, target.classes) if target.classes else group.rows.labels[:, None]


def _one_hot(numbers: np.ndarray, classes: int) -> np.ndarray:
    import numpy as np

    return np.eye(classes)[numbers.clip(min=0)]
