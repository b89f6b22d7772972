"""A network that learned a backdoor, and an honest twin, under the screen's two defences on activations."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from model_governance.checks.supply_chain.poisoning_screen import CHECK  # noqa: E402
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject  # noqa: E402
from model_governance.errors import CheckError  # noqa: E402

WIDTH = 8
NAMES = [f"x{one}" for one in range(WIDTH)]
COLUMNS = Columns(features={name: Feature(kind="numeric") for name in NAMES}, target="label")


def rows(seed, *, count=600, poisoned=0, push=4.0):
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(draw.normal(size=(count, WIDTH)), columns=NAMES)
    frame["label"] = (frame["x0"] + frame["x1"] > 0).astype(int)
    chosen = frame.index[frame["label"] == 0][:poisoned]
    frame.loc[chosen, ["x6", "x7"]] = push
    frame.loc[chosen, "label"] = 1
    return frame


def trained(frame):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = torch.nn.Sequential(torch.nn.Linear(WIDTH, 48), torch.nn.ReLU(), torch.nn.Linear(48, 2))
    inputs = torch.from_numpy(frame[NAMES].to_numpy(dtype=np.float32))
    labels = torch.from_numpy(frame["label"].to_numpy())
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), labels).backward()
        optimiser.step()
    return net.eval()


def as_script(net):
    sink = io.BytesIO()
    torch.jit.save(torch.jit.script(net), sink)
    sink.seek(0)
    return torch.jit.load(sink)


def subject_of(net, train, accepted):
    def call(frame):
        with torch.no_grad():
            return net(torch.from_numpy(frame[NAMES].to_numpy(dtype=np.float32))).argmax(dim=1).numpy()

    datasets = {
        role: Dataset(role, f"{role}.parquet", "0" * 64, frame)
        for role, frame in (("train", train), ("previous_train", accepted))
    }
    model = Model(
        name="network", format="torch", sha256="1" * 64, task="binary_classification", native=net, call=call,
        classes=(0, 1),
    )  # fmt: skip
    return Subject(name="case", task="binary_classification", columns=COLUMNS, datasets=datasets, model=model)


def screened(subject):
    return CHECK.measure(subject, CHECK.params(parts=["activations"]), 7)


@pytest.mark.parametrize("form", [lambda net: net, as_script], ids=["eager", "script"])
def test_a_backdoor_that_the_network_learned_shows_in_its_activations(form):
    train = rows(1, poisoned=60)
    result = screened(subject_of(form(trained(train)), train, rows(2)))
    assert result.metric("spectral_change").p_value < 1e-4
    assert result.metric("activation_change").value is not None


def test_clusters_see_a_backdoor_that_lies_apart():
    train = rows(1, poisoned=100, push=15.0)
    result = screened(subject_of(trained(train), train, rows(2)))
    assert result.metric("activation_change").p_value < 1e-4


def test_honest_windows_raise_nothing_and_the_bytes_repeat():
    net = trained(rows(9))
    first, second = (screened(subject_of(net, rows(1), rows(2))) for _ in range(2))
    assert first.metric("spectral_change").p_value > 0.01
    assert first.metric("activation_change").p_value > 0.01
    assert first.record() == second.record()


def test_a_network_that_is_no_sequence_is_refused_where_the_policy_names_the_part():
    class Sum(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = torch.nn.Linear(WIDTH, 2), torch.nn.Linear(WIDTH, 2)

        def forward(self, x):
            return self.one(x) + self.other(x)

    subject = subject_of(as_script(Sum()), rows(1), rows(2))
    with pytest.raises(CheckError, match="no plain sequence"):
        screened(subject)
    parts = CHECK.measure(replace(subject), CHECK.params(trees=20), 7)
    assert any("no plain sequence" in one for one in parts.notes)
