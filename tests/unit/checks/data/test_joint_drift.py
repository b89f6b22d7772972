"""Joint drift: what no single column shows, and no alarm where nothing changed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import synthetic
from drift_cases import measure, numbers_only
from joint_cases import dataset, outcomes, scored
from model_governance.checks.data.data_drift import CHECK, joint_drift
from model_governance.checks.data.data_drift.joint_drift import joint_estimates, joint_notes, tell_apart
from model_governance.checks.data.data_drift.joint_features import MAX_LABELS, joint_rows
from model_governance.engine import open_relation


@pytest.fixture(scope="module", autouse=True)
def _undrawn():
    with numbers_only():
        yield


def correlated(rows, correlation, *, seed, more=0):
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(rows, 2 + more))
    values[:, 1] = correlation * values[:, 0] + np.sqrt(1 - correlation**2) * values[:, 1]
    return pd.DataFrame(values, columns=["income", "debt", *(f"other{place}" for place in range(more))])


def compared(reference, current, **kinds):
    """What the classifier needs of a comparison; categories are those named."""
    families = {name: kinds.get(name, "numbers") for name in reference.columns}
    return SimpleNamespace(
        families=families,
        reference=open_relation(dataset("reference", reference)),
        current=open_relation(dataset("current", current)),
    )


def told(reference, current, *, seed=3, max_rows=10_000, entity=None, **kinds):
    comparison = compared(reference, current, **kinds)
    comparison.families.pop(entity, None)
    return tell_apart(comparison, max_rows=max_rows, seed=seed, entity=entity)


def test_a_correlation_that_turns_round_fails_while_every_column_passes():
    # V19: +.8 becomes -.8, both marginals stay.
    subject = scored(
        correlated(20_000, 0.8, seed=1), correlated(20_000, -0.8, seed=2), income="numeric", debt="numeric"
    )
    result = measure(subject)
    auc = result.metric("joint_drift_auc")
    assert auc.value > 0.85
    assert auc.p_value < 1e-9
    assert set(auc.detail.removeprefix("told apart by ").split(", ")) == {"income", "debt"}
    assert outcomes(CHECK, subject, result, "joint_drift_auc") == ["fail", "warn"]
    assert set(outcomes(CHECK, subject, result, "psi")) == {"pass"}
    table = next(table for table in result.tables if table.name == "joint_drift")
    assert {name for name, loss in table.rows if loss > 0.2} == {"income", "debt"}


def test_it_is_found_among_other_columns_too():
    joint = told(correlated(3000, 0.8, seed=1, more=18), correlated(3000, -0.8, seed=2, more=18))
    assert joint.limits.low(1e-4) > 0.6
    assert {name for name, _ in joint.features[:2]} == {"income", "debt"}


def test_an_unchanged_pair_passes_and_names_nothing():
    subject = scored(correlated(20_000, 0.8, seed=1), correlated(20_000, 0.8, seed=2), income="numeric", debt="numeric")
    result = measure(subject)
    auc = result.metric("joint_drift_auc")
    assert (auc.low, auc.high) == (pytest.approx(0.5, abs=0.02), pytest.approx(0.5, abs=0.02))
    assert outcomes(CHECK, subject, result, "joint_drift_auc") == ["pass", "pass"]
    assert auc.n == 10_000
    assert any("joint drift is measured on a seeded sample of 10,000 of 20,000 rows" in note for note in result.notes)


def mixed(rows, *, seed):
    draw = np.random.default_rng(seed)
    frame = correlated(rows, 0.5, seed=seed)
    frame["amount"] = np.where(draw.random(rows) < 0.7, 0, draw.gamma(1, 1, rows))
    frame["region"] = draw.choice(list("abcdefgh"), rows)
    frame.loc[draw.random(rows) < 0.1, "debt"] = np.nan
    return frame


def test_small_unchanged_pairs_give_evidence_no_more_often_than_stated():
    pairs = 20
    p_values = [
        told(mixed(150, seed=2 * pair), mixed(150, seed=2 * pair + 1), seed=pair, region="categories").p_value
        for pair in range(pairs)
    ]
    assert binom.sf(sum(p_value <= 0.05 for p_value in p_values) - 1, pairs, 0.05) > 0.001
    assert min(p_values) > 0.0001


def test_labels_that_change_partners_are_told_apart():
    draw = np.random.default_rng(5)
    first, second = draw.choice(["a", "b"], 3000), draw.choice(["x", "y"], 3000)
    paired = np.where(first == "a", "x", "y")
    reference = pd.DataFrame({"left": first, "right": np.where(draw.random(3000) < 0.7, paired, second)})
    current = pd.DataFrame({"left": first, "right": np.where(draw.random(3000) < 0.7, second, paired)})
    joint = told(reference, current, left="categories", right="categories")
    assert joint.p_value < 1e-6
    assert {name for name, _ in joint.features} == {"left", "right"}


def test_a_column_that_goes_missing_tells_the_rows_apart():
    reference, current = correlated(1000, 0.5, seed=1), correlated(1000, 0.5, seed=2)
    current.loc[::2, "debt"] = np.nan
    joint = told(reference, current)
    assert joint.limits.value == pytest.approx(0.75, abs=0.03)
    assert joint.features[0][0] == "debt"


def test_infinities_many_labels_and_other_types_of_one_label_are_no_obstacle():
    draw = np.random.default_rng(3)
    reference = pd.DataFrame({"number": draw.normal(size=900), "label": draw.integers(0, 600, 900)})
    current = pd.DataFrame({"number": draw.normal(size=900), "label": draw.integers(0, 600, 900).astype(float)})
    reference.loc[::50, "number"], current.loc[::50, "number"] = np.inf, -np.inf
    current.loc[::100, "label"] = np.nan
    rows = joint_rows(reference, current, {"number": "numbers", "label": "categories"})
    assert np.isfinite(rows.values[:, 0]).all()
    assert np.nanmax(rows.values[:, 1]) == MAX_LABELS
    assert np.isnan(rows.values[:, 1]).sum() == 9
    assert told(reference, current, label="categories").limits is not None
    same = joint_rows(pd.DataFrame({"c": [1, True]}), pd.DataFrame({"c": [1.0, 2.0]}), {"c": "categories"})
    assert same.values[:, 0].tolist() == [0, 0, 0, 1]


def test_perfect_separation_has_an_interval():
    reference, current = correlated(400, 0, seed=1), correlated(300, 0, seed=2) + 100
    joint = told(reference, current)
    assert joint.limits.value == 1
    assert 0.9 < joint.limits.low(0.025) < 1
    assert joint.p_value < 1e-9


def test_constant_columns_give_no_evidence():
    constant = pd.DataFrame({"same": np.ones(300)})
    joint = told(constant, constant)
    assert (joint.limits.value, joint.p_value, joint.features) == (0.5, 0.5, ())


def test_the_same_seed_gives_the_same_area():
    reference, current = mixed(400, seed=1), mixed(300, seed=2)
    assert told(reference, current, region="categories") == told(reference, current, region="categories")


def test_too_few_rows_are_uncertain_and_a_profile_is_a_reason():
    few = told(correlated(99, 0, seed=1), correlated(500, 0, seed=2))
    (estimate,) = joint_estimates(few)
    assert (estimate.value, estimate.absence) == (None, "uncertain")
    assert "99 rows" in estimate.reason
    assert joint_notes(few, {"reference": 99, "current": 500}) == [f"joint drift is absent: {few.reason}"]
    comparison = compared(correlated(200, 0, seed=1), correlated(200, 0, seed=2))
    comparison.reference = None
    (estimate,) = joint_estimates(tell_apart(comparison, max_rows=1000, seed=1))
    assert "a profile replaces the reference" in estimate.reason


def test_a_wide_table_is_sampled_more_thinly(monkeypatch):
    monkeypatch.setattr(joint_drift, "MAX_CELLS", 2400)
    frames = [correlated(1600, 0, seed=seed) for seed in (1, 2)]
    assert set(told(*frames).rows.values()) == {1200}
    assert set(told(*(frame.assign(third=1.0) for frame in frames)).rows.values()) == {1000}


def test_it_can_be_switched_off():
    result = measure(synthetic.subject(), joint=False)
    assert "joint_drift_auc" not in {metric.name for metric in result.metrics}


def of_customers(customers, rows, *, seed):
    """Rows of customers that differ from one another far more than the rows of one do."""
    draw = np.random.default_rng(seed)
    own = np.repeat(draw.normal(size=(customers, 3)), rows, axis=0)
    frame = pd.DataFrame(own + 0.1 * draw.normal(size=own.shape), columns=["income", "debt", "age"])
    return frame.assign(customer=np.repeat(np.arange(customers), rows) + 1000 * seed)


def test_customers_are_not_taken_for_a_change():
    pairs = [(of_customers(60, 10, seed=2 * pair), of_customers(60, 10, seed=2 * pair + 1)) for pair in range(8)]
    recognised = [told(*(frame.drop(columns="customer") for frame in pair)).p_value for pair in pairs]
    assert min(recognised) < 1e-6, "a classifier recognises customers that it was trained on"
    assert min(told(*pair, entity="customer").p_value for pair in pairs) > 0.001


def test_a_change_of_customers_is_seen_all_the_same():
    reference, current = of_customers(80, 10, seed=1), of_customers(80, 10, seed=2)
    joint = told(reference, current.assign(debt=lambda rows: rows["debt"] + 3), entity="customer")
    assert joint.limits.low(0.001) > 0.75
    assert joint.features[0][0] == "debt"


def test_too_few_customers_are_uncertain():
    (estimate,) = joint_estimates(told(of_customers(2, 90, seed=1), of_customers(2, 90, seed=2), entity="customer"))
    assert estimate.absence == "uncertain"
    assert "too few values of customer" in estimate.reason
