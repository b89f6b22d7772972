"""Attribute inference where the right answer is known: a coin, a noisy copy of the label, an output that encodes the attribute."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model_governance.checks.privacy.attribute_inference import CHECK
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

COLUMNS = Columns(
    features={
        "income": Feature(kind="numeric"),
        "debt": Feature(kind="numeric"),
        "age": Feature(kind="integer"),
        "coin": Feature(kind="boolean"),
    },
    target="label",
)
SEED = 5


def rows(count: int, *, seed: int) -> pd.DataFrame:
    """People with a coin in their pocket that nothing depends on."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": draw.gamma(4.0, 15.0, count),
            "debt": draw.gamma(2.0, 12.0, count),
            "age": draw.integers(18, 91, count),
            "coin": draw.integers(0, 2, count).astype(bool),
        }
    )
    score = (frame["income"] - 60) / 25 - (frame["debt"] - 24) / 15
    frame["label"] = (score + draw.logistic(0, 1.0, count) > 0).astype(int)
    return frame


def subject_of(model: Model, train: pd.DataFrame, outside: pd.DataFrame) -> Subject:
    frames = {"train": train, "population": outside, "reference": outside}
    datasets = {role: Dataset(role=role, uri=role, sha256="0" * 64, frame=frame) for role, frame in frames.items()}
    return Subject(name="coin", task="binary_classification", columns=COLUMNS, datasets=datasets, model=model)


def as_model(chances) -> Model:
    """A model from its probability of class 1, (n,) for a frame."""
    return Model(
        name="known", format="known", sha256="0" * 64, task="binary_classification", native=None,
        call=lambda frame: (chances(frame) > 0.5).astype(int),
        call_proba=lambda frame: np.column_stack([1 - chances(frame), chances(frame)]),
        classes=(0, 1),
    )  # fmt: skip


def blind(frame: pd.DataFrame) -> np.ndarray:
    """The true probability: it knows no single person, and no coin."""
    score = (frame["income"] - 60) / 25 - (frame["debt"] - 24) / 15
    return (1 / (1 + np.exp(-score))).to_numpy()


def forest(train: pd.DataFrame, **shape) -> Model:
    from sklearn.ensemble import RandomForestClassifier

    fitted = RandomForestClassifier(40, random_state=0, n_jobs=1, **shape)
    fitted.fit(train[list(COLUMNS.names)].astype(float), train["label"])
    return as_model(lambda frame: fitted.predict_proba(frame.astype(float))[:, 1])


def measured(subject: Subject, **params):
    return CHECK.measure(subject, CHECK.params.model_validate({"sensitive": ["coin"]} | params), SEED)


@pytest.fixture(scope="module")
def sides():
    return rows(800, seed=1), rows(1600, seed=2)


def test_a_model_that_memorises_tells_the_coin_of_its_members_and_of_nobody_else(sides):
    result = measured(subject_of(forest(sides[0]), *sides))
    assert result.metric("attack_accuracy", key="confidence@coin").low > 0.6
    for name in ("attack_gain", "member_gap"):
        assert result.metric(name, key="confidence@coin").low > 0.05, name
    named = {(row[0], row[1]): row for row in result.tables[0].rows}
    assert named["coin", "confidence"][8] < 0.5 < named["coin", "confidence"][9], "non-members: a guess"
    assert "memorises" in result.highlights[0]


def test_without_memory_every_attack_guesses(sides):
    attacks = ["confidence", "bayes", "output", "art_black_box", "art_baseline"]
    result = measured(subject_of(as_model(blind), *sides), attacks=attacks)
    for attack in attacks:
        accuracy = result.metric("attack_accuracy", key=f"{attack}@coin")
        assert accuracy.low < 0.5 < accuracy.high, attack
        for name in ("attack_gain", "member_gap"):
            assert result.metric(name, key=f"{attack}@coin").low <= 0, (attack, name)


def test_a_regularised_forest_does_not_reach_what_a_policy_would_refuse(sides):
    result = measured(subject_of(forest(sides[0], max_depth=4, min_samples_leaf=25), *sides), attacks=["confidence"])
    assert result.metric("attack_gain", key="confidence@coin").value < 0.1


def test_no_alarm_without_memory_beyond_the_level_that_an_interval_states():
    """Each lower bound lies above the truth in 2.5% of nights; five nights of six numbers hold three such at most."""
    alarms = 0
    for night in range(5):
        subject = subject_of(as_model(blind), rows(200, seed=100 + night), rows(400, seed=200 + night))
        result = measured(subject)
        alarms += sum(one.low > 0 for one in result.metrics if one.name in ("attack_gain", "member_gap"))
    assert alarms <= 3


def test_an_attribute_that_the_label_gives_away_is_no_leak_of_the_model(sides):
    """The label is the attribute with 20% of it flipped: 80% can be named, with the model and without."""

    def copied(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
        flipped = np.random.default_rng(seed).random(len(frame)) < 0.2
        return frame.assign(label=(frame["coin"].to_numpy() ^ flipped).astype(int))

    train, outside = (copied(one, seed) for seed, one in enumerate(sides))
    model = as_model(lambda frame: np.where(frame["coin"].to_numpy(dtype=bool), 0.8, 0.2))
    result = measured(subject_of(model, train, outside), attacks=["confidence", "bayes"])
    assert result.metric("imputation_accuracy", key="coin").value == pytest.approx(0.8, abs=0.03)
    for attack in ("confidence", "bayes"):
        assert result.metric("attack_accuracy", key=f"{attack}@coin").value == pytest.approx(0.8, abs=0.03)
        assert abs(result.metric("attack_gain", key=f"{attack}@coin").value) < 0.02


def test_an_answer_that_spells_the_attribute_is_disclosure_and_not_memory(sides):
    def loud(frame: pd.DataFrame) -> np.ndarray:
        return 0.9 * blind(frame).round(2) + 0.001 * frame["coin"].to_numpy(dtype=float)

    def spelt(frame: pd.DataFrame) -> np.ndarray:
        return np.where(frame["coin"].to_numpy(dtype=bool), 0.9, 0.6)

    result = measured(subject_of(as_model(spelt), *sides), attacks=["output"])
    assert result.metric("attack_accuracy", key="output@coin").value > 0.99
    assert result.metric("attack_gain", key="output@coin").low > 0.4
    gap = result.metric("member_gap", key="output@coin")
    assert gap.low <= 0 <= gap.high
    assert "disclose" in result.highlights[0]
    quiet = measured(subject_of(as_model(loud), *sides), attacks=["output"], attacker_access={"decimals": 1})
    assert quiet.metric("attack_gain", key="output@coin").low <= 0.05, "an endpoint that rounds hides it"


def test_sides_of_another_composition_are_not_taken_for_memory(sides):
    """Four fifths of train have the coin, half of the others; an attack that says heads is right more often there."""
    train = sides[0].assign(coin=sides[0]["coin"] | (np.random.default_rng(9).random(len(sides[0])) < 0.6))

    def surer_of_heads(frame: pd.DataFrame) -> np.ndarray:
        reach = np.where(frame["coin"].to_numpy(dtype=bool), 0.4, 0.1)
        return 0.5 + np.where(blind(frame) > 0.5, reach, -reach)

    result = measured(subject_of(as_model(surer_of_heads), train, sides[1]), attacks=["confidence"])
    named = {row[1]: row for row in result.tables[0].rows}["confidence"]
    assert named[3] - named[7] > 0.1, "members seem to be remembered"
    gap = result.metric("member_gap", key="confidence@coin")
    assert gap.low <= 0 <= gap.high
