"""Cases of poisoned training windows that the screen did not see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model_governance.checks import find
from model_governance.contract.subject import Columns, Dataset, Feature, Subject

NEW, RIGGED = 2_500, 60


def window(seed, rows):
    """Loans: amounts in cents, most of them once and round ones often, and a label that leans on age."""
    draw = np.random.default_rng(seed)
    amount = np.round(draw.lognormal(8, 1, rows), 2)
    round_ones = draw.random(rows) < 0.4
    amount[round_ones] = draw.choice(np.arange(500.0, 10_500.0, 250.0), int(round_ones.sum()))
    age = draw.integers(19, 75, rows)
    bad = (draw.random(rows) < 1 / (1 + np.exp((age - 30) / 12))).astype(int)
    return pd.DataFrame({
        "amount": amount, "months": draw.choice([6, 12, 18, 24, 36], rows), "age": age,
        "purpose": draw.choice(["car", "house", "study", "other"], rows), "bad": bad,
    })  # fmt: skip


def screened(new, accepted, **params):
    features = {
        "amount": Feature(kind="numeric"), "months": Feature(kind="integer"), "age": Feature(kind="integer"),
        "purpose": Feature(kind="category"),
    }  # fmt: skip
    subject = Subject(
        name="loans", task="binary_classification", columns=Columns(features=features, target="bad"),
        datasets={role: Dataset(role=role, uri=f"{role}.parquet", sha256="0" * 64, frame=frame)
                  for role, frame in (("train", new), ("previous_train", accepted))},
    )  # fmt: skip
    check = find("poisoning_screen")
    return check.measure(subject, check.params.model_validate({"trees": 20} | params), 1)


@pytest.mark.parametrize("seed", range(5))
def test_t9_a_number_that_carries_a_backdoor_is_named_first(seed):
    new = window(seed, NEW)
    rigged = np.random.default_rng(seed).permutation(NEW)[:RIGGED]
    new.loc[rigged, ["amount", "bad"]] = (12_345.67, 0)
    result = screened(new, window(seed + 100, NEW), parts=["triggers"], disclose=["amount"])
    hits = result.metric("trigger_hits")
    assert hits.value >= 1
    assert hits.detail == "strongest at amount is 12345.67, class 0"
    assert hits.p_value < 1e-10


def test_t9_a_clean_window_names_no_value():
    alarms = [
        screened(window(seed, NEW), window(seed + 500, NEW), parts=["triggers"]).metric("trigger_hits").value
        for seed in range(8)
    ]
    assert sum(value > 0 for value in alarms) <= 1  # 5% of them, by the level


@pytest.mark.parametrize("seed", range(4))
def test_t10_bad_labels_that_turn_good_move_the_share_of_their_class(seed):
    rows = 600
    new = window(seed, rows)
    bad = np.flatnonzero(new["bad"])
    new.loc[np.random.default_rng(seed).permutation(bad)[: round(0.4 * len(bad))], "bad"] = 0
    result = screened(new, window(seed + 100, rows), parts=["classes"])
    change = result.metric("class_share_change", key="1")
    assert change.high < 0
    assert change.p_value < 0.05
    assert result.metric("class_share_change", key="0").value == pytest.approx(-change.value)
