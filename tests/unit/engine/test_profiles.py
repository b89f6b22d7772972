from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.profiles import freeze, merge_columns, profile_of, wasserstein_on_grid
from model_governance.engine.stored_profiles import read_profile
from model_governance.errors import EvidenceError

FAMILIES = {"amount": "numbers", "count": "numbers", "kind": "categories"}


def relation(frame):
    return open_relation(Dataset(role="reference", uri="rows", sha256="0" * 64, frame=frame))


def frame(rows, *, seed, shift=0.0):
    draw = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "amount": draw.normal(shift, 1, rows),
            "count": draw.integers(0, 5, rows).astype(float),
            "kind": draw.choice(["a", "b", "c"], rows, p=[0.6, 0.39, 0.01]),
        }
    )
    found.loc[:3, "amount"] = [np.nan, np.inf, -np.inf, 1e9]
    found.loc[5, "kind"] = None
    return found


@pytest.fixture(scope="module")
def cells():
    return freeze(relation(frame(3000, seed=1)), FAMILIES)


def counted(column):
    return column.counts, column.rows, column.missing, column.infinite


@pytest.mark.parametrize("name", FAMILIES)
def test_merging_is_counting_the_rows_of_both(cells, name):
    parts = [frame(rows, seed=seed) for rows, seed in ((500, 2), (70, 3), (1000, 4))]
    first, second, third = (profile_of(relation(part), FAMILIES, cells=cells).columns[name] for part in parts)
    whole = profile_of(relation(pd.concat(parts, ignore_index=True)), FAMILIES, cells=cells).columns[name]
    merged = merge_columns(merge_columns(first, second), third)
    last_two_first = merge_columns(first, merge_columns(second, third))
    assert counted(merged) == counted(last_two_first) == counted(whole)
    assert counted(merge_columns(first, second)) == counted(merge_columns(second, first))
    assert merged.sketch is None
    if whole.mean is not None:
        assert merged.mean == pytest.approx(whole.mean, rel=1e-12)
        assert merged.std == pytest.approx(whole.std, rel=1e-12)
        assert (merged.minimum, merged.maximum) == (whole.minimum, whole.maximum)


def test_other_cells_do_not_merge(cells):
    column = profile_of(relation(frame(500, seed=2)), FAMILIES, cells=cells).columns["amount"]
    other = profile_of(relation(frame(500, seed=3)), FAMILIES).columns["amount"]
    with pytest.raises(ValueError, match="same cells"):
        merge_columns(column, other)


def test_cells_are_tenths_within_a_fine_grid_values_and_frequent_labels(cells):
    amount = profile_of(relation(frame(3000, seed=1)), FAMILIES, cells=cells).columns["amount"]
    assert len(cells["amount"].edges) == 499
    assert len(amount.cell_counts) == 10
    assert amount.cell_counts.sum() == amount.held == 2997
    assert max(amount.cell_counts) - min(amount.cell_counts) <= 1
    few = profile_of(relation(frame(3000, seed=1)), FAMILIES, cells=cells).columns["count"]
    assert [one for one in few.counts if one] == list(
        pd.Series(frame(3000, seed=1)["count"]).value_counts().sort_index()
    )
    assert cells["kind"].labels == ("a", "b", "c")
    assert freeze(relation(frame(300, seed=1)), FAMILIES)["kind"].labels == ("a", "b")


def test_a_profile_comes_back_from_its_bytes_and_holds_no_rare_label(cells):
    rare = frame(600, seed=2)
    rare.loc[10, "kind"] = "only one"
    profile = profile_of(relation(rare), FAMILIES)
    content = profile.to_bytes()
    assert read_profile(content, origin="here") == profile
    assert read_profile(content, origin="here").to_bytes() == content
    assert b"only one" not in content


@pytest.mark.parametrize(
    "broken",
    [
        lambda raw: raw.pop("columns"),
        lambda raw: raw["columns"]["amount"]["counts"].__setitem__(0, 10**6),
        lambda raw: raw["columns"]["amount"]["cells"]["edges"].reverse(),
        lambda raw: raw["columns"]["kind"]["cells"].update(family="words"),
    ],
)
def test_bytes_that_are_no_profile_are_refused_with_their_origin(cells, broken):
    raw = json.loads(profile_of(relation(frame(500, seed=2)), FAMILIES, cells=cells).to_bytes())
    broken(raw)
    with pytest.raises(EvidenceError, match=r"run\.json: columns.* oldest version"):
        read_profile(json.dumps(raw).encode(), origin="run.json")


def test_a_profile_of_another_version_names_both(cells):
    raw = json.loads(profile_of(relation(frame(500, seed=2)), FAMILIES, cells=cells).to_bytes())
    newer = json.dumps(raw | {"schema": "model-governance/profile/v3"}).encode()
    with pytest.raises(EvidenceError, match=r"model-governance/profile/v2.* found model-governance/profile/v3"):
        read_profile(newer, origin="run.json")


def test_the_grid_gives_nearly_the_quantiles_and_the_wasserstein_distance(cells):
    from scipy.stats import wasserstein_distance

    frames = [frame(3000, seed=1).iloc[4:], frame(2000, seed=9, shift=0.5).iloc[4:]]
    first, second = (profile_of(relation(one), FAMILIES, cells=cells).columns["amount"] for one in frames)
    exact = wasserstein_distance(*(one["amount"].to_numpy() for one in frames))
    assert wasserstein_on_grid(first, second) == pytest.approx(exact, rel=0.05)
    assert first.quantile(0.5) == pytest.approx(np.median(frames[0]["amount"]), abs=0.02)
