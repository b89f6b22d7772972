"""The numbers that a column can hold: neighbours, limits and multiples of a step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_governance.attacks.trees import ladder

KINDS = [np.dtype(name) for name in ("float16", "float32", "float64", "int8", "int64")]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_rungs_rise_with_their_numbers_and_reach_the_limits(kind):
    low, high = ladder.limits(kind)
    rungs = np.unique(np.linspace(low, high, 1001).round().clip(low, high).astype(np.int64))
    numbers = ladder.numbers_at(np.unique(np.array([low, *rungs[1:-1], high])), kind)
    assert numbers.dtype == kind
    assert (numbers[1:] > numbers[:-1]).all()
    assert float(numbers[-1]) == min(ladder.largest(kind), 127 if kind == np.int8 else np.inf)


@pytest.mark.parametrize("kind", KINDS[:3], ids=str)
def test_nothing_lies_between_neighbouring_rungs(kind):
    first, second = ladder.numbers_at(np.array([1000, 1001]), kind)
    assert np.nextafter(first, kind.type(np.inf)) == second
    assert ladder.below(np.array([float(second)]), kind)[0] == float(first)


def multiples(near: float, step: float, kind: np.dtype) -> list[float]:
    """The multiples of a step around a number, as a column of this type holds them."""
    reach = 2 + np.spacing(kind.type(abs(near))).astype(float) // step
    return [float(kind.type(rung * step)) for rung in round(near / step) + np.arange(-reach, reach + 1)]


@given(
    number=st.floats(-1e4, 1e4), step=st.sampled_from([None, 0.1, 0.25, 3.0]), name=st.sampled_from(["float16", "float32", "float64"])
)  # fmt: skip
def test_the_nearest_number_on_the_grid_is_one_that_the_column_holds(number, step, name):
    kind = np.dtype(name)
    up = float(ladder.on_grid(np.array([number]), step, kind, up=True)[0])
    down = float(ladder.on_grid(np.array([number]), step, kind, up=False)[0])
    assert down <= number <= up
    for found in (up, down):
        assert float(kind.type(found)) == found
        assert step is None or found in multiples(found, step, kind)
    between = [] if step is None else multiples(number, step, kind)
    assert not any(down < value < number or number < value < up for value in between)


@pytest.mark.parametrize(
    ("dtype", "step", "held"),
    [
        (np.dtype("float32"), None, "float32"), (pd.Float32Dtype(), 0.1, "float32"), (np.dtype("int16"), 1, "int16"),
        (np.dtype("int16"), None, "float64"), (pd.Int64Dtype(), 2.0, "int64"), (np.dtype(object), 1, "float64"),
        (np.dtype(bool), 1, "float64"),
    ],
)  # fmt: skip
def test_a_column_holds_numbers_of_its_own_type(dtype, step, held):
    assert ladder.held_type(dtype, step) == np.dtype(held)
