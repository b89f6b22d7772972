"""Every kind of interval holds the truth about as often as it says: the simulation of include/bench, in small.

Repetitions are few, so only gross mistakes show here; include/bench/COVERAGE.md holds the large run.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "include" / "bench"
REPETITIONS = 60
# 93% promised at least, less four standard errors of 60 repetitions.
FLOOR = 0.80
LARGEST = 500
ALSO = {("one weak slice", 2000), ("50 customers of 20", 1000)}
sys.path.append(str(BENCH))


def load():
    spec = importlib.util.spec_from_file_location("interval_simulation", BENCH / "coverage.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.LARGE = 100_000
    return module


SIMULATION = load()
PAGE = (BENCH / "COVERAGE.md").read_text()


@pytest.fixture(scope="module")
def laws():
    found = list(SIMULATION.laws(np.random.default_rng(7)))
    return [one for one in found if one.n <= LARGEST or (one.name, one.n) in ALSO]


def test_every_interval_holds_the_truth(laws):
    low = []
    for seed, law in enumerate(laws):
        repetitions = REPETITIONS if law.n <= LARGEST else REPETITIONS // 2
        for name, held, width, none in SIMULATION.simulate(law, repetitions, seed):
            assert none < 0.2, f"{name} under {law.name}, n {law.n}: mostly no interval"
            assert width > 0
            if held < FLOOR:
                low.append(f"{name} under {law.name}, n {law.n}: {held:.0%}")
    assert not low, "\n".join(low)


def test_an_interval_that_is_too_narrow_would_be_seen(laws):
    law = next(law for law in laws if "mae" in law.methods)
    halved = SIMULATION.Law(
        law.name, law.n, law.methods, law.truths,
        lambda draw: {name: one and _half(one) for name, one in law.draw(draw).items()},
    )  # fmt: skip
    held = {name: held for name, held, _, _ in SIMULATION.simulate(halved, REPETITIONS, 1)}
    assert held["mae"] < FLOOR
    assert held["bias"] < FLOOR


def _half(interval):
    low, high = interval
    middle, reach = (low + high) / 2, (high - low) / 4
    return middle - reach, middle + reach


def test_the_large_run_is_on_record_and_nothing_in_it_is_low_without_a_reason(laws):
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "| n |" not in line]
    assert len(rows) > 90
    assert not [line for line in rows if "LOW" in line]
    named = {line.split("|")[1].strip() for line in rows}
    assert named >= {name for law in laws for name in law.methods}
    assert {"psi", "selection_gap", "worst_slice_gap"} <= named
