"""ART's attribute inference attacks on the same rows: black box (with the model's answer) and its baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.attacks.art_toolbox import quiet_attack

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.checks.privacy.attribute_inference.people import Side, Target

MISSING = -1.0  # the scaling of ART's black box keeps NaN, its random forest of some versions does not


def guess_with_art(
    target: Target, sides: tuple[Side, Side], said: Callable[[Side], np.ndarray] | None, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Guessed values of both sides, (n,) each; `said` is what the model answers, None for the baseline.

    A random forest learns them (ART's default is a neural network, which needs torch). ART is given the attribute as
    the first column of a matrix of numbers.
    """
    import numpy as np

    with quiet_attack(seed):
        attack = _attack(target, said, seed)
        values = list(range(len(target.values.names)))
        found = []
        for side in sides:
            heard = {} if said is None else {"pred": _plain(said(side)), "y": _labels(target, side)}
            guess = attack.infer(np.nan_to_num(side.known, nan=MISSING), values=values, **heard)
            found.append(np.asarray(guess).ravel().astype(int))
    return found[0], found[1]


def _attack(target: Target, said: Callable[[Side], np.ndarray] | None, seed: int) -> Any:
    """The attack, fitted on the attacker's rows."""
    import numpy as np
    from art.attacks.inference.attribute_inference import AttributeInferenceBaseline, AttributeInferenceBlackBox

    side = target.attacker
    matrix = np.column_stack([side.truth, np.nan_to_num(side.known, nan=MISSING)])
    if said is None:
        attack = AttributeInferenceBaseline(attack_model_type="rf", attack_feature=0)
    else:
        estimator = _listener(target, _plain(said(side)), matrix.shape[1])
        attack = AttributeInferenceBlackBox(estimator, attack_model_type="rf", attack_feature=0)
    attack.attack_model.set_params(random_state=seed % 2**32, n_jobs=1)
    attack.fit(matrix, *(() if said is None else (_labels(target, side),)))
    return attack


def _listener(target: Target, answers: np.ndarray, width: int) -> Any:
    """The model as ART sees it: asked once for the attacker's rows, batch by batch, it gives the answers (n, 1)."""
    from art.estimators.classification import BlackBoxClassifier
    from art.estimators.regression.blackbox import BlackBoxRegressor

    waiting = iter(_one_hot(answers[:, 0].astype(int), target.classes) if target.classes else answers[:, 0])

    def next_answers(rows: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.array([next(waiting) for _ in rows])

    if target.classes:
        return BlackBoxClassifier(next_answers, (width,), target.classes)
    return BlackBoxRegressor(next_answers, (width,))


def _plain(outputs: np.ndarray) -> np.ndarray:
    """The answers as ART reads them, (n, 1): the number of the class, or the value."""
    return outputs.argmax(axis=1)[:, None].astype(float) if outputs.shape[1] > 1 else outputs


def _labels(target: Target, side: Side) -> np.ndarray:
    """True labels as ART takes them: one-hot classes, or values (n, 1)."""
    return _one_hot(side.rows.labels, target.classes) if target.classes else side.rows.labels[:, None]


def _one_hot(numbers: np.ndarray, classes: int) -> np.ndarray:
    import numpy as np

    return np.eye(classes)[numbers.clip(min=0)]
