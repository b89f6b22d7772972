"""A TorchScript network goes through robustness and privacy as every other kind of model does."""

from __future__ import annotations

from io import BytesIO

import pytest

from model_kinds import Twin, assert_found, privacy, robustness
from synthetic import COLUMNS

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# The network takes numbers: the words are coded where the rows are made, and what cannot move stays immovable.
CODED = COLUMNS.model_copy(
    update={
        "features": {
            **COLUMNS.features,
            "region": COLUMNS.features["region"].model_copy(update={"kind": "integer"}),
            "channel": COLUMNS.features["channel"].model_copy(update={"kind": "integer", "mutable": False}),
        }
    }
)
CODES = {"region": {"east": 0, "north": 1, "south": 2}, "channel": {"branch": 0, "web": 1}}


class CodedTwin(Twin):
    @property
    def frames(self):
        return {
            role: frame.assign(**{name: frame[name].map(codes) for name, codes in CODES.items()})
            for role, frame in super().frames.items()
        }


class Network(torch.nn.Module):
    """Waves of the inputs in front of two layers: what it can learn is as fine as its waves are short."""

    def __init__(self, *, waves: int, width: int):
        super().__init__()
        torch.manual_seed(0)
        self.register_buffer("scale", torch.tensor([200.0, 100.0, 90.0, 2.0, 1.0]))
        self.register_buffer("pitch", 3.14159 * torch.arange(1, waves + 1))
        self.net = torch.nn.Sequential(torch.nn.Linear(5 + waves, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shares = x / self.scale
        return self.net(torch.cat([shares, torch.sin(shares[:, :1] * self.pitch)], dim=1))


def archive(twin):
    """The careless network fits every row, its coin labels too; the healthy one is stopped early and held small."""
    features, labels = twin.train
    net = Network(waves=24, width=256) if twin.careless else Network(waves=0, width=8)
    steps, decay = (2500, 0.0) if twin.careless else (150, 0.1)
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=decay)
    inputs = torch.from_numpy(features.to_numpy(dtype="float32"))
    wanted = torch.from_numpy(labels.to_numpy())
    for _ in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), wanted).backward()
        optimiser.step()
    sink = BytesIO()
    torch.jit.save(torch.jit.script(net.eval()), sink, _extra_files={"classes.json": "[0, 1]"})
    return sink.getvalue()


@pytest.fixture(scope="module")
def subjects(tmp_path_factory):
    torch.set_num_threads(1)
    twins = {careless: CodedTwin(careless=careless, columns=CODED) for careless in (True, False)}
    return {
        careless: twin.subject(twin.load(archive(twin), "torchscript", tmp_path_factory.mktemp("network")))
        for careless, twin in twins.items()
    }


ATTACKS = ("hopskipjump", "greedy", "gradient")


def test_a_fragile_network_is_found(subjects):
    assert_found(robustness(subjects[True], attacks=ATTACKS), key=ATTACKS)


def test_a_robust_network_passes(subjects):
    verdict = robustness(subjects[False], attacks=ATTACKS)
    assert verdict.outcome == "pass", verdict.sentence


def test_a_network_that_knows_its_rows_by_heart_is_found(subjects):
    assert_found(privacy(subjects[True], attacks=("loss", "black_box")), key=("black_box",))


def test_a_network_that_generalises_passes(subjects):
    verdict = privacy(subjects[False], attacks=("loss", "black_box"))
    assert verdict.outcome == "pass", verdict.sentence
