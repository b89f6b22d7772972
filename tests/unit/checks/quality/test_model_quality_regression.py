from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from model_governance.errors import CheckError, ModelMisbehaved
from quality_cases import against, measure, model_of, regression, subject_of


def drawn(count: int = 400, *, seed: int = 5):
    draw = np.random.default_rng(seed)
    label = draw.gamma(3.0, 10.0, count)
    return label, label * 0.9 + 2 + draw.normal(0, 4, count)


def test_its_numbers_are_those_of_scikit_learn():
    label, says = drawn()
    expected = {
        "mae": sk.mean_absolute_error(label, says),
        "rmse": sk.root_mean_squared_error(label, says),
        "r2": sk.r2_score(label, says),
        "bias": (says - label).mean(),
        "median_absolute_error": sk.median_absolute_error(label, says),
        "mape": sk.mean_absolute_percentage_error(label, says),
    }
    result = measure(regression(label, says))
    for name, value in expected.items():
        metric = result.metric(name)
        assert metric.value == pytest.approx(value, abs=1e-12), name
        assert metric.low < metric.value < metric.high, name
        assert metric.n == 400


def test_bias_is_positive_where_the_model_predicts_too_much():
    assert measure(regression([1.0, 2.0, 3.0], [2.0, 3.0, 5.0])).metric("bias").value == pytest.approx(4 / 3)


def test_a_target_of_zero_leaves_no_relative_error():
    result = measure(regression([0.0, 2.0, 4.0], [1.0, 2.0, 3.0]))
    assert result.metric("mape").value is None
    assert "1 of 3 targets are 0" in result.metric("mape").reason


def test_equal_targets_leave_no_variance_to_explain():
    result = measure(regression([3.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert result.metric("r2").value is None
    assert "all 5 targets are equal" in result.metric("r2").reason
    assert result.metric("mae").value == pytest.approx(1.2)


def test_constant_predictions_of_the_mean_explain_nothing():
    assert measure(regression([1.0, 2.0, 3.0], [2.0] * 3)).metric("r2").value == 0


def test_perfect_predictions_have_no_interval_as_nothing_varies():
    result = measure(regression([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]))
    assert (result.metric("mae").value, result.metric("r2").value) == (0, 1)
    assert result.metric("mae").low is None
    assert result.metric("r2").low is None


def test_numbers_of_a_database_are_numbers():
    result = measure(regression([Decimal("1.5"), Decimal("2.5")], [1.0, 2.0]))
    assert result.metric("mae").value == 0.5


@pytest.mark.parametrize("label", [["1.0", "2.0"], pd.to_datetime(["2025-01-01", "2025-01-02"])])
def test_targets_that_are_no_numbers_are_refused(label):
    with pytest.raises(CheckError, match="targets in column 'label' must be numbers"):
        measure(regression(label, [1.0, 2.0]))


def test_infinite_targets_are_refused():
    with pytest.raises(CheckError, match="1 of 2 targets in column 'label' are infinite"):
        measure(regression([1.0, np.inf], [1.0, 2.0]))


def test_predictions_that_are_no_numbers_are_the_models_fault():
    with pytest.raises(ModelMisbehaved, match="must predict numbers"):
        measure(regression([1.0, 2.0], ["one", "two"]))


def test_nan_predictions_surface():
    frame = pd.DataFrame({"label": [1.0, 2.0], "says": [1.0, 2.0]})
    with pytest.raises(ModelMisbehaved, match="NaN"):
        measure(subject_of(frame, model_of("regression", call=lambda rows: rows["says"].to_numpy() * np.nan)))


def test_large_targets_lose_no_digits_in_the_interval_of_r2():
    label, says = drawn()
    near, far = (measure(regression(label + shift, says + shift)).metric("r2") for shift in (0.0, 1e6))
    assert (far.low, far.high) == pytest.approx((near.low, near.high), abs=1e-6)


def test_the_pictures_hold_counts_even_of_equal_values():
    result = measure(regression([3.0] * 5, [3.0] * 5))
    assert [artifact.name for artifact in result.artifacts] == ["predicted_actual.svg", "residuals.svg"]


@pytest.mark.parametrize("shift", [0.0, 999.0653408730996])
def test_errors_equal_but_for_rounding_can_be_drawn(shift):
    label = np.array([0.0, 15385.0, 1e6])
    assert len(measure(regression(label, label + shift)).artifacts) == 2


def test_a_target_next_to_zero_leaves_no_relative_error():
    result = measure(regression([1e-300, 1.0], [1.0, 2.0]))
    assert result.metric("mape").value is None
    assert "near 0" in result.metric("mape").reason


@pytest.mark.parametrize(
    "errors",
    [
        lambda draw, n: draw.standard_t(3, n),
        lambda draw, n: draw.standard_t(2.5, n),
        lambda draw, n: np.exp(draw.normal(size=n)),
    ],
    ids=["t of 3", "t of 2.5", "lognormal"],
)
@pytest.mark.parametrize("count", [200, 2_000, 20_000])
def test_a_heavy_tail_is_named_and_widens_the_interval(errors, count):
    draw = np.random.default_rng(4)
    label = draw.normal(0, 2, count)
    result = measure(regression(label, label + errors(draw, count)))
    for name in ("rmse", "r2") if count > 200 else ():
        assert "interval unreliable" in result.metric(name).detail, name
    light = measure(regression(label, label + draw.normal(0, 1, count)))
    assert not light.metric("rmse").detail
    relative = lambda metric: (metric.high - metric.value) / metric.value  # noqa: E731
    assert relative(result.metric("rmse")) > 1.5 * relative(light.metric("rmse"))


def test_few_large_errors_among_many_small_ones_leave_a_usable_interval():
    draw = np.random.default_rng(6)
    error = np.where(draw.random(2_000) < 0.05, draw.gamma(2, 15, 2_000), draw.normal(1, 0.1, 2_000))
    metric = measure(regression(np.zeros(2_000) + draw.normal(0, 9, 2_000), 0.0 * error)).metric("rmse")
    assert metric.high < 2 * metric.value
    label = draw.normal(0, 9, 2_000)
    metric = measure(regression(label, label + error)).metric("rmse")
    assert metric.value < metric.high < 2.5 * metric.value


def test_one_row_is_uncertain():
    result = measure(regression([1.0], [2.0]))
    assert {result.metric(name).absence for name in ("mae", "rmse", "bias", "mape", "r2")} == {"uncertain"}


def test_gains_over_a_champion_name_a_heavy_tail_too():
    draw = np.random.default_rng(3)
    label = draw.normal(0, 2, 2_000)
    says, theirs = (label + draw.standard_t(2.5, 2_000) for _ in range(2))
    frame = pd.DataFrame({"label": label, "says": says, "theirs": theirs})
    result = measure(against(subject_of(frame, model_of("regression"))))
    assert "interval unreliable" in result.metric("rmse_gain").detail
