"""Our attacks where ART's stand: ART's estimators go in, and ART's AutoAttack takes ours into its list."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from model_governance.attacks.art_toolbox import load_art, quiet_attack
from model_governance.attacks.autoattack import batched_autoattack
from model_governance.attacks.balls import sizes
from model_governance.attacks.hopskipjump import batched_hopskipjump
from model_governance.errors import CheckError, ModelMisbehaved

X = np.random.default_rng(0).random((60, 5)).astype(np.float32)
Y = (X.sum(axis=1) > 2.5).astype(int) + (X.sum(axis=1) > 3.0)


@pytest.fixture(scope="module")
def forest():
    load_art()
    from art.estimators.classification import SklearnClassifier

    return SklearnClassifier(model=RandomForestClassifier(10, random_state=0).fit(X, Y), clip_values=(0.0, 1.0))


def answers(estimator, x):
    return estimator.predict(x).argmax(axis=1)


def test_it_is_an_attack_of_art_with_parameters_that_can_be_set(forest):
    from art.attacks import EvasionAttack

    attack = batched_hopskipjump(forest, norm=np.inf, max_iter=2)
    assert isinstance(attack, EvasionAttack)
    attack.set_params(max_iter=3)
    assert attack.max_iter == 3
    assert "max_iter=3" in repr(attack)


def test_every_row_that_has_a_start_is_misclassified(forest):
    attack = batched_hopskipjump(forest, max_iter=3, donors=X)
    found = attack.generate(X[:20], Y[:20])
    assert found.dtype == np.float32
    assert found.shape == (20, 5)
    assert not attack.result.failed.any()
    assert (answers(forest, found) != Y[:20]).all()


@pytest.mark.parametrize("labels", [Y[:10], np.eye(3)[Y[:10]], None], ids=["numbers", "one-hot", "predicted"])
def test_labels_come_in_every_form_that_art_takes(forest, labels):
    found = batched_hopskipjump(forest, max_iter=2, donors=X).generate(X[:10], labels)
    assert (answers(forest, found) != answers(forest, X[:10])).all()


def test_a_targeted_walk_ends_in_its_class(forest):
    wanted = (answers(forest, X[:10]) + 1) % 3
    attack = batched_hopskipjump(forest, max_iter=2, donors=X, targeted=True)
    assert (answers(forest, attack.generate(X[:10], wanted)) == wanted).all()
    with pytest.raises(CheckError, match="give y"):
        attack.generate(X[:10])


def test_given_starts_and_masks_are_kept(forest):
    own = answers(forest, X[:10])
    starts = np.stack([X[answers(forest, X) != one][0] for one in own])
    attack = batched_hopskipjump(forest, max_iter=2)
    attack.generate(X[:10], x_adv_init=starts)
    assert (attack.result.distances <= sizes(starts - X[:10], "l2") + 1e-6).all()
    mask = np.array([1, 1, 1, 0, 0])
    found = attack.generate(X[:10], mask=mask)
    assert (found[:, 3:] == X[:10, 3:]).all()


def test_a_row_without_a_start_comes_back_unchanged_and_is_called_failed():
    load_art()
    from art.estimators.classification import BlackBoxClassifier

    constant = BlackBoxClassifier(lambda x: np.tile([1.0, 0.0], (len(x), 1)), (5,), 2, clip_values=(0.0, 1.0))
    attack = batched_hopskipjump(constant, init_size=20)
    assert (attack.generate(X[:3]) == X[:3]).all()
    assert attack.result.failed.all()


def test_arts_autoattack_takes_ours_into_its_list(forest, monkeypatch):
    from art.attacks.evasion import AutoAttack

    # ART imports this undeclared module whether it needs it or not.
    monkeypatch.setitem(sys.modules, "multiprocess", types.ModuleType("multiprocess"))
    ours = batched_hopskipjump(forest, norm=np.inf, max_iter=5, donors=X)
    with quiet_attack(0):
        found = AutoAttack(forest, norm=np.inf, eps=0.3, attacks=[ours]).generate(X[:10], Y[:10])
    assert (answers(forest, found) != Y[:10]).mean() > 0.5
    assert (np.abs(found - X[:10]).max(axis=1) <= 0.3 + 1e-6).all()


@pytest.mark.parametrize("setting", [{"norms": 2}, {"max_iter": 0}, {"norm": 1}, {"max_queries": 0}])
def test_settings_that_do_nothing_are_refused(forest, setting):
    with pytest.raises(CheckError, match=next(iter(setting))):
        batched_hopskipjump(forest, **setting)


def test_autoattack_says_what_it_needs(forest):
    with pytest.raises(CheckError, match="PyTorchClassifier"):
        batched_autoattack(forest)


def test_a_model_that_answers_nan_is_an_error():
    load_art()
    from art.estimators.classification import BlackBoxClassifier

    broken = BlackBoxClassifier(lambda x: np.full((len(x), 2), np.nan), (5,), 2, clip_values=(0.0, 1.0))
    with pytest.raises(ModelMisbehaved, match="NaN"):
        batched_hopskipjump(broken).generate(X[:3])
