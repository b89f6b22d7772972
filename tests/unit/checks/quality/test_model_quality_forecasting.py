from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model_governance.errors import CheckError, SubjectError
from quality_cases import against, dataset, forecast, measure

QUANTILES = {0.1: "p10", 0.9: "p90"}


def changed(subject, role="current", **columns):
    return subject.with_frame(role, subject.datasets[role].frame.assign(**columns))


def test_a_good_forecast_beats_the_naive_one_and_a_bad_one_does_not():
    good, bad = (measure(forecast(off=off), season_length=7).metric("mase") for off in (0.2, 4.0))
    assert good.high < 1 < bad.low


def test_the_wrong_season_makes_the_naive_forecast_easy_to_beat():
    subject = forecast()
    assert (
        measure(subject, season_length=1).metric("mase").value
        < 0.5 * measure(subject, season_length=7).metric("mase").value
    )


def test_quantile_forecasts_are_judged_by_what_they_promise():
    found = measure(forecast(series=6, moments=200), season_length=7, quantile_columns=QUANTILES)
    covered = found.metric("interval_coverage", key="0.1 to 0.9")
    assert covered.low < 0.8 < covered.high
    assert covered.detail == "80% is promised"
    assert found.metric("interval_width", key="0.1 to 0.9").value == pytest.approx(2 * 1.28155, abs=1e-3)
    # The expected pinball loss of the true 10% quantile of a standard normal is its density there.
    assert found.metric("pinball_loss", key="0.1").value == pytest.approx(0.1755, abs=0.02)


def test_intervals_that_are_too_narrow_are_seen():
    subject = forecast(series=6, moments=200)
    frame = subject.datasets["current"].frame
    middle = (frame["p10"] + frame["p90"]) / 2
    narrow = changed(subject, p10=middle - 0.5, p90=middle + 0.5)
    assert measure(narrow, quantile_columns=QUANTILES).metric("interval_coverage", key="0.1 to 0.9").high < 0.6


def test_crossed_quantiles_are_reported():
    subject = forecast()
    frame = subject.datasets["current"].frame
    crossed = changed(subject, p10=frame["p90"], p90=frame["p10"])
    assert any("are inverted" in note for note in measure(crossed, quantile_columns=QUANTILES).notes)


def test_errors_that_all_series_share_widen_the_interval():
    subject = forecast(series=20, moments=120)
    frame = subject.datasets["current"].frame
    shock = np.random.default_rng(3).normal(0, 3, 120)
    shared = changed(subject, says=frame["says"] + np.tile(shock, 20))
    spread = changed(subject, says=frame["says"] + np.random.default_rng(3).normal(0, 3, len(frame)))
    widths = [metric.high - metric.low for metric in (measure(each).metric("mae") for each in (shared, spread))]
    assert widths[0] > 2 * widths[1]


def test_published_forecasts_are_judged_without_asking_the_model():
    subject = forecast()
    asleep = replace(subject, model=replace(subject.model, call=lambda rows: 1 / 0))
    found = measure(asleep, prediction_column="says", season_length=7)
    assert found.metric("mase").value == measure(subject, season_length=7).metric("mase").value
    assert any("as published in column says" in note for note in found.notes)


def test_without_history_only_mase_is_absent():
    subject = forecast()
    bare = replace(subject, datasets={"current": subject.datasets["current"]})
    found = measure(bare)
    assert found.metric("mase").value is None
    assert "datasets.history" in found.metric("mase").reason
    assert found.metric("mase").absence == "error"
    assert found.metric("mae").value > 0


def test_a_history_that_is_too_short_leaves_mase_uncertain():
    subject = forecast()
    past = subject.datasets["history"].frame.groupby("group").head(5)
    found = measure(subject.with_frame("history", past), season_length=7).metric("mase")
    assert (found.value, found.absence) == (None, "uncertain")
    assert "longer than a season" in found.reason


def test_few_moments_have_a_wide_interval():
    few, many = (measure(forecast(moments=count), season_length=1).metric("mae") for count in (2, 90))
    assert few.high / few.low > 3 * many.high / many.low
    assert "wide guess" in few.detail


def test_one_moment_is_judged_by_its_series():
    subject = forecast(series=40)
    frame = subject.datasets["current"].frame
    found = measure(subject.with_frame("current", frame[frame["time"] == frame["time"].max()])).metric("mae")
    assert found.low < found.value < found.high
    assert "series are taken as independent" in found.detail


def test_the_reference_stands_in_for_a_history():
    subject = forecast()
    given = {"current": subject.datasets["current"], "reference": subject.datasets["history"]}
    assert measure(replace(subject, datasets=given)).metric("mase") == measure(subject).metric("mase")


def test_a_series_without_history_is_left_out_and_counted():
    subject = forecast()
    past = subject.datasets["history"].frame
    found = measure(subject.with_frame("history", past[past["group"] != "s2"])).metric("mase")
    assert found.n == 270
    assert "90 rows of series without history left out" in found.detail


def test_two_forecasts_for_one_moment_are_an_error():
    subject = forecast()
    frame = subject.datasets["current"].frame
    with pytest.raises(SubjectError, match="1 rows repeat the moment"):
        measure(subject.with_frame("current", frame._append(frame.iloc[[0]], ignore_index=True)))


def test_missing_moments_are_counted():
    subject = forecast()
    frame = subject.datasets["current"].frame
    with pytest.raises(SubjectError, match="3 of 360 moments in column 'time' are missing"):
        measure(changed(subject, time=frame["time"].where(frame.index > 2)))


def test_a_policy_without_moments_is_told_what_to_set():
    subject = forecast()
    with pytest.raises(SubjectError, match=r"set columns\.time"):
        measure(replace(subject, columns=subject.columns.model_copy(update={"time": None})))


def test_moments_that_are_no_dates_are_refused():
    with pytest.raises(CheckError, match="ISO 8601"):
        measure(changed(forecast(), time="tomorrow"))


def test_gaps_in_published_forecasts_are_refused():
    subject = changed(forecast(), p10=np.nan)
    with pytest.raises(CheckError, match="360 of 360 quantile forecasts in column 'p10' are missing"):
        measure(subject, quantile_columns=QUANTILES)


def test_an_empty_history_is_an_error():
    subject = forecast()
    empty = subject.datasets["history"].frame.head(0)
    with pytest.raises(SubjectError, match="no rows"):
        measure(replace(subject, datasets={**subject.datasets, "history": dataset("history", empty)}))


def test_a_quantile_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1; found 90"):
        measure(forecast(), quantile_columns={90: "p90"})


def test_the_gain_over_a_champion_is_seen_within_blocks():
    subject = forecast(series=6, moments=150, off=0.5)
    frame = subject.datasets["current"].frame
    rival = changed(subject, theirs=frame["says"] + np.random.default_rng(1).normal(0, 1.0, len(frame)))
    features = {**subject.columns.features, "theirs": subject.columns.features["says"]}
    rival = replace(rival, columns=subject.columns.model_copy(update={"features": features}))
    found = measure(against(rival), season_length=7)
    assert found.metric("mase_gain").low > 0
    assert found.metric("mae_gain").low > 0


def test_published_forecasts_have_no_champion_to_meet():
    with pytest.raises(CheckError, match="nothing to compare a champion with"):
        measure(against(forecast(), "says"), prediction_column="says")
