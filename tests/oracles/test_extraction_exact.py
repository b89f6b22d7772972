"""Model extraction where the right answer is known: linear models are copied exactly, perfect labels need no model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import synthetic
from model_governance.checks.privacy.model_extraction import CHECK

SEED = 3


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject(400)


def measured(subject, **params):
    return CHECK.measure(
        subject, CHECK.params.model_validate({"attacks": ["public"], "query_budgets": [20]} | params), SEED
    )


def test_a_linear_model_is_copied_from_as_many_answers_as_it_has_coefficients(healthy):
    """Nine coefficients: twenty probabilities solve for all of them (Tramer et al., 2016)."""
    result = measured(healthy, attacks=["public", "synthetic"])
    for attack in ("public", "synthetic"):
        assert result.metric("fidelity", key=f"{attack}@20").value == 1.0


def test_labels_only_and_few_decimals_reveal_less(healthy):
    full = measured(healthy).metric("fidelity", key="public@20").value
    label = measured(healthy, attacker_access={"outputs": "label"}).metric("fidelity", key="public@20").value
    rough = measured(healthy, attacker_access={"decimals": 1}).metric("fidelity", key="public@20").value
    assert label < full
    assert rough < full


def test_a_linear_regression_is_copied_exactly(healthy):
    def value(frame):
        return 3 * frame["income"] - 2 * frame["debt"] + 40.0 * (frame["channel"] == "web") + 5

    columns = healthy.columns.model_copy(update={"target": "label", "positive": None})
    model = replace(
        healthy.model, task="regression", native=None, call=lambda frame: value(frame).to_numpy(), call_proba=None,
        classes=(),
    )  # fmt: skip
    result = measured(replace(healthy, task="regression", columns=columns, model=model), resamples=200)
    assert result.metric("fidelity", key="public@20").value == pytest.approx(1.0, abs=1e-6)
    assert result.metric("fidelity_gain", key="public@20").low > 0.2, "labels of 0 and 1 tell nothing of that scale"


def test_a_model_that_says_what_the_labels_say_gives_nothing_away(healthy):
    """Labels without noise are the model's answers: both copies are the same."""
    frame = healthy.datasets["reference"].frame
    labelled = frame.assign(label=healthy.model.predict(frame[list(healthy.columns.names)]))
    result = measured(
        healthy.with_frame("reference", labelled), attacker_access={"outputs": "label"}, query_budgets=[40, 100]
    )
    for budget in (40, 100):
        gain = result.metric("fidelity_gain", key=f"public@{budget}")
        assert gain.value == 0
        assert gain.low <= 0 <= gain.high


def test_a_constant_model_is_copied_by_anybody(healthy):
    model = replace(
        healthy.model, native=None, call=lambda frame: np.ones(len(frame), dtype=int),
        call_proba=lambda frame: np.tile([0.2, 0.8], (len(frame), 1)),
    )  # fmt: skip
    result = measured(replace(healthy, model=model))
    assert result.metric("constant_fidelity").value == 1.0
    assert result.metric("fidelity", key="public@20").value == 1.0
