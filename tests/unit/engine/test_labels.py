"""Labels by the million: sorted runs give the numbers that dictionaries give."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from engine_cases import in_parquet
from model_governance.contract.subject import Dataset
from model_governance.engine import memory, open_relation, tallies
from model_governance.engine.cells import LEAST_EXPECTED, Table, labels_table, pool_rare
from model_governance.engine.labels import FewLabels, ManyLabels, aligned, by_label, label

ROWS = 40_000


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    """Pieces and runs of a few thousand rows, so that they are cut and merged."""
    monkeypatch.setattr(tallies, "RUN", 6000)
    monkeypatch.setattr(tallies, "MANY_LABELS", 500)
    monkeypatch.setattr(memory, "PIECE", 5000)


def column(kind, seed=1):
    """Rows of which most hold another label, some of them missing."""
    draw = np.random.default_rng(seed)
    codes = draw.integers(0, 20_000, ROWS)
    missing = draw.random(ROWS) < 0.02
    values = {
        "text": [f"{'ä' if code % 7 == 0 else 'z'}{code}" for code in codes.tolist()],
        "integers": (codes - 5000).tolist(),
        "whole floats": (codes - 5000.0).tolist(),
        "floats": (codes / 8).tolist(),
    }[kind]
    return [None if gone else value for value, gone in zip(values, missing.tolist(), strict=True)]


KINDS = ("text", "integers", "whole floats", "floats")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["file", "memory"])
def test_many_labels_are_counted_as_in_a_dictionary(tmp_path, kind, place):
    values = column(kind)
    expected = by_label(Counter(value for value in values if value is not None))
    if place == "file":
        relation = open_relation(in_parquet(tmp_path, pa.table({"x": values}), role="current", group=7000))
    else:
        relation = open_relation(Dataset(role="current", uri="x", sha256="0", frame=pd.DataFrame({"x": values})))
    labels = relation.labels(["x"])["x"]
    assert isinstance(labels, FewLabels if kind == "floats" else ManyLabels)
    assert list(labels.as_dict().items()) == list(expected.items())
    assert relation.missing(["x"]) == {"x": sum(value is None for value in values)}
    assert relation.families(["x"]) == {"x": frozenset({"text" if kind == "text" else "numbers"})}


def test_the_most_frequent_and_the_selected_labels_are_those_of_a_dictionary():
    draw = np.random.default_rng(2)
    few = FewLabels.from_tally(Counter(f"v{code}" for code in draw.zipf(1.3, 5000) % 900))
    many = as_many(few)
    for most, least in ((5, 1), (1000, 10), (1000, 1), (3, 10_000)):
        assert many.most_frequent(most, least=least) == few.most_frequent(most, least=least)
    asked = ["v1", "none", "v17", "\ud800", ""]
    assert many.select(asked) == few.select(asked)
    assert many.total == few.total


@pytest.mark.parametrize("kinds", ["few and many", "many and few", "many and many"])
def test_both_datasets_are_aligned_as_dictionaries_are(kinds):
    draw = np.random.default_rng(3)
    sides = [FewLabels.from_tally(Counter(f"v{code}" for code in draw.integers(k, 300 + k, 900))) for k in (0, 40)]
    expected = labels_table(*(side.as_dict() for side in sides))
    given = [as_many(side) if kind == "many" else side for side, kind in zip(sides, kinds.split(" and "), strict=True)]
    before, after = aligned(*given)
    assert before.tolist() == expected.reference.tolist()
    assert after.tolist() == expected.current.tolist()


def test_a_text_without_utf8_is_aligned_too():
    odd = FewLabels.from_tally(Counter({"\ud800": 2, "a": 1}))
    before, after = aligned(odd, as_many(FewLabels.from_tally(Counter({"a": 5, "b": 1}))))
    assert (before.tolist(), after.tolist()) == ([1, 0, 2], [5, 1, 0])


def test_texts_without_utf8_and_mixed_values_are_counted_in_memory():
    values = ["\ud800", 1, True, "a"] * 2000
    relation = open_relation(Dataset(role="current", uri="x", sha256="0", frame=pd.DataFrame({"x": values})))
    assert relation.value_counts(["x"]) == {"x": {"1": 4000, "a": 2000, "\ud800": 2000}}


def test_rare_labels_are_pooled_as_if_they_were_sorted(monkeypatch):
    draw = np.random.default_rng(4)
    for n, m in ((60_000, 50_000), (300, 90_000)):
        shares = draw.dirichlet(np.full(3000, 0.3))
        table = Table(reference=draw.multinomial(n, shares), current=draw.multinomial(m, shares))
        whole = pool_rare(table)
        with monkeypatch.context() as patch:
            patch.setattr("model_governance.engine.cells.MANY_CELLS", 100)
            quick = pool_rare(table)
        assert quick.reference.tolist() == whole.reference.tolist()
        assert quick.current.tolist() == whole.current.tolist()
        assert whole.cells == 1 or whole.reference[0] + whole.current[0] >= LEAST_EXPECTED


def as_many(labels):
    counts = labels.as_dict()
    return ManyLabels(
        texts=pl.Series(list(map(label, counts)), dtype=pl.String),
        rows=np.array(list(counts.values()), dtype="int64"),
        families=frozenset({"text"}),
    )
