"""Attribute inference: what the policy may say, what the attacker knows, and what must never be passed over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import ValidationError

import synthetic
from model_governance.checks.privacy.attribute_inference import CHECK
from model_governance.checks.privacy.attribute_inference.candidates import candidate_values
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import PreviousRun
from model_governance.errors import CheckError

SEED = 11


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject(240)


@pytest.fixture(scope="module")
def faulty(healthy):
    return CHECK.self_test.apply(healthy)


def measured(subject, **params):
    asked = {"sensitive": ["channel"], "attacks": ["confidence"]} | params
    return CHECK.measure(subject, CHECK.params.model_validate(asked), SEED)


def named(result) -> dict[tuple[str, str], tuple]:
    return {(row[0], row[1]): row for row in result.tables[0].rows}


def test_a_memory_is_found_by_asking_and_missed_by_art(faulty):
    result = measured(faulty, attacks=["confidence", "art_black_box"])
    assert result.metric("attack_gain", key="confidence@channel").low > 0.15
    assert result.metric("member_gap", key="confidence@channel").low > 0.15
    assert result.metric("attack_gain", key="art_black_box@channel").low <= 0.1


def test_numbers_are_cut_into_bins_and_named(healthy):
    frame = healthy.datasets["reference"].frame
    params = CHECK.params.model_validate({"sensitive": ["age", "income"], "bins": {"age": [40, 65]}})
    ages, incomes = (candidate_values(frame[name], params) for name in ("age", "income"))
    assert set(ages.names) == {"below 40", "40 to below 65", "65 and above"}
    assert len(incomes.names) == 4, "quartiles where the policy gives no bins"
    edge = ages.encode(frame["age"].head(2).mask(frame["age"] > 0, 40))
    assert [ages.names[one] for one in edge] == ["40 to below 65"] * 2


def test_a_bin_is_attacked_like_a_value(faulty):
    result = measured(faulty, sensitive=["age"], bins={"age": [55]}, fill_rows=20)
    assert result.metric("attack_gain", key="confidence@age").low > 0.05


def test_what_the_attacker_does_not_know_is_filled_in_and_not_read(faulty):
    known = measured(faulty, sensitive=["channel"])
    hidden = measured(faulty, sensitive=["channel"], unknown={"channel": ["income"]}, fill_rows=3)
    assert named(hidden)["channel", "confidence"][10] == 3 * named(known)["channel", "confidence"][10]
    assert hidden.metric("attack_gain", key="confidence@channel").low <= 0, "without income no row is recognised"
    assert any("income where channel is attacked" in note for note in hidden.notes)


def test_a_column_that_is_no_feature_is_attacked_by_the_output_only(healthy):
    def with_secret(role: str):
        frame = healthy.datasets[role].frame
        return frame.assign(secret=np.where(frame["income"] > 60, "rich", "poor"))

    subject = healthy.with_frame("train", with_secret("train")).with_frame("reference", with_secret("reference"))
    result = measured(subject, sensitive=["secret"], attacks=["output"])
    assert result.metric("imputation_accuracy", key="secret").value > 0.9, "income says it all"
    assert result.metric("attack_gain", key="output@secret").low <= 0
    with pytest.raises(CheckError, match="no feature of the model"):
        measured(subject, sensitive=["secret"], attacks=["confidence"])


def test_a_query_budget_reaches_fewer_rows_and_the_notes_say_so(faulty):
    result = measured(faulty, budget={"confidence": {"max_queries": 200}})
    row = named(result)["channel", "confidence"]
    assert row[2] == row[6] == 50
    assert row[10] == 200
    assert any("reached 50 of 240 members" in note for note in result.notes)
    with pytest.raises(CheckError, match=r"set budget\.confidence\.max_queries to 160 or more"):
        measured(faulty, budget={"confidence": {"max_queries": 100}})


def test_an_attack_that_is_not_due_keeps_its_last_metrics(faulty):
    budget = {"output": {"every_runs": 7}}
    params = CHECK.params.model_validate(
        {"sensitive": ["channel"], "attacks": ["confidence", "output"], "budget": budget}
    )
    monday = replace(faulty, logical_date=datetime(2026, 3, 2, tzinfo=UTC))
    first = CHECK.measure(monday, params, SEED)
    stored = next(one for one in first.artifacts if one.name == "attack_schedule.json")
    earlier = PreviousRun(
        logical_date=datetime(2026, 3, 2, tzinfo=UTC),
        name=stored.name,
        key="k",
        sha256=stored.sha256,
        content=stored.content,
    )
    second = CHECK.measure(
        replace(faulty, logical_date=datetime(2026, 3, 3, tzinfo=UTC), earlier=(earlier,)), params, SEED
    )
    carried = second.metric("attack_gain", key="output@channel")
    assert carried.value == first.metric("attack_gain", key="output@channel").value
    assert "measured on 2026-03-02" in carried.detail
    assert ("channel", "output") not in named(second)


def test_a_model_that_returns_labels_only_is_attacked_too(faulty):
    result = measured(faulty, attacks=["confidence", "bayes"], attacker_access={"outputs": "label"})
    assert result.metric("attack_gain", key="confidence@channel").n == 240
    assert any("only the label" in note for note in result.notes)


def test_a_regression_is_attacked_through_its_errors(healthy):
    """A model that knows the debt of its members exactly when it is asked with their channel."""
    train = healthy.datasets["train"].frame
    known = dict(zip(train["income"], zip(train["channel"], train["debt"], strict=True), strict=True))

    def value(frame):
        rows = zip(frame["income"], frame["channel"], strict=True)
        return np.array([known[a][1] if a in known and known[a][0] == b else 24.0 for a, b in rows])

    columns = healthy.columns.model_copy(
        update={
            "features": {name: one for name, one in healthy.columns.features.items() if name != "debt"},
            "target": "debt",
            "positive": None,
        }
    )
    model = replace(healthy.model, task="regression", call=value, call_proba=None, classes=(), native=None)
    subject = replace(healthy, task="regression", columns=columns, model=model)
    result = measured(subject, attacks=["confidence", "bayes", "output", "art_black_box"])
    assert result.metric("attack_gain", key="confidence@channel").low > 0.3
    assert result.metric("member_gap", key="confidence@channel").low > 0.3


def test_rare_values_are_excluded_and_counted(healthy):
    frame = healthy.datasets["train"].frame.copy()
    frame.loc[:4, "channel"] = "telegraph"
    result = measured(healthy.with_frame("train", frame), attacks=["output"])
    assert result.metric("attack_accuracy", key="output@channel").n == 235
    assert any("5 rows have none of its frequent values" in note for note in result.notes)
    assert b"telegraph" not in canonical_json(result.record())


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(faulty):
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        first = measured(faulty, attacks=["confidence", "output", "art_baseline"])
    second = measured(faulty, attacks=["confidence", "output", "art_baseline"])
    assert canonical_json(first.record()) == canonical_json(second.record())


def test_no_cell_of_a_row_is_in_the_record(faulty):
    result = measured(faulty, sensitive=["region"])
    text = canonical_json(result.record()).decode()
    frame = faulty.datasets["train"].frame
    assert not [one for one in frame["income"] if repr(one) in text]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"sensitive": ["channel", "channel"]}, "listed twice"),
        ({"unknown": {"age": ["income"]}}, "name the column in sensitive too"),
        ({"unknown": {"channel": ["channel"]}}, "never known"),
        ({"bins": {"channel": [2, 1]}}, "must ascend"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(params, words):
    with pytest.raises(ValidationError, match=words):
        CHECK.params.model_validate({"sensitive": ["channel"]} | params)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"sensitive": ["label"]}, "the attacker knows the label"),
        ({"unknown": {"channel": ["nothing"]}}, "no feature of the model"),
        ({"bins": {"channel": [1.0]}}, "holds no numbers"),
        ({"budget": {"bayes": {}}}, "which attacks does not list"),
    ],
)
def test_what_cannot_be_measured_is_an_error(healthy, params, words):
    with pytest.raises(CheckError, match=words):
        measured(healthy, **params)


def test_one_value_is_nothing_to_tell_apart(healthy):
    frame = healthy.datasets["reference"].frame.assign(channel="web")
    with pytest.raises(CheckError, match="nothing to infer"):
        measured(healthy.with_frame("reference", frame))


def test_labels_of_another_model_are_refused(healthy):
    frame = healthy.datasets["train"].frame.assign(label=7)
    with pytest.raises(CheckError, match="240 of 240 labels"):
        measured(healthy.with_frame("train", frame))
