"""AutoAttack as a policy runs it: on a TorchScript model it finds at least what ART's AutoAttack finds on the same rows."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from art_autoattack import found_by_art
from project import Project

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PIXELS = [f"p{number:02d}" for number in range(16)]
ROWS = 30
BUDGETS = {"linf": 0.08, "l2": 0.5}


@pytest.fixture(scope="module")
def network():
    """A small network on digits of 4 x 4 pixels in 0 to 1, and rows that it was not trained on, as raw rows hold them."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = load_digits(return_X_y=True)
    x = (x / 16).reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)
    net = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    images, labels = torch.from_numpy(x[:1200].astype(np.float32)), torch.from_numpy(y[:1200])
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(images), labels).backward()
        optimiser.step()
    return net.eval(), x[1200 : 1200 + ROWS], y[1200 : 1200 + ROWS]


def governed(network, folder, *, attacks, norm, **params) -> Project:
    """A policy that lets these attacks run on the network; every row of current is drawn."""
    net, x, y = network
    sink = BytesIO()
    torch.jit.save(torch.jit.script(net), sink, _extra_files={"classes.json": str(list(range(10)))})
    pd.DataFrame(x, columns=PIXELS).assign(label=y).to_parquet(folder / "current.parquet", index=False)
    project = Project(folder=folder, raw={
        "version": 1,
        "owner": "risk@example.com",
        "model": {"name": "digits", "task": "multiclass_classification", "format": "torchscript"},
        "datasets": {"current": {"uri": "current.parquet"}},
        "columns": {
            "features": {name: {"kind": "numeric", "minimum": 0, "maximum": 1} for name in PIXELS}, "target": "label",
        },
        "checks": {
            "robustness": {
                "kind": "evasion",
                "params": {
                    "attacks": list(attacks), "samples": ROWS, "epsilon": BUDGETS[norm], "norm": norm, **params,
                },
                "thresholds": [{"metric": "attack_success_rate", "leq_to": 0.5}],
            }
        },
        "artifacts": {"uri": "archive"},
    })  # fmt: skip
    project.write_model(sink.getvalue(), "model.pt", format="torchscript")
    return project


def rates(project: Project) -> dict[str, tuple[float, int]]:
    run = project.check("robustness")
    assert run.problem is None, run.problem
    return {finding.key: (finding.value, finding.n) for finding in run.verdict.findings}


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_autoattack_finds_at_least_what_arts_finds_on_the_same_rows(network, norm, tmp_path, monkeypatch):
    net, x, y = network
    theirs, n = found_by_art(net, x, y, norm=norm, epsilon=BUDGETS[norm], monkeypatch=monkeypatch)
    ours = rates(governed(network, tmp_path, attacks=["autoattack"], norm=norm))
    assert ours["autoattack"][1] == n
    assert 0.2 * n < theirs <= round(ours["autoattack"][0] * n)
    assert ours["all"] == ours["autoattack"]


def test_every_member_can_be_named_alone_and_has_its_budget(network, tmp_path):
    members = ("apgd", "fab", "square")
    found = rates(
        governed(network, tmp_path, attacks=members, norm="linf", budget={"square": {"max_queries": ROWS * 400}})
    )
    assert set(found) == {*members, "all"}
    assert all(0.1 < found[name][0] <= found["all"][0] for name in members)
