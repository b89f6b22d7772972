"""A page over fifty features: one file below a megabyte, without network, without a row of data."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

import project

FEATURES = [f"f{number:02d}" for number in range(50)]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    small = project.small_project(tmp_path_factory.mktemp("wide"))
    for role, seed in (("reference", 1), ("current", 2)):
        draw = np.random.default_rng(seed)
        rows = pd.DataFrame({name: draw.normal(size=2000) for name in FEATURES[:40]})
        for name in FEATURES[40:]:
            rows[name] = draw.choice([f"{name}-{letter}" for letter in "abcdefgh"], 2000)
        rows["label"] = draw.integers(0, 2, 2000)
        rows.loc[1, "f45"] = "one person only"
        rows.to_parquet(small.folder / f"{role}.parquet", index=False)
    kinds = {name: {"kind": "numeric" if name < "f40" else "category"} for name in FEATURES}
    small.change(
        columns={"features": kinds, "target": "label", "positive": 1},
        checks={"drift": {"kind": "data_drift", "thresholds": [{"metric": "psi", "less_than": 0.1}]}},
    )
    small.write_model(_first_column(rows))
    done = small.check("drift")
    assert done.verdict.outcome == "pass", done.verdict.sentence
    return small.store.get(done.report.key).decode()


def _first_column(rows: pd.DataFrame) -> bytes:
    chosen = ColumnTransformer([("first", "passthrough", ["f00"])])
    return skops.io.dumps(make_pipeline(chosen, DecisionTreeClassifier(max_depth=2)).fit(rows[FEATURES], rows["label"]))


def test_it_is_below_a_megabyte(page):
    assert len(page.encode()) < 1_000_000


def test_it_needs_no_network(page):
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", page)
    assert "<script" not in page


def test_it_names_no_single_person(page):
    assert "one person only" not in page


def test_every_feature_is_there(page):
    assert all(name in page for name in FEATURES)
