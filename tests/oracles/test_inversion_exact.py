"""Model inversion where the right answer is known: memorised rows, a class that is one person, and models without memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from model_governance.checks.privacy.model_inversion import CHECK
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

NAMES = ("a", "b", "c", "d")
COLUMNS = Columns(features={name: Feature(kind="numeric") for name in NAMES}, target="label")
SEED = 4
QUICK = {"restarts": 30, "refinements": 40, "sweeps": 3, "resamples": 400}


def rows(count: int, *, seed: int) -> pd.DataFrame:
    """Two broad classes, a little apart."""
    draw = np.random.default_rng(seed)
    label = draw.integers(0, 2, count)
    cells = draw.normal(size=(count, len(NAMES))) + 0.8 * label[:, None]
    return pd.DataFrame(cells, columns=list(NAMES)).assign(label=label)


def as_model(chances, classes=(0, 1)) -> Model:
    return Model(
        name="known", format="known", sha256="0" * 64, task="binary_classification", native=None,
        call=lambda frame: np.array(classes)[chances(frame).argmax(axis=1)], call_proba=chances, classes=classes,
    )  # fmt: skip


def subject_of(model: Model, train: pd.DataFrame, outside: pd.DataFrame) -> Subject:
    datasets = {
        role: Dataset(role=role, uri=role, sha256="0" * 64, frame=frame)
        for role, frame in (("train", train), ("reference", outside))
    }
    return Subject(name="known", task=model.task, columns=COLUMNS, datasets=datasets, model=model)


def broad(frame: pd.DataFrame) -> np.ndarray:
    """The true posterior of the two classes; it has seen nobody."""
    score = 0.8 * (frame[list(NAMES)].sum(axis=1).to_numpy() - 0.4 * len(NAMES))
    chance = 1 / (1 + np.exp(-score))
    return np.column_stack([1 - chance, chance])


def measured(subject: Subject, **params):
    return CHECK.measure(subject, CHECK.params.model_validate(QUICK | params), SEED)


def test_rows_that_a_model_remembers_come_back_exactly():
    train = rows(120, seed=1)
    result = measured(CHECK.self_test.apply(subject_of(as_model(broad), train, rows(240, seed=2))))
    for label in ("0", "1"):
        ratio = result.metric("nearest_training_distance_ratio", key=f"search@{label}")
        assert ratio.high < 0.5
        assert ratio.p_value < 0.001
        assert result.metric("inversion_gain", key=f"search@{label}").low <= 0, (
            "single rows say little of a broad class"
        )
    assert "reveals single training rows" in result.highlights[0]


def test_a_model_that_saw_nobody_gives_nobody_back():
    """The p-value is uniform then: of eight, three at most lie below a tenth in 99 of 100 worlds."""
    small = 0
    for night in range(4):
        result = measured(
            subject_of(as_model(broad), rows(80, seed=10 + night), rows(160, seed=20 + night)), restarts=15
        )
        for label in ("0", "1"):
            small += result.metric("nearest_training_distance_ratio", key=f"search@{label}").p_value < 0.1
            assert result.metric("inversion_gain", key=f"search@{label}").high < 0.1
    assert small <= 3


def test_a_class_that_is_one_person_is_rebuilt_although_no_single_row_is_remembered():
    """Twelve rows around one face in training, as many of the same face held out: no memory, and the face is known."""
    face = np.array([2.5, -2.0, 2.0, -2.5])
    draw = np.random.default_rng(6)

    def of_face(count: int) -> pd.DataFrame:
        return pd.DataFrame(face + 0.2 * draw.normal(size=(count, 4)), columns=list(NAMES)).assign(label=1)

    def crowd(count: int) -> pd.DataFrame:
        return pd.DataFrame(1.5 * draw.normal(size=(count, 4)), columns=list(NAMES)).assign(label=0)

    def chances(frame: pd.DataFrame) -> np.ndarray:
        away = np.square((frame[list(NAMES)].to_numpy() - face) / 2.0).sum(axis=1)
        chance = np.exp(-0.5 * away)
        return np.column_stack([1 - chance, chance])

    train = pd.concat([crowd(150), of_face(12)], ignore_index=True)
    outside = pd.concat([crowd(300), of_face(3)], ignore_index=True)
    result = measured(subject_of(as_model(chances), train, outside))
    assert result.metric("inversion_gain", key="search@1").low > 0.5
    assert result.metric("inversion_gain", key="search@0").high < 0.1, "the crowd stays a crowd"
    assert "can be reconstructed" in " ".join(result.highlights)
    assert (
        "too few rows of class '1' are held out"
        in result.metric("nearest_training_distance_ratio", key="search@1").reason
    )


def test_gradient_ascent_finds_the_peak_that_a_gradient_leads_to():
    """log odds -|x - peak|^2: MIFace must end where the model is surest, ART's own stopping rule notwithstanding."""
    peak = np.array([1.0, -0.5, 0.5, -1.0])

    def scores(frame: pd.DataFrame) -> np.ndarray:
        score = 6.0 - np.square(frame[list(NAMES)].to_numpy() - peak).sum(axis=1) * 3
        return np.column_stack([np.zeros(len(frame)), score])

    def chances(frame: pd.DataFrame) -> np.ndarray:
        chance = 1 / (1 + np.exp(-scores(frame)[:, 1]))
        return np.column_stack([1 - chance, chance])

    def slope(frame: pd.DataFrame, weights: np.ndarray) -> np.ndarray:
        return weights[:, 1:] * -6.0 * (frame[list(NAMES)].to_numpy() - peak)

    model = replace(as_model(chances), call_logits=scores, call_gradient=slope)
    result = measured(subject_of(model, rows(80, seed=1), rows(160, seed=2)), attacks=["miface"], max_iterations=60)
    best = float(1 / (1 + np.exp(-6.0)))
    assert result.metric("confidence_reached", key="miface@1").value == pytest.approx(best, abs=0.005)
