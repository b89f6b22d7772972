"""A column of which half is one number has a distance in units that mean something (case D13 and its kind)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drift_cases import measure, numbers_only
from engine_cases import samples
from joint_cases import dataset
from model_governance.contract.model import Model
from model_governance.contract.subject import Columns, Feature, Subject


def wasserstein(reference: np.ndarray, current: np.ndarray) -> float:
    import pandas as pd

    frames = {"reference": pd.DataFrame({"half": reference}), "current": pd.DataFrame({"half": current})}
    model = Model(
        name="m", format="skops", sha256="0" * 64, task="regression", native=None,
        call=lambda frame: frame["half"].to_numpy(dtype=float),
    )  # fmt: skip
    subject = Subject(
        name="m", task="regression", columns=Columns(features={"half": Feature(kind="numeric")}),
        datasets={role: dataset(role, frame) for role, frame in frames.items()}, model=model,
    )  # fmt: skip
    with numbers_only():
        result = measure(subject, joint=False, columns=["half"])
    (found,) = [one for one in result.metrics if one.name == "wasserstein"]
    assert found.low is not None
    assert math.isfinite(found.low)
    assert math.isfinite(found.high)
    return found.value


@pytest.mark.parametrize("rows", [1_000, 5_000, 50_000])
@pytest.mark.parametrize("seed", [1, 5])
def test_an_unchanged_column_with_a_spike_moves_by_nothing(rows, seed):
    """Dividing by the quartiles beside the spike gave 4 standard deviations at 5,000 rows, and infinity at 300,000."""
    reference, current = (samples(rows, seed=each)["half"].to_numpy() for each in (seed, seed + 100))
    assert wasserstein(reference, current) < 0.15
    assert wasserstein(reference, current + 1.0) == pytest.approx(1.5, abs=0.3)


def test_neighbours_of_the_spike_do_not_make_it_infinite():
    """The quartiles are 0 and the next number there is."""
    reference = np.concatenate([np.zeros(5_001), np.full(2_600, -5e-324), np.linspace(0.1, 2, 2_399)])
    assert 0 < wasserstein(reference, reference + 0.5) < 10
