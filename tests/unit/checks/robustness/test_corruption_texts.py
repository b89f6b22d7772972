"""Corruptions of texts: typing mistakes, wrong case and look-alike letters in a share of the words."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import skops.io

import text_cases
from model_governance.attacks.characters import HOMOGLYPHS, KEYBOARD
from model_governance.checks.robustness.corruption import CHECK
from model_governance.checks.robustness.corruption.corruptions import Column, corrupt, intensity_of
from model_governance.checks.robustness.corruption.text_corruptions import (
    TEXT_CORRUPTIONS,
    change_case,
    corrupt_words,
    look_alike,
    mistype,
)
from model_governance.contract.subject import Columns, Feature
from model_governance.errors import CheckError

NAMES = tuple(TEXT_CORRUPTIONS)


def measure(subject, **params):
    return CHECK.measure(subject, CHECK.params.model_validate({"samples": 300, **params}), 7)


def spoilt(texts, name, *, share=1.0, seed=3):
    return corrupt_words(texts, name, share=share, generator=np.random.default_rng(seed))


def test_the_keys_beside_a_key_are_those_of_a_keyboard():
    assert set(KEYBOARD["g"]) == set("fhtyvb")
    assert set(KEYBOARD["Q"]) == set("12WA")
    assert set(KEYBOARD["5"]) == set("46rt")
    assert all(
        key in KEYBOARD[beside]
        for key, keys in KEYBOARD.items()
        for beside in keys
        if beside.isalpha() or key.isdigit()
    )
    assert all(ord(alike) > 0x7F and ord(letter) < 0x7F for letter, alike in HOMOGLYPHS.items())


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [((0.1, 0.0, 0.0), "jouse"), ((0.5, 0.99, 0.0), "hous"), ((0.9, 0.0, 0.0), "ohuse"), ((0.9, 0.99, 0.0), "houes")],
)
def test_a_typing_mistake_is_a_neighbouring_key_a_missing_letter_or_two_transposed_ones(numbers, expected):
    if expected == "jouse":
        assert mistype("house", *numbers) in {f"{key}ouse" for key in KEYBOARD["h"]}
    else:
        assert mistype("house", *numbers) == expected


def test_a_word_of_one_letter_is_never_deleted_and_a_letter_of_no_keyboard_is_not_replaced():
    draw = np.random.default_rng(1)
    for _ in range(200):
        numbers = draw.random(3)
        assert mistype("a", *numbers) in set(KEYBOARD["a"])
        assert mistype("é", *numbers) == "é"
        assert len(mistype("née", *numbers)) in (2, 3)


def test_case_and_look_alikes_change_what_a_vectoriser_reads_and_not_what_a_person_does():
    assert change_case("Hello", 0, 0, 0) == "hELLO"
    assert look_alike("hello", 0, 0.0, 0) == "\u04bbello"
    assert look_alike("777", 0, 0.0, 0) == "777"
    assert len(look_alike("peace", 0, 0.99, 0)) == len("peace")


@pytest.mark.parametrize("name", NAMES)
def test_a_severity_is_a_share_of_words_and_contains_the_lower_ones(name):
    texts = pd.Series([" ".join(["house", "garden", "street"] * 8)] * 200)
    column = Column(values=texts, kind="text")
    before = None
    shares = []
    for severity in range(1, 6):
        dirty, touched = corrupt(
            column, name, intensity_of(name, severity), generator=np.random.default_rng(5), factors=(1.0,)
        )
        changed = np.array(
            [
                [old != new for old, new in zip(left.split(), right.split(), strict=True)]
                for left, right in zip(texts, dirty, strict=True)
            ]
        )
        assert (changed.any(axis=1) == touched).all()
        if before is not None:
            assert (changed | ~before).all()
        before = changed
        shares.append(changed.mean())
    # Two equal neighbours transposed are no change: one mistake of some hundred shows nothing.
    assert shares == pytest.approx((0.01, 0.05, 0.1, 0.25, 0.5), rel=0.15, abs=0.005)
    assert all(low < high for low, high in pairwise(shares))


@pytest.mark.parametrize("name", NAMES)
def test_white_space_and_what_is_no_text_stay(name):
    texts = ["  two  words\n", None, "", float("nan"), "new\tline"]
    dirty = spoilt(texts, name)
    assert dirty[1] is None
    assert dirty[2] == ""
    assert np.isnan(dirty[3])
    assert dirty[0].startswith("  ")
    assert dirty[0].endswith("\n")
    assert "\t" in dirty[4]
    assert dirty[0] != texts[0]


@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_a_column_of_texts_keeps_its_type_and_its_gaps(dtype):
    values = pd.Series(["one house", None, "two gardens"] * 20, dtype=dtype)
    column = Column(values=values, kind="text")
    dirty, touched = corrupt(
        column, "typos", replace(intensity_of("typos", 5), size=1.0), generator=np.random.default_rng(2), factors=(1.0,)
    )
    assert str(dirty.dtype) == dtype
    assert (dirty.isna() == values.isna()).all()
    assert touched[values.notna()].all()
    assert not touched[values.isna()].any()


def test_a_model_that_one_word_decides_loses_more_to_typing_mistakes_than_one_that_many_words_decide():
    losses = {}
    for keyword in (True, False):
        model = text_cases.fitted(text_cases.messages(400, seed=1, keyword=keyword))
        found = measure(
            text_cases.text_subject(model, text_cases.messages(400, seed=3, keyword=keyword)), corruptions=["typos"]
        )
        assert found.metric("clean_accuracy").value == 1.0
        losses[keyword] = found.metric("drop", key="typos@5")
    assert losses[True].low > 0.15
    assert losses[False].value < 0.05


def test_a_vectoriser_that_lowers_the_case_loses_nothing_to_the_case():
    model = text_cases.fitted(text_cases.messages(400, seed=1, keyword=True), tfidf=True)
    found = measure(
        text_cases.text_subject(model, text_cases.messages(400, seed=3, keyword=True)),
        corruptions=["casing", "homoglyphs"],
    )
    assert found.metric("drop", key="casing@5").value == 0.0
    assert found.metric("drop", key="homoglyphs@5").value > 0.15
    assert found.metric("column_drop", key="body").value > 0.05
    severities = next(table for table in found.tables if table.name == "severities")
    assert [row[0] for row in severities.rows] == ["typos, casing, homoglyphs: share of the words of every text"]


def test_corruptions_of_texts_that_a_policy_names_need_a_text():
    model = text_cases.fitted(text_cases.messages(100, seed=1, keyword=True))
    subject = text_cases.text_subject(model, text_cases.messages(100, seed=3, keyword=True))
    kinds = {
        name: Feature(kind="category" if name == "body" else one.kind) for name, one in subject.columns.features.items()
    }
    other = replace(subject, columns=subject.columns.model_copy(update={"features": kinds}))
    with pytest.raises(CheckError, match="no feature can show typos"):
        measure(other, corruptions=["typos"])


def test_a_policy_with_a_text_column_runs_and_a_person_reads_what_typing_mistakes_cost(tmp_path):
    checks = {
        "corruption": {
            "kind": "corruption",
            "params": {"samples": 200, "corruptions": ["typos", "casing", "homoglyphs", "swapped_category"]},
            "thresholds": [{"metric": "drop", "key": "typos@5", "less_than": 0.1}],
        }
    }
    outcomes = {}
    for keyword in (True, False):
        folder = tmp_path / str(keyword)
        folder.mkdir()
        outcomes[keyword] = text_cases.text_project(folder, keyword=keyword, checks=checks).check("corruption").verdict
    assert outcomes[True].outcome == "fail"
    assert outcomes[False].outcome == "pass"


@pytest.mark.parametrize("tfidf", [True, False])
def test_a_bag_of_words_is_loaded_from_a_skops_file_without_any_trusted_type(tfidf):
    from model_governance.policy import ModelSpec
    from model_governance.subjects.loaders.sklearn_skops import load

    frame = text_cases.messages(60, seed=1, keyword=True)
    native = text_cases.fitted(frame, tfidf=tfidf)
    content = skops.io.dumps(native)
    spec = ModelSpec.model_validate({
        "name": "messages", "task": "binary_classification", "uri": "model.skops", "format": "skops", "sha256": "0" * 64,
    })  # fmt: skip
    columns = Columns.model_validate(text_cases.COLUMNS)
    rows = frame[list(columns.names)]
    assert load(content, spec, columns).predict(rows).tolist() == native.predict(rows).tolist()
