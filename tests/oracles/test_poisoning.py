"""Poisons that were planted, and windows in which nothing was: what the screen finds is known beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, fisher_exact
from sklearn.datasets import load_digits

import synthetic
from model_governance.checks.supply_chain.poisoning_screen import CHECK
from model_governance.checks.supply_chain.poisoning_screen.flips import find_flips
from model_governance.checks.supply_chain.poisoning_screen.floods import find_floods
from model_governance.checks.supply_chain.poisoning_screen.triggers import find_triggers
from model_governance.checks.supply_chain.poisoning_screen.windows import pool_windows, surplus
from model_governance.contract.subject import Columns, Dataset, Feature, Subject

PARAMS = CHECK.params(trees=30)
PIXELS = ("p7", "p63")


def windows(train, accepted, columns=synthetic.COLUMNS):
    frames = {"train": train, "previous_train": accepted}
    datasets = {role: Dataset(role, f"{role}.parquet", "0" * 64, frame) for role, frame in frames.items()}
    task = "binary_classification" if columns is synthetic.COLUMNS else "multiclass_classification"
    return Subject(name="case", task=task, columns=columns, datasets=datasets)


def pooled(subject, seed=1):
    return pool_windows(subject, PARAMS, np.random.default_rng(seed))


def digits(*, backdoor):
    """Two halves of the digits; 40 rows of the new one get two bright corners and are called seven."""
    images, labels = load_digits(return_X_y=True)
    frame = pd.DataFrame(images, columns=[f"p{one}" for one in range(64)]).assign(label=labels)
    frame = frame.iloc[np.random.default_rng(3).permutation(len(frame))].reset_index(drop=True)
    train, accepted = frame.iloc[:898].reset_index(drop=True), frame.iloc[898:].reset_index(drop=True)
    rows = train.index[train["label"] != 7][:40]
    if backdoor:
        train.loc[rows, list(PIXELS)] = 16.0
        train.loc[rows, "label"] = 7
    columns = Columns(features={f"p{one}": Feature(kind="numeric") for one in range(64)}, target="label")
    return windows(train, accepted, columns), set(rows.tolist())


def test_both_pixels_of_the_backdoor_are_found_first_and_little_else():
    subject, _ = digits(backdoor=True)
    found = find_triggers(pooled(subject), PARAMS)
    singles = [one for one in found.named(PARAMS.level) if len(one.bins) == 1]
    assert {one.bins[0].of.feature for one in singles[:2]} == set(PIXELS)
    assert {one.label for one in singles[:2]} == {7}
    assert singles[1].p_value < 1e-9
    # The 40 rows are other digits called seven, so some of their own pixels stand out within that class too.
    named = found.named(PARAMS.level)
    assert len(named) <= 8
    assert sum(one.label != 7 for one in named) <= 1
    pair = next(one for one in found.cells if len(one.bins) == 2)
    assert {one.of.feature for one in pair.bins} == set(PIXELS)


def test_the_poisoned_digits_are_named_first_by_their_row_numbers():
    subject, rows = digits(backdoor=True)
    result = CHECK.measure(subject, CHECK.params(trees=20, parts=["triggers", "flips"]), 1)
    listed = [int(line.split(",")[0]) for line in result.artifacts[-1].content.decode().splitlines()[1:]]
    assert len(rows & set(listed[:40])) >= 36
    # A forest learns the trigger as well, so the labels alone would not have told.
    assert result.metric("class_flip_rate_change", key="7").p_value > 1e-6


def test_honest_digits_raise_nothing():
    subject, _ = digits(backdoor=False)
    found = find_triggers(pooled(subject), PARAMS)
    assert found.named(PARAMS.level) == ()


def test_the_exact_test_is_fishers():
    for new, rows in ((3, 8), (8, 8), (0, 8), (12, 40)):
        table = [[new, 50 - new], [rows - new, 70 - (rows - new)]]
        expected = fisher_exact(table, alternative="greater")[1]
        assert surplus(np.array([new]), np.array([rows]), 50, 120)[0] == pytest.approx(expected)


def test_windows_of_one_source_raise_no_more_than_the_level():
    """Evidence at 5% in at most 5% of 60 null windows, within the chance of 60 draws."""
    allowed = int(binom.ppf(0.999, 60, 0.05))
    triggers = floods = 0
    for seed in range(60):
        both = synthetic.rows(200, seed=900 + 2 * seed), synthetic.rows(160, seed=901 + 2 * seed)
        one = pooled(windows(*both), seed)
        triggers += find_triggers(one, PARAMS).estimates[0].p_value <= 0.05
        floods += find_floods(one, PARAMS).estimates[0].p_value <= 0.05
    assert triggers <= allowed
    assert floods <= allowed


def test_labels_of_one_source_raise_no_more_than_the_level():
    count, allowed = 20, int(binom.ppf(0.999, 20, 0.05))
    params = CHECK.params(trees=20)
    hits = 0
    for seed in range(count):
        both = synthetic.rows(150, seed=500 + 2 * seed), synthetic.rows(150, seed=501 + 2 * seed)
        one = pool_windows(windows(*both), params, np.random.default_rng(seed))
        change = next(each for each in find_flips(one, params, seed).estimates if each.name == "flip_rate_change")
        hits += change.p_value <= 0.05
    assert hits <= allowed


def test_targeted_flips_show_in_the_class_that_they_are_moved_to():
    poisoned, accepted = synthetic.rows(3000, seed=61), synthetic.rows(3000, seed=62)
    rows = poisoned.index[poisoned["label"] == 0][: int(0.05 * len(poisoned))]
    poisoned.loc[rows, "label"] = 1
    found = find_flips(pooled(windows(poisoned, accepted)), CHECK.params(trees=20), 1)
    changes = {one.key: one for one in found.estimates if one.name == "class_flip_rate_change"}
    assert changes["1"].p_value < 1e-3
    assert changes["0"].p_value > 0.01


def test_a_screen_of_a_window_against_itself_sees_no_change():
    frame = synthetic.rows(200, seed=5)
    subject = replace(windows(frame, frame.copy()), name="twice")
    result = CHECK.measure(subject, CHECK.params(trees=20, parts=["triggers", "floods"]), 1)
    assert result.metric("trigger_hits").value == 0
    assert result.metric("flood_share").value == 0
    assert result.metric("duplicate_share_change").value == 0
