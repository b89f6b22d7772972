"""Our attacks on ART's PyTorchClassifier: fast, in float32, and at least as successful as ART's own."""

from __future__ import annotations

import sys
import time
import types

import numpy as np
import pytest
from sklearn.datasets import load_digits

from model_governance.attack_library import load_art, quiet_attack
from model_governance.attacks.autoattack import batched_autoattack
from model_governance.attacks.hopskipjump import batched_hopskipjump
from model_governance.attacks.networks import network_of

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

ROWS = 20


@pytest.fixture(scope="module")
def digits():
    """A small network on the digits and rows that it gets right, as images."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = load_digits(return_X_y=True)
    images = (x / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.from_numpy(images[:1200])), torch.from_numpy(y[:1200])).backward()
        optimiser.step()
    with torch.no_grad():
        right = 1200 + np.flatnonzero(net(torch.from_numpy(images[1200:])).argmax(1).numpy() == y[1200:])[:ROWS]
    return net.eval(), images[right], y[right]


def classifier(net, **settings):
    load_art()
    from art.estimators.classification import PyTorchClassifier

    return PyTorchClassifier(net, loss=torch.nn.CrossEntropyLoss(), input_shape=(1, 8, 8), nb_classes=10,
                             clip_values=(0.0, 1.0), device_type="cpu", **settings)  # fmt: skip


def success(estimator, points, x, y, norm, eps):
    change = (points.astype(np.float64) - x).reshape(len(x), -1)
    size = np.abs(change).max(axis=1) if norm == np.inf else np.linalg.norm(change, axis=1)
    return ((estimator.predict(points).argmax(axis=1) != y) & (size <= eps * (1 + 1e-4))).mean()


def test_defect_2_float64_does_not_reach_the_network(digits):
    from art.attacks.evasion import HopSkipJump

    net, x, y = digits
    estimator = classifier(net)
    with pytest.raises(RuntimeError, match=r"[Dd]ouble|[Ff]loat"), quiet_attack(0):
        HopSkipJump(estimator, max_iter=1, max_eval=20, init_eval=10, verbose=False).generate(x[:2])
    attack = batched_hopskipjump(estimator, max_iter=5)
    found = attack.generate(x.astype(np.float64), y)
    assert found.dtype == np.float32
    assert (estimator.predict(found).argmax(axis=1) != y).all()


@pytest.mark.parametrize(("norm", "eps"), [(np.inf, 0.1)])
def test_autoattack_is_several_times_cheaper_than_arts_and_no_less_successful(digits, norm, eps, monkeypatch):
    from art.attacks.evasion import AutoAttack, AutoProjectedGradientDescent, SquareAttack

    net, x, y = digits
    estimator = classifier(net)
    monkeypatch.setitem(sys.modules, "multiprocess", types.ModuleType("multiprocess"))
    begun = time.process_time()
    ours = batched_autoattack(estimator, norm=norm, eps=eps, square_queries=200).generate(x, y)
    cost = time.process_time() - begun
    climbs = [
        AutoProjectedGradientDescent(estimator, norm=norm, eps=eps, eps_step=eps / 4, max_iter=100, nb_random_init=2,
                                     batch_size=ROWS, loss_type=loss, verbose=False)
        for loss in ("cross_entropy", "difference_logits_ratio")
    ]  # fmt: skip
    begun = time.process_time()
    with quiet_attack(0):
        square = SquareAttack(estimator, norm=norm, eps=eps, max_iter=200, nb_restarts=1, verbose=False)
        theirs = AutoAttack(estimator, norm=norm, eps=eps, attacks=[*climbs, square]).generate(x, y)
    ratio = (time.process_time() - begun) / cost
    assert 0.2 < success(estimator, theirs, x, y, norm, eps) <= success(estimator, ours, x, y, norm, eps)
    # Ten and more on a quiet machine with ART's whole default ensemble; this one is cut to a tenth of it.
    assert ratio > 3


def test_preprocessing_inside_torch_is_part_of_the_gradient(digits):
    net, x, _ = digits
    estimator = classifier(net, preprocessing=(0.1, 2.0))
    network = network_of(estimator)
    flat = x.reshape(len(x), -1)
    logits, back = network.look(flat)
    assert logits == pytest.approx(estimator.predict(x), abs=1e-5)
    weights = np.eye(10)[np.arange(len(x)) % 10]
    slope = back(weights)
    ahead, behind = flat.astype(np.float64).copy(), flat.astype(np.float64).copy()
    ahead[:, 20] += 1e-2
    behind[:, 20] -= 1e-2
    difference = ((network.logits(ahead) - network.logits(behind)) * weights).sum(axis=1) / 2e-2
    assert np.median(np.abs(slope[:, 20] - difference)) < 0.02


def test_two_runs_agree_to_the_byte_and_leave_the_network_without_gradients(digits):
    net, x, y = digits
    estimator = classifier(net)
    net.zero_grad()
    first, second = (
        batched_autoattack(estimator, eps=0.08, max_iter=10, square_queries=50, seed=3).generate(x, y) for _ in range(2)
    )
    assert first.tobytes() == second.tobytes()
    assert all(one.grad is None for one in net.parameters())
