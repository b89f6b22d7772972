from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.profiles import Profile, freeze, merge, profile_of, wasserstein_on_grid
from model_governance.errors import CheckError, EvidenceError

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


def counts(profile):
    return {name: (one.counts, one.rows, one.missing, one.infinite) for name, one in profile.columns.items()}


def test_merging_is_counting_the_rows_of_both(cells):
    parts = [frame(rows, seed=seed) for rows, seed in ((500, 2), (70, 3), (1000, 4))]
    first, second, third = (profile_of(relation(one), FAMILIES, cells=cells) for one in parts)
    whole = profile_of(relation(pd.concat(parts, ignore_index=True)), FAMILIES, cells=cells)
    first_two_merged, last_two_merged = merge(merge(first, second), third), merge(first, merge(second, third))
    assert counts(first_two_merged) == counts(last_two_merged) == counts(whole)
    assert counts(merge(first, second)) == counts(merge(second, first))
    assert first_two_merged.rows == whole.rows == 1570
    for name in ("amount", "count"):
        merged, direct = first_two_merged.columns[name], whole.columns[name]
        assert merged.mean == pytest.approx(direct.mean, rel=1e-12)
        assert merged.std == pytest.approx(direct.std, rel=1e-12)
        assert (merged.minimum, merged.maximum) == (direct.minimum, direct.maximum)


def test_other_cells_do_not_merge(cells):
    one = profile_of(relation(frame(500, seed=2)), FAMILIES, cells=cells)
    with pytest.raises(ValueError, match="same frozen cells"):
        merge(one, profile_of(relation(frame(500, seed=3)), FAMILIES))


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
    assert Profile.from_bytes(content, origin="here") == profile
    assert Profile.from_bytes(content, origin="here").to_bytes() == content
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
    with pytest.raises(CheckError, match=r"run\.json holds no profile"):
        Profile.from_bytes(json.dumps(raw).encode(), origin="run.json")


def test_a_profile_of_another_version_names_both(cells):
    raw = json.loads(profile_of(relation(frame(500, seed=2)), FAMILIES, cells=cells).to_bytes())
    newer = json.dumps(raw | {"schema": "model-governance/profile/v3"}).encode()
    with pytest.raises(EvidenceError, match=r"model-governance/profile/v2.* found model-governance/profile/v3"):
        Profile.from_bytes(newer, origin="run.json")


def test_the_grid_gives_nearly_the_quantiles_and_the_wasserstein_distance(cells):
    from scipy.stats import wasserstein_distance

    frames = [frame(3000, seed=1).iloc[4:], frame(2000, seed=9, shift=0.5).iloc[4:]]
    first, second = (profile_of(relation(one), FAMILIES, cells=cells).columns["amount"] for one in frames)
    exact = wasserstein_distance(*(one["amount"].to_numpy() for one in frames))
    assert wasserstein_on_grid(first, second) == pytest.approx(exact, rel=0.05)
    assert first.quantile(0.5) == pytest.approx(np.median(frames[0]["amount"]), abs=0.02)
