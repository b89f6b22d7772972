"""Members and non-members of other distributions: what is told without the model is no leak of it, and a leak stays one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

from model_governance.checks.privacy.membership_inference import CHECK
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

BOUND = 0.6
FEATURES = list("abcd")


def rows(seed: int, *, moved: float) -> pd.DataFrame:
    """A curved law that a line follows only where it was fitted: later rows lie elsewhere on it."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(draw.normal(size=(800, 4)), columns=FEATURES)
    frame["a"] += moved
    return frame.assign(y=frame["a"] ** 2 + draw.normal(scale=0.5, size=800))


def measured(native, *, moved: float, **params):
    frames = {"train": rows(0, moved=0.0), "reference": rows(1, moved=moved)}
    native.fit(frames["train"][FEATURES], frames["train"]["y"])
    model = Model(name="m", format="skops", sha256="", task="regression", native=native, call=native.predict)
    data = {role: Dataset(role=role, uri=role, sha256=role, frame=frame) for role, frame in frames.items()}
    columns = Columns(features={name: Feature(kind="numeric") for name in FEATURES}, target="y")
    subject = Subject(name="m", task="regression", columns=columns, datasets=data, model=model)
    return CHECK.measure(subject, CHECK.params(fpr=[0.05], reference_models=4, **params), 1)


@pytest.fixture(scope="module")
def later():
    """A line, which memorises no row, asked about rows of another time."""
    return measured(Ridge(), moved=1.5)


@pytest.mark.parametrize("metric", ["attack_auc", "balanced_advantage", "tpr_at_fpr"])
def test_a_difference_of_the_groups_is_no_leak(later, metric):
    deciding = next(each.key for each in later.metrics if each.name == metric)
    found = later.metric(metric, key=deciding)
    guessing = {"attack_auc": 0.5, "balanced_advantage": 0.0, "tpr_at_fpr": 0.05}[metric]
    assert found.low <= guessing
    assert found.limits is None, "its limits at other levels would count the difference"


def test_the_attack_finds_the_difference_and_the_result_says_so(later):
    deciding = next(each.key for each in later.metrics if each.name == "attack_auc")
    assert later.metric("attack_auc", key=deciding).value > BOUND
    assert later.metric("blind_auc").low > BOUND
    assert "train and reference can be told apart without the model" in later.notes[0]


def test_no_memorisation_is_proven_then(later):
    bound = next(each for each in later.metrics if each.name == "memorisation_lower_bound")
    assert (bound.value, bound.absence) == (None, "uncertain")
    assert "datasets.population" in bound.reason


def test_a_model_that_memorises_is_found_all_the_same():
    result = measured(RandomForestRegressor(30, random_state=0), moved=0.3)
    deciding = next(each.key for each in result.metrics if each.name == "attack_auc")
    assert result.metric("blind_auc").low > 0.5
    assert result.metric("attack_auc", key=deciding).low > BOUND


def test_groups_of_one_distribution_keep_their_limits():
    result = measured(Ridge(), moved=0.0)
    blind = result.metric("blind_auc")
    assert blind.low < 0.5 < blind.high
    assert blind.detail == ""
    deciding = next(each.key for each in result.metrics if each.name == "attack_auc")
    assert result.metric("balanced_advantage", key=deciding).limits is not None
    assert next(each for each in result.metrics if each.name == "memorisation_lower_bound").value is not None
