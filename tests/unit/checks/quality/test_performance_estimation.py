from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import synthetic
from estimation_cases import classifier, drawn, measure, measured, regressor, subject_of
from model_governance.checks.quality.performance_estimation import CHECK
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Feature, Model
from model_governance.errors import CheckError

DEMO = Path(__file__).resolve().parents[4] / "include" / "demo"


def case(reference=None, current=None, model=None, *, kind: str = "numeric"):
    reference = drawn(1000, seed=1) if reference is None else reference
    current = drawn(800, seed=2) if current is None else current
    return subject_of(reference, current, model or classifier(), x=kind)


def test_it_needs_no_labels_of_current_and_says_what_it_could_not_compare():
    result = measure(case(current=drawn(800, seed=2).drop(columns="label")))
    assert result.metric("estimated_accuracy").value is not None
    for name in ("realised_accuracy", "estimation_error"):
        assert result.metric(name).value is None
        assert "labels are not in" in result.metric(name).reason


def test_rows_near_the_boundary_are_found_to_be_harder():
    hard = measure(case(current=drawn(800, seed=2, spread=0.3).drop(columns="label")))
    rise = hard.metric("estimated_loss_increase")
    assert rise.low > 0.05
    assert rise.p_value < 1e-6
    easy = measure(case(current=drawn(800, seed=2, spread=3.0).drop(columns="label")))
    assert easy.metric("estimated_loss_increase").high < 0
    assert easy.metric("estimated_loss_increase").p_value > 0.999


def test_a_quiet_night_is_no_evidence():
    p_values = [
        measure(case(drawn(500, seed=10 + number), drawn(300, seed=90 + number)), resamples=50)
        .metric("estimated_loss_increase")
        .p_value
        for number in range(6)
    ]
    assert sum(p_value < 0.05 for p_value in p_values) <= 2
    assert min(p_values) < 0.5 < max(p_values)


def test_concept_drift_is_invisible_until_labels_arrive():
    turned = drawn(800, seed=2)
    turned["label"] = 1 - turned["label"]
    result = measure(case(current=turned))
    assert result.metric("estimated_accuracy").low > 0.65
    assert result.metric("realised_accuracy").high < 0.35
    error = result.metric("estimation_error")
    assert error.low > 0.3
    assert error.p_value < 1e-9
    assert any("concept drift" in note for note in result.notes)


def test_labels_that_are_partly_in_are_compared_row_by_row():
    current = drawn(800, seed=2).astype({"label": "float"})
    current.loc[100:, "label"] = np.nan
    result = measure(case(current=current))
    assert result.metric("realised_accuracy").n == result.metric("estimation_error").n == 100
    assert result.metric("estimated_accuracy").n == 800
    assert result.metric("estimation_error").low < 0 < result.metric("estimation_error").high


def test_values_that_the_reference_never_showed_are_counted():
    reference = pd.DataFrame({"x": np.linspace(-1, 1, 200), "label": [0, 1] * 100})
    current = pd.DataFrame({"x": [5.0] * 30 + [0.0] * 70})
    assert measure(case(reference, current)).metric("outside_reference_share").value == pytest.approx(0.3)


def test_a_model_that_names_nobody_has_no_precision():
    model = replace(classifier(), call=lambda frame: np.zeros(len(frame), dtype=int))
    result = measure(case(model=model))
    assert result.metric("estimated_precision").value is None
    assert "one class only" in result.metric("estimated_precision").reason
    assert result.metric("estimated_recall").value == 0
    assert result.metric("estimated_recall").low is None


def test_without_probabilities_there_is_no_estimate():
    with pytest.raises(CheckError, match="no class probabilities"):
        measure(case(model=replace(classifier(), call_proba=None)))


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (drawn(60, seed=1), "at least 100"),
        (drawn(200, seed=1).assign(label=1), "no calibration can be learned"),
        (drawn(200, seed=1).assign(label="yes"), "does not know"),
    ],
)
def test_a_reference_that_teaches_nothing_is_refused(reference, words):
    with pytest.raises(CheckError, match=words):
        measure(case(reference))


