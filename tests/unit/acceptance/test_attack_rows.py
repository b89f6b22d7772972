"""Cases of attacks on rows as the world makes them: narrow numbers, gaps, the class that matters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from xgboost import XGBClassifier

from attack_cases import evasion, subject_of, table
from model_governance.checks import find
from model_governance.contract.threat_model import ThreatModel

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject

NARROW = {
    "all in 32 bits": "float32",
    "beside whole numbers": {"a": "float32", "b": "float32", "c": "int16", "d": "float32"},
    "three widths": {"a": "float32", "b": "float64", "c": "int64", "d": "float16"},
    "nullable": {"a": "Float32", "c": "Int32"},
}


def scaled(last, scaler, dtypes) -> Subject:
    """Four numbers of unlike sizes behind a scaler, which calculates in the precision of the columns."""
    draw = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "a": draw.normal(40, 13, 300), "b": draw.gamma(2, 1000, 300), "c": draw.integers(0, 50, 300),
            "d": draw.uniform(0, 1, 300),
        }
    )  # fmt: skip
    score = (frame["a"] - 40) / 13 + (frame["b"] - 2000) / 1400 + (frame["c"] - 25) / 15
    frame, labels = frame.astype(dtypes), (score + draw.normal(0, 0.5, 300) > 0).astype(int).to_numpy()
    kinds = {name: {"kind": "integer" if name == "c" else "numeric"} for name in frame.columns}
    return subject_of(make_pipeline(scaler, last).fit(frame, labels), frame, labels, kinds)


@pytest.mark.parametrize("dtypes", NARROW.values(), ids=NARROW)
@pytest.mark.parametrize(
    ("last", "scaler"),
    [
        (XGBClassifier(n_estimators=10, max_depth=3, n_jobs=1), StandardScaler()),
        (RandomForestClassifier(6, max_depth=4, random_state=0), MinMaxScaler()),
    ],
    ids=["boosted", "forest"],
)
def test_t14_exact_finds_the_flips_of_narrow_columns_behind_a_scaler(last, scaler, dtypes):
    result = evasion(scaled(last, scaler, dtypes), attacks=["exact"], exact_rows=12, epsilon=0.2, samples=12)
    (attack,) = table(result, "attacks")
    assert attack["flipped at any distance"] == attack["rows attacked"] > 8
    assert attack["valid rows returned"] == attack["rows returned"]
    assert "undecided" not in result.metric("exact_attack_success_rate", key="exact@0.2").detail


def gapped(**threat) -> Subject:
    """An XGBoost model that lives on gaps: half of the scores are missing, and whether one is there decides most rows."""
    draw = np.random.default_rng(5)
    frame = pd.DataFrame({"score": draw.uniform(300, 850, 500), "debt": draw.uniform(0, 100, 500)})
    frame["home"] = draw.choice(["own", "rent"], 500)
    frame["home"] = frame["home"].where(draw.random(500) < 0.7, None)
    frame["score"] = frame["score"].mask(draw.random(500) < 0.5)
    bad = 1.5 * frame["score"].isna() + (frame["debt"] - 50) / 30 - (frame["score"].fillna(600) - 600) / 200
    labels = (bad + draw.normal(0, 0.3, 500) > 0.6).astype(int).to_numpy()
    features = {
        "score": {"kind": "numeric", "minimum": 300, "maximum": 850}, "debt": {"kind": "numeric"},
        "home": {"kind": "category", "mutable": False},
    }  # fmt: skip
    words = frame.assign(home=pd.Categorical(frame["home"]))
    native = XGBClassifier(n_estimators=12, max_depth=3, n_jobs=1, enable_categorical=True).fit(words, labels)
    subject = subject_of(native, frame, labels, features, threat_model=ThreatModel.model_validate(threat))
    calls = {
        name: lambda rows, call=call: call(rows.assign(home=pd.Categorical(rows["home"], categories=["own", "rent"])))
        for name, call in (("call", native.predict), ("call_proba", native.predict_proba))
    }
    return replace(subject, model=replace(subject.model, **calls))


def test_t5_rows_with_gaps_are_attacked_like_others():
    subject = gapped()
    result = evasion(subject, samples=60, epsilon=0.15)
    attacked = {row["step"]: row["rows"] for row in table(result, "rows")}
    frame = subject.features("current")
    assert frame.isna().any(axis=1).mean() > 0.6
    assert attacked["that can be attacked"] == len(frame)
    assert attacked["attacked"] == result.metric("attack_success_rate", key="all").n > 50
    assert result.metric("valid_share").value == 1.0
    assert result.metric("missed_share", key="exact@0.15").value == 0.0
    assert result.notes[0].startswith("rows in current: 500; ")


def test_t5_a_gap_stays_unless_the_threat_model_opens_it():
    """Rows with a gap flip by their other values; more of them flip where it can be filled, or a value left out."""
    opened = {"features": {"score": {"may_be_filled": True, "may_be_omitted": True}}}
    rates, changed = [], []
    for threat in ({}, opened):
        subject = gapped(**threat)
        frame = subject.datasets["current"].frame
        marked = subject.with_frame("current", frame.assign(gap=frame["score"].isna()))
        rows = {"where": {"column": "gap", "equals": True}}
        result = evasion(marked, rows=rows, samples=40, epsilon=0.05, exact_rows=40)
        rates.append(result.metric("attack_success_rate", key="all").value)
        changed.append({row["feature"] for row in table(result, "changed_features")})
        assert result.metric("valid_share").value == 1.0
        assert result.metric("missed_share", key="exact@0.05").value <= 0.05
    assert changed[0] == {"debt"}
    assert "score (left out or filled in)" in changed[1]
    assert 0.0 < rates[0] < rates[1] - 0.3


def test_t5_a_model_that_refuses_gaps_is_attacked_on_its_other_rows():
    subject = scaled(RandomForestClassifier(6, max_depth=4, random_state=0), StandardScaler(), "float64")
    frame = subject.datasets["current"].frame
    holes = frame.assign(a=frame["a"].mask(frame.index % 3 == 0))
    strict = replace(subject.model, call=lambda rows: refuse_gaps(rows, subject.model.call))
    result = evasion(replace(subject, model=strict).with_frame("current", holes), attacks=["greedy"])
    assert (
        table(result, "rows")[1]["remark"]
        == "100 hold infinite values, gaps that the model refuses, or break a relation"
    )
    assert any("the model raises on rows without a:" in note for note in result.notes)


def refuse_gaps(rows: pd.DataFrame, call):
    if rows.isna().to_numpy().any():
        raise ValueError("Input X contains NaN")
    return call(rows)


def frauds(**more) -> Subject:
    """Card payments of which 17 in 10,000 are frauds, and a model that catches most of them at a low threshold."""
    draw = np.random.default_rng(9)
    count = 30_000
    fraud = np.zeros(count, dtype=int)
    fraud[draw.permutation(count)[:51]] = 1
    frame = pd.DataFrame(
        {"amount": draw.gamma(2, 40, count) + 120 * fraud, "hour": draw.integers(0, 24, count), "speed": draw.normal(0, 1, count) + 4 * fraud}
    )  # fmt: skip
    native = make_pipeline(StandardScaler(), LogisticRegression(C=10)).fit(frame, fraud)
    kinds = {"amount": {"kind": "numeric"}, "hour": {"kind": "integer"}, "speed": {"kind": "numeric"}}
    return subject_of(native, frame, fraud, kinds, decision_threshold=0.1, **more)


def test_t7_the_fraud_preset_attacks_frauds_that_are_caught_today():
    threat = ThreatModel(preset="fraud", mutable=("amount", "speed"))
    result = evasion(frauds(threat_model=threat), samples=200, attacks=["greedy", "hopskipjump"])
    steps = {row["step"]: row for row in table(result, "rows")}
    subject = frauds()
    caught = subject.model.predict(subject.features("current")) == 1
    assert steps["of them with label positive"]["rows"] == 51
    assert steps["attacked"]["rows"] == steps["drawn"]["rows"] == int((caught & (subject.target("current") == 1)).sum())
    assert steps["drawn"]["remark"] == "instead of 200: there are no more"
    assert result.metric("attack_success_rate", key="all").n == steps["attacked"]["rows"] >= 20
    assert "of them with label positive: 51" in result.notes[0]


def test_t7_rows_of_the_honest_are_drawn_where_the_policy_asks_for_all():
    threat = ThreatModel(preset="fraud", mutable=("amount", "speed"))
    result = evasion(frauds(threat_model=threat), rows="all", samples=60, attacks=["greedy"])
    assert [row["step"] for row in table(result, "rows")] == [
        "rows in current",
        "that can be attacked",
        "drawn",
        "attacked",
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({"predicted": "positive"}, lambda frame, answers: answers == 1),
        ({"label": 1, "where": {"column": "hour", "between": [0, 11]}}, lambda frame, answers: (frame["y"] == 1) & (frame["hour"] < 12)),
        ({"predicted": "negative", "label": "positive"}, lambda frame, answers: (frame["y"] == 1) & (answers == 0)),
    ],
    ids=["predicted", "label and condition", "missed"],
)  # fmt: skip
def test_t7_only_rows_of_the_selection_are_drawn(rows, expected):
    subject = frauds()
    frame = subject.datasets["current"].frame
    matching = int(expected(frame, subject.model.predict(subject.features("current"))).sum())
    result = evasion(subject, rows=rows, samples=500, attacks=["greedy"])
    assert {row["step"]: row["rows"] for row in table(result, "rows")}["drawn"] == matching
    value = result.metric("attack_success_rate", key="all")
    assert (value.value is None and value.absence == "uncertain") == (matching < 10)


def test_t7_too_few_rows_of_the_class_are_uncertain_and_never_pass():
    subject = frauds()
    few = subject.datasets["current"].frame.query("y == 0").head(2_000)
    few = pd.concat([few, subject.datasets["current"].frame.query("y == 1").head(4)], ignore_index=True)
    result = evasion(subject.with_frame("current", few), rows={"label": 1}, attacks=["greedy"], epsilon=[0.1, 0.2])
    assert {metric.absence for metric in result.metrics} == {"uncertain"}
    assert {metric.value for metric in result.metrics} == {None}
    assert result.metric("attack_success_rate_at", key="0.2").reason == (
        "fewer than 10 rows of it in this run, at least 10 are needed (label 1)"
    )


def test_t7_the_wanted_answer_says_which_rows_are_attacked():
    result = evasion(frauds(), to="negative", samples=500, attacks=["greedy"])
    steps = {row["step"]: row["rows"] for row in table(result, "rows")}
    assert steps["predicted positive"] == steps["attacked"] > 20


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"to": "negative", "rows": {"predicted": "negative"}}, "name the other answer"),
        ({"rows": {"where": {"column": "hour"}}}, "say which values"),
        ({"rows": {"predicted": "unknown"}}, "'positive' or 'negative'"),
    ],
)
def test_t7_a_selection_without_sense_is_a_mistake(params, sentence):
    with pytest.raises(ValueError, match=sentence):
        find("evasion").params.model_validate(params)


@pytest.mark.parametrize("params", [{"to": "negative"}, {"rows": {"predicted": "positive"}}])
@pytest.mark.parametrize("task", ["multiclass_classification", "regression"])
def test_t7_only_binary_classification_has_positive_answers(params, task):
    read = find("evasion").params.model_validate(params | ({"tolerance": 1.0} if task == "regression" else {}))
    ((name, sentence),) = read.misfits(task)
    assert name in params
    assert "answers of binary classification" in sentence
