"""Files of torch, honest and not, before anything loads them."""

from __future__ import annotations

import io

import pytest

pytestmark = pytest.mark.torch

torch = pytest.importorskip("torch")

from model_governance.checks.supply_chain.artifact_scan.params import ScanParams  # noqa: E402
from model_governance.checks.supply_chain.artifact_scan.scan import scan_file  # noqa: E402
from model_governance.contract.subject import ModelFile  # noqa: E402


class ReadsFiles(torch.nn.Module):
    def forward(self, x):
        return x + torch.from_file("/etc/hostname", False, 1, dtype=torch.float32).sum()


def network():
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.BatchNorm1d(8)).eval()


def log_of(save, model, kind):
    sink = io.BytesIO()
    save(model, sink)
    file = ModelFile(uri="model.pt", format=kind, sha256="0" * 64, content=sink.getvalue())
    return scan_file(file, ScanParams())


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.jit.script(network()),
        lambda: torch.jit.freeze(torch.jit.script(network())),
        lambda: torch.jit.trace(network(), torch.zeros(2, 4)),
    ],
)
def test_honest_torchscript_is_clean(make):
    log = log_of(torch.jit.save, make(), "torchscript")
    assert log.findings == ()
    assert log.unscanned == []
    assert log.opcodes > 10


def test_weights_are_clean():
    assert log_of(torch.save, network().state_dict(), "torch").findings == ()


def test_torchscript_that_reads_files_is_dangerous():
    log = log_of(torch.jit.save, torch.jit.script(ReadsFiles()), "torchscript")
    assert [(finding.severity, finding.rule) for finding in log.findings] == [("dangerous", "file access")]