def test_the_positive_class_may_be_the_first():
    subject = case()
    first = replace(subject, columns=Columns(features=subject.columns.features, target="label", positive=0))
    result, usual = measure(first), measure(subject)
    assert result.metric("estimated_recall").value == pytest.approx(
        usual.metric("estimated_specificity").value, abs=0.01
    )
    assert result.metric("estimated_roc_auc").value == pytest.approx(usual.metric("estimated_roc_auc").value, abs=0.01)


def test_of_several_classes_it_estimates_accuracy():
    draw = np.random.default_rng(1)

    def rows(count: int) -> pd.DataFrame:
        frame = pd.DataFrame({"x": draw.normal(size=count)})
        frame["label"] = np.where(
            draw.random(count) < 0.7, np.clip(np.round(frame["x"]), -1, 1), draw.integers(-1, 2, count)
        )
        return frame

    def chances(frame: pd.DataFrame) -> np.ndarray:
        distance = np.exp(-2 * (frame["x"].to_numpy()[:, None] - np.array([-1.0, 0.0, 1.0])) ** 2)
        return distance / distance.sum(axis=1, keepdims=True)

    model = Model(
        name="case", format="skops", sha256="0" * 64, task="multiclass_classification", native=None,
        classes=(-1, 0, 1), call=lambda frame: chances(frame).argmax(axis=1) - 1, call_proba=chances,
    )  # fmt: skip
    result = measure(case(rows(2000), rows(1500), model))
    accuracy = result.metric("estimated_accuracy")
    assert accuracy.low < result.metric("realised_accuracy").value < accuracy.high
    assert "estimated_f1" not in {metric.name for metric in result.metrics}


def test_errors_of_a_regression_grow_where_its_noise_does():
    reference, current = measured(800, seed=1), measured(400, seed=2, centre=2.0)
    subject = subject_of(reference, current, regressor(), x="numeric", site="category")
    result = measure(subject)
    assert result.metric("estimated_loss_increase").p_value < 0.01
    assert result.metric("realised_mae").value == pytest.approx(result.metric("estimated_mae").value, rel=0.3)
    late = measure(subject.with_frame("current", current.drop(columns="label")))
    assert late.metric("estimated_mae").value == result.metric("estimated_mae").value
    assert late.metric("estimation_error").value is None


def test_a_large_reference_is_sampled_and_says_so():
    result = measure(case(drawn(3000, seed=1)), fitting_rows=500)
    assert any("seeded sample of 500 of 3,000" in note for note in result.notes)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_split():
    subject = synthetic.subject()
    params = CHECK.params(resamples=50)
    once, again, other = (CHECK.measure(subject, params, seed) for seed in (1, 1, 2))
    assert canonical_json(once.record()) == canonical_json(again.record())
    assert once.metric("estimated_accuracy").value != other.metric("estimated_accuracy").value


def test_a_suggestion_speaks_of_the_drift_that_it_replaces():
    assert "severity warn" in CHECK.suggest(drawn(300, seed=1), case().columns).comment
    numbers = CHECK.suggest(measured(300, seed=1), case().columns)
    assert numbers.thresholds[0]["metric"] == "estimated_loss_increase"
    assert "learned from" in CHECK.suggest(pd.DataFrame({"x": [1.0]}), case().columns).comment


def test_three_years_of_the_survey_are_estimated_within_one_point(monkeypatch):
    monkeypatch.syspath_prepend(str(DEMO))
    sys.modules.pop("train", None)
    import train

    members, held_out = train.split()
    model = synthetic.as_model(train.fit(members.head(10_000)))
    kinds = dict.fromkeys(train.NUMBERS, "integer") | dict.fromkeys(train.CATEGORIES, "category")
    columns = Columns(features={name: Feature(kind=kind) for name, kind in kinds.items()}, target=train.TARGET)
    survey = pd.read_parquet(train.SOURCE)
    for year in (2016, 2017, 2018):
        subject = subject_of(held_out, survey[survey["year"] == year], model, x="numeric")
        result = measure(replace(subject, columns=columns))
        assert abs(result.metric("estimation_error").value) < 0.01, year
        assert result.metric("realised_accuracy").n > 69_000
