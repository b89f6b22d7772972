"""Model inversion: valid values, budgets, and what must never be passed over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

import synthetic
from model_governance.checks.privacy.model_inversion import CHECK
from model_governance.contract.result import canonical_json
from model_governance.errors import CheckError

SEED = 11
QUICK = {"restarts": 10, "refinements": 10, "sweeps": 1, "resamples": 200}


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject(160)


def measured(subject, **params):
    return CHECK.measure(subject, CHECK.params.model_validate(QUICK | params), SEED)


def watched(subject):
    """The subject, and every frame that its model is asked about."""
    frames = []

    def watching(frame):
        frames.append(frame)
        return subject.model.call_proba(frame)

    return replace(subject, model=replace(subject.model, call_proba=watching)), frames


def test_every_row_that_is_tried_is_valid(healthy):
    subject, frames = watched(CHECK.self_test.apply(healthy))
    measured(subject)
    public = healthy.datasets["reference"].frame
    assert len(frames) > 10
    for frame in frames:
        assert set(frame["region"]) <= set(public["region"])
        assert (frame["age"] == frame["age"].round()).all()
        assert frame["income"].between(public["income"].min(), public["income"].max()).all()
        assert frame.dtypes.equals(public[list(frame.columns)].dtypes)


def test_a_budget_of_queries_cuts_the_search_and_says_so(healthy):
    subject, frames = watched(CHECK.self_test.apply(healthy))
    result = measured(subject, budget={"search": {"max_queries": 500}})
    assert sum(map(len, frames)) <= 500
    assert any("stopped when its query budget was spent" in note for note in result.notes)
    assert result.metric("confidence_reached", key="search@1").value > 0


def test_only_the_largest_classes_are_rebuilt(healthy):
    result = measured(healthy, max_classes=1)
    assert {one.key for one in result.metrics} == {"search@1"}


def test_a_model_that_returns_labels_only_is_searched_by_its_neighbours(healthy):
    result = measured(healthy, attacker_access={"outputs": "label"})
    assert result.metric("confidence_reached", key="search@1").value > 0.8
    assert any("only the label" in note for note in result.notes)


def test_missing_cells_are_no_obstacle(healthy):
    frame = healthy.datasets["train"].frame.copy()
    frame.loc[::5, "region"] = None
    assert measured(healthy.with_frame("train", frame)).status == "measured"


def test_no_gradient_is_an_error_and_never_a_pass(healthy):
    model = replace(healthy.model, call_gradient=None)
    with pytest.raises(CheckError, match="use search"):
        measured(replace(healthy, model=model), attacks=["miface"])


def test_the_same_seed_gives_the_same_bytes(healthy):
    first, second = (measured(healthy) for _ in range(2))
    assert canonical_json(first.record()) == canonical_json(second.record())


def test_no_reconstructed_row_is_in_the_record(healthy):
    text = canonical_json(measured(CHECK.self_test.apply(healthy)).record()).decode()
    cells = healthy.datasets["train"].frame["income"]
    assert not [one for one in cells if one % 1 and f"{one:.6g}" in text]


def test_few_rows_are_an_error(healthy):
    few = healthy.with_frame("reference", healthy.datasets["reference"].frame.head(30))
    with pytest.raises(CheckError, match="at least 40 rows"):
        measured(few)
    nobody = healthy.with_frame("train", healthy.datasets["train"].frame.head(4))
    with pytest.raises(CheckError, match="no class has 5 rows"):
        measured(nobody)


@pytest.mark.parametrize(
    ("params", "words"),
    [({"attacks": ["search", "search"]}, "listed twice"), ({"stop_confidence": 1.0}, "less than 1")],
)
def test_a_policy_that_makes_no_sense_is_refused(params, words):
    with pytest.raises(ValidationError, match=words):
        CHECK.params.model_validate(params)


def test_distances_are_gowers(healthy):
    from model_governance.attacks.gower import GowerDistance

    frame = healthy.datasets["reference"].frame[list(healthy.columns.names)]
    gower = GowerDistance.fit(frame, healthy.columns)
    apart = gower.pairwise(frame.head(5), frame.head(7))
    assert apart.shape == (5, 7)
    assert np.diag(apart).max() == 0
    assert 0 <= apart.min() <= apart.max() <= 1
    changed = frame.head(1).assign(region="nowhere")
    assert gower.pairwise(changed, frame.head(1))[0, 0] == pytest.approx(1 / 5)
