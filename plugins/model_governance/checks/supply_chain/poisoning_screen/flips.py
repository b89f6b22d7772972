"""Labels that look wrong: how much more often in the new window than in the accepted one.

A forest predicts every row of the pool out of fold, and a row is suspect where another class is at least as
likely as rows of that class usually are (confident learning: Northcutt, Jiang and Chuang, 2021). How many rows are
suspect says little, noisy labels make many; how many more are so in one window than in the other is an exact test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.supply_chain.poisoning_screen.windows import difference, encoded
from model_governance.contract.result import Estimate
from model_governance.contract.slices import named_values
from model_governance.errors import CheckError
from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool
    from model_governance.contract.subject import Subject

FOLDS = 5
MIN_ROWS = 10  # rows of a class: fewer are not judged by themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Doubt in the given label of every row, 0 to 1, shape (n,); the suspects, shape (n,) bool; and the estimates."""

    doubt: np.ndarray
    suspect: np.ndarray
    estimates: tuple[Estimate, ...]


def find_flips(pool: Pool, params: ScreenParams, seed: int) -> Flips:
    """Suspect labels of both windows and the change between them, in all and by the label that is given."""
    import numpy as np

    probabilities = _out_of_fold(pool, params, seed)
    rows = np.arange(pool.n)
    given = probabilities[rows, pool.labels]
    usual = np.array([probabilities[pool.labels == label, label].mean() for label in range(len(pool.classes))])
    likely = probabilities >= usual
    likely[rows, pool.labels] = False
    # The given label must also be the less likely one: with rare classes both can be above what is usual.
    suspect = (likely & (probabilities > given[:, None])).any(axis=1)
    estimates = [
        _share("suspect_label_share", int(suspect[pool.new].sum()), pool.sizes[0]),
        difference("flip_rate_change", _count(suspect, pool.new), _count(suspect, ~pool.new)),
    ]
    for number, name in enumerate(pool.classes):
        inside = pool.labels == number
        first, second = _count(suspect[inside], pool.new[inside]), _count(suspect[inside], ~pool.new[inside])
        estimates.append(_by_class("class_flip_rate_change", str(name), first, second))
    return Flips(doubt=1 - given, suspect=suspect, estimates=tuple(estimates))


def find_disagreement(subject: Subject, pool: Pool, rows: np.ndarray) -> tuple[list[Estimate], np.ndarray]:
    """How much more often the present model contradicts the new labels than those of rows it never saw (reference).

    `rows` are those of the pool that are new. Returns the estimates, of all rows and by the label that is given, and where
    the model disagrees, (new,) bool.

    Raises:
        CheckError: the model knows none of the labels.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model.predict`.
    """
    import numpy as np

    model = subject.require_model()
    if model.classes and not set(pool.classes) & set(model.classes):
        raise CheckError(
            f"no label of the windows ({named_values(pool.classes[label] for label in pool.labels)}) is one that model {model.name!r} answers "
            f"({', '.join(map(repr, model.classes))}); use the labels that the model was trained on"
        )
    given = [np.array([pool.classes[label] for label in pool.labels[rows]], dtype=object)]
    given.append(np.array(subject.target("reference").tolist(), dtype=object))
    predicted = (model.predict(pool.frame[rows]).tolist(), model.predict(subject.features("reference")).tolist())
    new, old = (np.array(answers, dtype=object) != labels for answers, labels in zip(predicted, given, strict=True))
    every = [np.ones(len(labels), dtype=bool) for labels in given]
    estimates = [difference("disagreement_change", _count(new, every[0]), _count(old, every[1]))]
    for name in pool.classes:
        first, second = (_count(wrong, labels == name) for wrong, labels in zip((new, old), given, strict=True))
        estimates.append(_by_class("class_disagreement_change", str(name), first, second, second_is="reference"))
    return estimates, new


def _out_of_fold(pool: Pool, params: ScreenParams, seed: int) -> np.ndarray:
    """Class probabilities of every row by forests that did not see it, shape (n, classes)."""
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier

    features = encoded(pool)
    fold = np.random.default_rng([seed, 1]).permutation(np.arange(pool.n) % FOLDS)
    probabilities = np.zeros((pool.n, len(pool.classes)))
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        forest = RandomForestClassifier(
            params.trees, min_samples_leaf=2, random_state=(seed + number) % 2**32, n_jobs=1
        ).fit(features[train], pool.labels[train])
        probabilities[np.ix_(test, forest.classes_)] = forest.predict_proba(features[test])
    return probabilities


def _count(rows: np.ndarray, window: np.ndarray) -> tuple[int, int]:
    return int((rows & window).sum()), int(window.sum())


def _by_class(
    name: str, key: str, first: tuple[int, int], second: tuple[int, int], *, second_is: str = "the other window"
) -> Estimate:
    """The change in one class, absent where either side has too few rows of it."""
    if min(first[1], second[1]) >= MIN_ROWS:
        return difference(name, first, second, key=key)
    reason = f"fewer than {MIN_ROWS} rows of the class in the new window or in {second_is}, at least {MIN_ROWS} in both are needed"
    return Estimate(name=name, value=None, n=0, key=key, reason=reason, absence="uncertain")


def _share(name: str, count: int, n: int) -> Estimate:
    return Estimate(name=name, value=count / n, n=n, limits=ExactShare(successes=count, n=n))
