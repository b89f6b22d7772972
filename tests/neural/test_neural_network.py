"""A neural network behind the same checks: they need no gradient and no scikit-learn, only answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import synthetic
from model_governance.checks import find
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Model

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

NUMBERS = ["income", "debt", "age"]
SCALE = np.array([200.0, 100.0, 90.0], dtype=np.float32)


def inputs(frame) -> torch.Tensor:
    return torch.from_numpy(frame[NUMBERS].to_numpy(dtype=np.float32) / SCALE)


def network(frame, *, width: int, steps: int, decay: float) -> torch.nn.Module:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.02, weight_decay=decay)
    rows, labels = inputs(frame), torch.from_numpy(frame["label"].to_numpy())
    for _ in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(rows), labels).backward()
        optimiser.step()
    return net.eval()


def as_model(net: torch.nn.Module) -> Model:
    def probabilities(frame):
        with torch.no_grad():
            return torch.softmax(net(inputs(frame)), dim=1).double().numpy()

    return Model(
        name="network", format="torch", sha256="1" * 64, task="binary_classification", native=net,
        call=lambda frame: probabilities(frame).argmax(axis=1), call_proba=probabilities, classes=(0, 1),
    )  # fmt: skip


def with_network(**settings):
    subject = synthetic.subject(600)
    return replace(subject, model=as_model(network(subject.datasets["train"].frame, **settings)))


@pytest.fixture(scope="module")
def subject():
    return with_network(width=16, steps=300, decay=0.05)


def measure(kind, subject, **params):
    check = find(kind)
    return check.measure(subject, check.params.model_validate(params), 7)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("data_drift", {}),
        ("model_quality", {}),
        ("evasion", {"samples": 15, "attacks": ["hopskipjump"], "max_iterations": 5}),
        ("membership_inference", {"samples": 600, "fpr": [0.05]}),
    ],
)
def test_a_network_is_measured_twice_with_the_same_bytes(kind, params, subject):
    first, second = measure(kind, subject, **params), measure(kind, subject, **params)
    assert first.status == "measured"
    assert canonical_json(first.record()) == canonical_json(second.record())


def test_the_network_learned_something(subject):
    assert measure("model_quality", subject).metric("accuracy").value > 0.7


def test_an_overfitted_network_gives_its_training_rows_away(subject):
    memorising = with_network(width=512, steps=4000, decay=0.0)
    params = {"samples": 600, "fpr": [0.05]}
    careful = measure("membership_inference", subject, **params).metric("advantage", key="loss").value
    careless = measure("membership_inference", memorising, **params).metric("advantage", key="loss").value
    assert careless > careful + 0.04
