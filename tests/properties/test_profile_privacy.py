"""What a stored profile says: no value of fewer than ten rows, and nearly all that the rows say of drift."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.distances import population_stability
from model_governance.engine.profiles import profile_of, table_of
from model_governance.engine.publishing import publishable_profile
from model_governance.engine.stored_profiles import read_profile

AGGREGATES = {"counts", "below", "rows", "missing", "infinite", "mean", "std", "runs"}
TOLERANCE = {300: 0.02, 1000: 0.005, 5200: 0.001, 20_000: 0.0005}
"""By rows: largest difference of the PSI against a stored reference to that against its rows, where rare values were merged."""
MERGED = ("flag", "few", "zeros")


def relation(frame, role="reference"):
    return open_relation(Dataset(role=role, uri="rows", sha256="0" * 64, frame=frame))


def table(rows, *, seed, level=0.0):
    draw = np.random.default_rng(seed)
    zeros = np.where(draw.random(rows) < 0.9, 0.0, draw.lognormal(3, 1, rows))
    zeros[:5] = -draw.random(5)
    return pd.DataFrame(
        {
            "normal": draw.normal(level, 1, rows),
            "salary": draw.lognormal(10.5 + level / 4, 0.8, rows).round(),
            "price": np.round(draw.lognormal(3, 1, rows), 2) + level,
            "age": draw.integers(18, 90, rows) + 5.0 * level,
            "zeros": zeros,
            "flag": (draw.random(rows) < 5 / rows) * 1.0,
            "few": draw.choice([0.0, 1.0, 2.0, 3.5, 7.0], rows, p=[0.5, 0.49, 0.008, 0.001, 0.001]),
            "single": draw.normal(level, 1, rows).astype("float32").astype(float),
            "mixed": np.where(draw.random(rows) < 0.5, draw.integers(0, 100, rows), draw.normal(50, 20, rows)),
        }
    )


def numbers_in(record):
    """All numbers of a record but the aggregates."""
    if isinstance(record, dict):
        for key, item in record.items():
            if key not in AGGREGATES:
                yield from numbers_in(item)
    elif isinstance(record, list):
        for item in record:
            yield from numbers_in(item)
    elif isinstance(record, int | float):
        yield float(record)


def profiles(reference, current):
    """The reference and its stored profile, and the stored profile of current."""
    families = dict.fromkeys(reference.columns, "numbers")
    before, now = relation(reference), relation(current, "current")
    frozen = profile_of(before, families, sketched=False)
    live = profile_of(now, families, cells=frozen.cells, sketched=False)
    stored = publishable_profile(frozen, before, reference=frozen), publishable_profile(live, now, reference=frozen)
    return frozen, live, *(read_profile(profile.to_bytes(), origin="run") for profile in stored)


@pytest.mark.parametrize("level", [0.0, 3.0])
@pytest.mark.parametrize("rows", [15, 60, 100, 300, 1000, 5200, 20_000])
def test_no_number_of_the_bytes_is_a_value_of_fewer_than_ten_rows(rows, level):
    frames = table(rows, seed=1), table(rows, seed=2, level=level)
    _, _, first, second = profiles(*frames)
    for profile, held in ((first, frames[:1]), (second, frames)):
        for name, record in json.loads(profile.to_bytes())["columns"].items():
            if name == "mixed" and profile is second:
                continue  # a round edge of the reference may be a value of current by chance
            found = np.array(list(numbers_in(record)))
            most = np.max([[(frame[name] == number).sum() for number in found] for frame in held], axis=0)
            assert not ((most > 0) & (most < 10)).any(), (name, found[(most > 0) & (most < 10)][:3])


@pytest.mark.parametrize("rows", [60, 100, 300, 1000, 5200, 20_000])
def test_cells_of_a_stored_reference_hold_ten_rows_or_none(rows):
    _, _, stored, _ = profiles(table(rows, seed=3), table(rows, seed=4))
    for name, column in stored.columns.items():
        held = [count for count in column.counts if count]
        assert min(held) >= 10 or (len(held) <= 3 and max(held) > 0.8 * rows), name
        assert min(held) >= 10 or name in MERGED, name


@pytest.mark.parametrize("level", [0.0, 0.3])
@pytest.mark.parametrize("rows", [300, 1000, 5200, 20_000])
def test_the_psi_against_a_stored_reference_is_that_against_its_rows(rows, level):
    frozen, live, stored, _ = profiles(table(rows, seed=5), table(rows, seed=6, level=level))
    families = dict.fromkeys(live.columns, "numbers")
    later = profile_of(relation(table(rows, seed=6, level=level), "current"), families, cells=stored.cells)
    for name in families:
        exact = population_stability(table_of(frozen.columns[name], live.columns[name]), thin=None)
        again = population_stability(table_of(stored.columns[name], later.columns[name]), thin=None)
        tolerance = TOLERANCE[rows] if name in MERGED else 0
        assert again.value == pytest.approx(exact.value, abs=tolerance, rel=0), name


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.one_of(
            st.floats(-1e12, 1e12, allow_nan=False), st.integers(-50, 50).map(float), st.sampled_from([0.0, 1.5, 1e6])
        ),
        min_size=1,
        max_size=120,
    ),
    st.integers(1, 12),
)
def test_whatever_the_values_none_of_fewer_than_ten_rows_is_stored(values, times):
    frame = pd.DataFrame({"x": np.repeat(values, times) + 0.0})
    frozen, _, stored, _ = profiles(frame, frame)
    held = frame["x"].value_counts()
    record = json.loads(stored.to_bytes())["columns"]["x"]
    assert not {number for number in numbers_in(record) if 0 < held.get(number, 0) < 10}
    assert sum(stored.columns["x"].counts) == len(frame)
    assert set(stored.columns["x"].cells.edges) <= set(frozen.columns["x"].cells.edges)
