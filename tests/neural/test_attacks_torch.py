"""Our attacks on ART's PyTorchClassifier: fast, in float32, and at least as successful as ART's own."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from sklearn.datasets import load_digits

from model_governance.attacks.art_toolbox import load_art, quiet_attack
from model_governance.attacks.autoattack import batched_autoattack
from model_governance.attacks.hopskipjump import batched_hopskipjump
from model_governance.attacks.networks import network_of

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

ROWS = 20


@pytest.fixture(scope="module", autouse=True)
def art():
    load_art()


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


@pytest.mark.parametrize(("norm", "eps"), [(np.inf, 0.1), (2, 0.6)])
def test_autoattack_is_no_less_successful_than_arts_gradient_attacks_together(digits, norm, eps, monkeypatch):
    from art.attacks.evasion import AutoAttack, AutoProjectedGradientDescent

    net, x, y = digits
    estimator = classifier(net)
    attack = batched_autoattack(estimator, norm=norm, eps=eps, square_queries=200)
    ours = attack.generate(x, y)
    monkeypatch.setitem(sys.modules, "multiprocess", types.ModuleType("multiprocess"))
    climbs = [
        AutoProjectedGradientDescent(estimator, norm=norm, eps=eps, eps_step=eps / 4, max_iter=50, nb_random_init=1,
                                     batch_size=ROWS, loss_type=loss, verbose=False)
        for loss in ("cross_entropy", "difference_logits_ratio")
    ]  # fmt: skip
    with quiet_attack(0):
        theirs = AutoAttack(estimator, norm=norm, eps=eps, attacks=climbs).generate(x, y)
    assert 0.2 < success(estimator, theirs, x, y, norm, eps) <= success(estimator, ours, x, y, norm, eps)
    assert attack.result.fooled.mean() == pytest.approx(success(estimator, ours, x, y, norm, eps))


def test_the_network_is_called_a_few_hundred_times_however_many_rows_there_are(digits):
    net, x, y = digits
    calls = []
    hook = net.register_forward_hook(lambda *_: calls.append(1))
    batched_autoattack(classifier(net), eps=0.05, square_queries=800).generate(x, y)
    hook.remove()
    assert len(calls) < 101 + 101 + 200 + 101 + 10


def test_preprocessing_inside_torch_is_part_of_the_gradient(digits):
    net, x, _ = digits
    estimator = classifier(net, preprocessing=(0.1, 2.0))
    network = network_of(estimator)
    flat = x.reshape(len(x), -1)
    logits, back = network.vjp(flat)
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
