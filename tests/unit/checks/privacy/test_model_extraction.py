"""Model extraction: what may be spent, what ART's attacks are given, and what must never be passed over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from pydantic import ValidationError

import synthetic
from model_governance.checks.privacy.model_extraction import CHECK
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Model, PreviousRun
from model_governance.errors import CheckError

SEED = 11


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject(240)


@pytest.fixture(scope="module")
def faulty(healthy):
    return CHECK.self_test.apply(healthy)


def measured(subject, **params):
    return CHECK.measure(
        subject, CHECK.params.model_validate({"attacks": ["public"], "query_budgets": [40]} | params), SEED
    )


def asked_rows(model: Model) -> tuple[Model, list[int]]:
    """The model, and how many rows each call showed it."""
    calls: list[int] = []

    def counting(frame):
        calls.append(len(frame))
        return model.call_proba(frame)

    return replace(model, call_proba=counting), calls


def test_arts_attacks_copy_the_model_too(faulty):
    result = measured(faulty, attacks=["knockoff_nets", "copycat_cnn"], query_budgets=[100])
    for attack in ("knockoff_nets", "copycat_cnn"):
        assert result.metric("fidelity", key=f"{attack}@100").low > 0.85
        assert result.metric("fidelity_gain", key=f"{attack}@100").low > 0.2


@pytest.mark.parametrize("attack", ["public", "knockoff_nets"])
def test_a_larger_query_budget_queries_only_further_rows(faulty, attack):
    model, calls = asked_rows(faulty.model)
    measured(replace(faulty, model=model), attacks=[attack], query_budgets=[30, 50])
    held_out = 120
    assert sum(calls) == held_out + 50


def test_a_budget_that_effort_does_not_allow_is_absent_with_the_reason(faulty):
    result = measured(faulty, query_budgets=[30, 50, 80], budget={"public": {"max_queries": 60}})
    assert result.metric("fidelity", key="public@50").value is not None
    missing = result.metric("fidelity_gain", key="public@80")
    assert missing.value is None
    assert "budget.public.max_queries allows 60 queries, of which 50 were used" in missing.reason


def test_a_budget_without_rows_is_absent_with_the_reason(faulty):
    result = measured(faulty, attacks=["public", "synthetic"], query_budgets=[40, 500])
    assert "needs as many public rows" in result.metric("fidelity", key="public@500").reason
    assert result.metric("fidelity", key="synthetic@500").value > 0.9, "rows can be made"
    assert "no 500 public rows with labels" in result.metric("fidelity_gain", key="synthetic@500").reason


def test_an_attack_that_is_not_due_keeps_its_last_metrics(faulty):
    params = {"attacks": ["public", "synthetic"], "budget": {"synthetic": {"every_runs": 7}}}
    first = measured(replace(faulty, logical_date=datetime(2026, 3, 2, tzinfo=UTC)), **params)
    stored = next(one for one in first.artifacts if one.name == "attack_schedule.json")
    earlier = PreviousRun(
        logical_date=datetime(2026, 3, 2, tzinfo=UTC),
        name=stored.name,
        key="k",
        sha256=stored.sha256,
        content=stored.content,
    )
    second = measured(replace(faulty, logical_date=datetime(2026, 3, 3, tzinfo=UTC), earlier=(earlier,)), **params)
    carried = second.metric("fidelity", key="synthetic@40")
    assert carried.value == first.metric("fidelity", key="synthetic@40").value
    assert "measured on 2026-03-02" in carried.detail


def test_three_classes_are_copied(healthy):
    def chances(frame):
        scores = np.column_stack([frame["income"] / 30, frame["debt"] / 12, 2.0 * (frame["channel"] == "web")])
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)

    model = replace(
        healthy.model, task="multiclass_classification", native=None, classes=(0, 1, 2), call_proba=chances,
        call=lambda frame: chances(frame).argmax(axis=1),
    )  # fmt: skip
    result = measured(replace(healthy, task="multiclass_classification", model=model))
    assert result.metric("fidelity", key="public@40").value == 1.0, "its log odds are linear"
    by_label = measured(
        replace(healthy, task="multiclass_classification", model=model),
        attacker_access={"outputs": "label"},
        query_budgets=[100],
    )
    assert by_label.metric("fidelity", key="public@100").value > 0.8


def test_a_gap_in_the_rows_is_no_obstacle(faulty):
    frame = faulty.datasets["reference"].frame.copy()
    frame.loc[::7, "income"] = np.nan
    frame.loc[::5, "region"] = None
    assert measured(faulty.with_frame("reference", frame)).metric("fidelity", key="public@40").value > 0.8


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(faulty):
    from threadpoolctl import threadpool_limits

    attacks = ["public", "knockoff_nets"]
    with threadpool_limits(limits=1):
        first = measured(faulty, attacks=attacks)
    second = measured(faulty, attacks=attacks)
    assert canonical_json(first.record()) == canonical_json(second.record())


def test_art_copies_no_regression(healthy):
    model = replace(
        healthy.model, task="regression", native=None, classes=(), call_proba=None,
        call=lambda frame: frame["income"].to_numpy(),
    )  # fmt: skip
    with pytest.raises(CheckError, match="copies classifiers"):
        measured(replace(healthy, task="regression", model=model), attacks=["knockoff_nets"])


def test_too_few_rows_are_an_error(healthy):
    few = healthy.with_frame("reference", healthy.datasets["reference"].frame.head(60))
    with pytest.raises(CheckError, match="at least 80 rows"):
        measured(few)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"attacks": ["public", "public"]}, "listed twice"),
        ({"query_budgets": [100, 40]}, "must ascend"),
        ({"query_budgets": [5]}, "greater than or equal to 20"),
        ({"attacks": ["adaptive"]}, "Input should be"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(params, words):
    with pytest.raises(ValidationError, match=words):
        CHECK.params.model_validate(params)
