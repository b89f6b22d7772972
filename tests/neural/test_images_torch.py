"""Image models as TorchScript files, as a policy runs them: the shape they take, AutoAttack beside ART's, and corruptions."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from art_autoattack import found_by_art
from model_files import load
from model_governance.checks.robustness.corruption.image_corruptions import corrupted_images
from model_governance.contract.subject import Columns
from model_governance.errors import SubjectError
from project import Project

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

ROWS = 40
SIDE = 8
BUDGETS = {"linf": 0.08, "l2": 0.5}
CLASSES = str(list(range(10)))


class LastChannel(torch.nn.Module):
    """A network whose images hold their channel last."""

    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Conv2d(1, 10, SIDE)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.size(3) == 1
        return self.net(x.permute(0, 3, 1, 2)).flatten(1)


def archive(net) -> bytes:
    sink = BytesIO()
    torch.jit.save(torch.jit.script(net.eval()), sink, _extra_files={"classes.json": CLASSES})
    return sink.getvalue()


def columns(*shape: int) -> Columns:
    return Columns.model_validate({"image": {"column": "pixels", "shape": shape, "range": [0, 1]}, "target": "label"})


@pytest.fixture(scope="module")
def digits():
    """A convolutional network on digits of 8 x 8 pixels in 0 to 1, and images that it was not trained on."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype(np.float32).reshape(-1, 1, SIDE, SIDE)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(128, 10),
    )
    optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(80):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.from_numpy(x[:1200])), torch.from_numpy(y[:1200])).backward()
        optimiser.step()
    return net.eval(), x[1200:], y[1200:]


def governed(digits, folder, check: str, *, rows: int, **params) -> Project:
    """A policy whose images are one column of arrays."""
    net, x, y = digits
    frame = pd.DataFrame({"pixels": [image.tolist() for image in x[:rows]], "label": y[:rows]})
    frame.to_parquet(folder / "current.parquet", index=False)
    demand = {
        "evasion": {"metric": "attack_success_rate", "leq_to": 0.5}, "corruption": {"metric": "accuracy", "geq_to": 0.5},
    }[check]  # fmt: skip
    project = Project(folder=folder, raw={
        "version": 1,
        "owner": "risk@example.com",
        "model": {"name": "digits", "task": "multiclass_classification", "format": "torchscript"},
        "datasets": {"current": {"uri": "current.parquet"}},
        "columns": {"image": {"column": "pixels", "shape": [1, SIDE, SIDE], "range": [0, 1]}, "target": "label"},
        "checks": {check: {"params": {"samples": rows, **params}, "thresholds": [demand]}},
        "artifacts": {"uri": "archive"},
    })  # fmt: skip
    project.write_model(archive(net), "model.pt", format="torchscript")
    return project


def found(project: Project, check: str) -> dict[str, tuple[float, int]]:
    run = project.check(check)
    assert run.problem is None, run.problem
    return {finding.key: (finding.value, finding.n) for finding in run.verdict.findings}


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_autoattack_on_images_and_arts_agree_within_a_point_on_the_same_rows(digits, norm, tmp_path, monkeypatch):
    net, x, y = digits
    theirs, n = found_by_art(net, x[:ROWS], y[:ROWS], norm=norm, epsilon=BUDGETS[norm], monkeypatch=monkeypatch)
    ours = found(governed(digits, tmp_path, "evasion", rows=ROWS, epsilon=BUDGETS[norm], norm=norm), "evasion")
    assert ours["autoattack"][1] == n
    assert 0.2 * n < theirs < n
    assert ours["autoattack"][0] == pytest.approx(theirs / n, abs=0.01)


def test_corrupted_digits_are_classified_as_the_network_classifies_them(digits, tmp_path):
    net, x, y = digits
    rates = found(governed(digits, tmp_path, "corruption", rows=200), "corruption")
    assert len(rates) == 20
    for name in ("gaussian_blur", "contrast", "jpeg_compression"):
        spoilt = corrupted_images(x[:200].astype(np.float64), name, 5, np.random.default_rng(0)).astype(np.float32)
        with torch.no_grad():
            right = net(torch.from_numpy(spoilt)).argmax(dim=1).numpy() == y[:200]
        assert rates[f"{name}@5"] == (pytest.approx(right.mean()), 200)


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (torch.nn.Sequential(torch.nn.Conv2d(1, 10, SIDE), torch.nn.Flatten()), (1, SIDE, SIDE)),
        (torch.nn.Sequential(torch.nn.Conv2d(1, 10, SIDE), torch.nn.Flatten()), (SIDE, SIDE)),
        (torch.nn.Sequential(torch.nn.Conv2d(3, 10, (4, 5)), torch.nn.Flatten()), (3, 4, 5)),
        (torch.nn.Linear(SIDE * SIDE, 10), (SIDE, SIDE)),
        (LastChannel(), (SIDE, SIDE)),
    ],
)
def test_a_program_gets_its_images_in_the_shape_that_it_answers(net, shape, tmp_path):
    given = columns(*shape)
    model = load(tmp_path, archive(net), given=given, format="torchscript", task="multiclass_classification")
    rows = np.random.default_rng(0).uniform(0, 1, (6, len(given.names))).astype(np.float32)
    frame = pd.DataFrame(rows, columns=list(given.names))
    layouts = {torch.nn.Linear: (-1,), LastChannel: (SIDE, SIDE, 1)}
    layout = layouts.get(type(net), shape if len(shape) == 3 else (1, *shape))
    images = torch.from_numpy(rows).reshape(6, *layout).requires_grad_()
    logits = net(images)
    np.testing.assert_allclose(model.logits(frame), logits.detach().numpy(), rtol=1e-4, atol=1e-5)
    weights = np.random.default_rng(1).normal(size=(6, 10))
    (slopes,) = torch.autograd.grad((logits * torch.from_numpy(weights).float()).sum(), images)
    np.testing.assert_allclose(model.gradient(frame, weights), slopes.reshape(6, -1).numpy(), rtol=1e-3, atol=1e-5)


def test_a_program_for_other_images_is_refused_with_the_shapes_that_were_tried(tmp_path):
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 10, 4), torch.nn.Flatten())
    with pytest.raises(
        SubjectError, match=r"takes no images of columns.image.shape \[8, 8\]; tried \(rows, 8, 8\): .*\(rows, 64\)"
    ):
        load(tmp_path, archive(net), given=columns(SIDE, SIDE), format="torchscript", task="multiclass_classification")
