from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

import synthetic
from drift_cases import SEED, measure, numbers_only, with_current
from model_governance.checks.data.data_drift import CHECK
from model_governance.checks.data.data_drift.params import DriftParams
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Feature
from model_governance.errors import CheckError, ModelMisbehaved, SubjectError
from model_governance.policy import CheckSpec, Policy
from model_governance.verdict import judge


@pytest.fixture(scope="module", autouse=True)
def _numbers_only():
    with numbers_only():
        yield


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject()


@pytest.fixture(scope="module")
def calm(healthy):
    return CHECK.measure(healthy, DriftParams(), SEED)


def values(result):
    return {metric.label: metric.value for metric in result.metrics}


def every(result, name):
    """The metric of this name for each column."""
    return {metric.key: metric for metric in result.metrics if metric.name == name}


def largest(result, name):
    """The column with the largest value of a metric."""
    return max(every(result, name), key=lambda key: every(result, name)[key].value)


def test_rows_of_the_same_world_do_not_drift(calm):
    assert calm.metric("drift_share").value == 0
    assert min(metric.p_value for metric in every(calm, "psi").values()) > 0.01
    assert calm.metric("prediction_drift").value < 0.1
    assert all(metric.value <= 0 for metric in every(calm, "new_category_share").values())


def test_a_changed_unit_is_seen_and_the_column_named(healthy):
    result = measure(with_current(healthy, age=healthy.frame("current")["age"] * 12))
    assert result.metric("psi", key="age").value > 1
    assert largest(result, "psi") == "age"
    assert result.metric("drift_share").detail == "1 of 5 columns: age"


def test_changed_predictions_are_seen(healthy, calm):
    richer = healthy.frame("current")["income"] + 60
    assert (
        measure(with_current(healthy, income=richer)).metric("prediction_drift").value
        > 5 * calm.metric("prediction_drift").value
    )


def test_a_remapped_category_is_new(healthy):
    region = healthy.frame("current")["region"]
    result = measure(with_current(healthy, region=region.replace("east", "EAST")))
    assert result.metric("new_category_share", key="region").value == pytest.approx((region == "east").mean())
    assert largest(result, "new_category_share") == largest(result, "psi") == "region"


@pytest.mark.parametrize("role", ["reference", "current"])
def test_a_missing_column_is_an_error_that_lists_it(healthy, role):
    poorer = healthy.with_frame(role, healthy.frame(role).drop(columns=["income", "region"]))
    with pytest.raises(SubjectError, match="income, region"):
        measure(poorer)


def test_an_extra_column_changes_nothing(healthy, calm):
    assert canonical_json(measure(with_current(healthy, new=1)).record()) == canonical_json(calm.record())


def test_numbers_that_arrive_as_text_are_an_error_without_their_values(healthy):
    texts = healthy.frame("current")["income"].map(lambda one: f"{one:.9f} EUR")
    with pytest.raises(CheckError, match=r"'income' of dataset 'current' .* object holding str") as caught:
        measure(with_current(healthy, income=texts))
    assert "EUR" not in str(caught.value)


def test_dates_that_arrive_where_numbers_were_declared_are_an_error(healthy):
    with pytest.raises(CheckError, match=r"'debt' .* datetime64\["):
        measure(with_current(healthy, debt=pd.Timestamp("2026-01-01")))


def test_infinities_are_left_out_of_the_distance_and_counted(healthy):
    extreme, lost = (healthy.frame("current")["income"].mask(np.arange(400) < 8, one) for one in (np.inf, np.nan))
    infinite, missing = measure(with_current(healthy, income=extreme)), measure(with_current(healthy, income=lost))
    assert infinite.metric("nonfinite_share", key="income").value == pytest.approx(8 / 400)
    assert all(metric.value == 0 for key, metric in every(infinite, "nonfinite_share").items() if key != "income")
    assert missing.metric("nonfinite_share", key="income").value == 0
    assert infinite.metric("drift_score", key="income").value == missing.metric("drift_score", key="income").value
    assert infinite.metric("missing_increase", key="income").value == 0


def test_a_column_of_infinities_is_an_error(healthy):
    with pytest.raises(CheckError, match="'income' of dataset 'current' holds no finite number"):
        measure(with_current(healthy, income=-np.inf))


def test_a_column_without_any_value_is_an_error(healthy):
    with pytest.raises(SubjectError, match="region"):
        measure(with_current(healthy, region=None))


def test_half_the_values_missing_is_seen_although_no_distance_sees_it(healthy):
    channel = healthy.frame("current")["channel"].mask(np.arange(400) % 2 == 0)
    result = measure(with_current(healthy, channel=channel))
    assert result.metric("drift_score", key="channel").value < 0.1
    assert result.metric("missing_increase", key="channel").value == pytest.approx(0.5)
    assert largest(result, "missing_increase") == "channel"


def test_a_model_that_fails_on_current_rows_leaves_prediction_drift_absent_and_judged_an_error(healthy):
    result = measure(with_current(healthy, income=healthy.frame("current")["income"].mask(np.arange(400) == 0)))
    absent = result.metric("prediction_drift")
    assert absent.value is None
    assert "NaN" in absent.reason
    spec = CheckSpec(kind="data_drift", thresholds=[{"metric": "prediction_drift", "less_than": 0.1}])
    policy = Policy.model_construct(checks={"data_drift": spec}, waivers=(), fail_on="error", on_uncertain="warn")
    assert judge("data_drift", result, policy, moment=datetime(2026, 1, 1, tzinfo=UTC)).outcome == "error"


def test_a_model_that_fails_on_the_reference_is_broken(healthy):
    def fail(frame):
        raise RuntimeError("no")

    with pytest.raises(ModelMisbehaved, match="RuntimeError"):
        measure(replace(healthy, model=replace(healthy.model, call_proba=fail)))


@pytest.mark.parametrize(
    "cast",
    [
        {"age": "Int64", "income": "Float64"},
        {"region": "category", "channel": "string", "age": "int16"},
        {"income": "double[pyarrow]", "age": "int64[pyarrow]", "region": "string[pyarrow]"},
    ],
)
def test_a_dtype_does_not_change_a_score(healthy, calm, cast):
    other = healthy.with_frame("current", healthy.frame("current").astype(cast))
    result = CHECK.measure(replace(other, model=_constant(healthy.model)), DriftParams(), SEED)
    for name in healthy.columns.names:
        assert result.metric("drift_score", key=name).value == calm.metric("drift_score", key=name).value


def test_decimals_are_numbers(healthy, calm):
    income = healthy.frame("current")["income"].map(Decimal)
    result = measure(replace(with_current(healthy, income=income), model=_constant(healthy.model)))
    assert result.metric("drift_score", key="income").value == calm.metric("drift_score", key="income").value


def test_booleans_are_compared_whatever_holds_them(healthy):
    columns = Columns(features={"member": Feature(kind="boolean")})
    flags = np.arange(400) % 4 == 0
    subject = replace(healthy, columns=columns, model=_constant(healthy.model)).with_frame(
        "reference", pd.DataFrame({"member": flags})
    )
    held = [flags, flags.astype(int), pd.array(flags, dtype="boolean"), np.where(np.arange(400) == 1, None, flags)]
    scores = [
        CHECK.measure(subject.with_frame("current", pd.DataFrame({"member": values_held})), DriftParams(), SEED)
        .metric("psi", key="member")
        .value
        for values_held in held
    ]
    assert scores[0] == scores[1] == scores[2] == pytest.approx(-2 / 400)  # one degree of freedom of chance taken off
    assert scores[3] == pytest.approx(-2 / 400, abs=0.001)


def test_codes_that_turned_to_floats_beside_missing_values_are_the_same_categories(healthy):
    coded = {
        role: healthy.frame(role)["region"].map({"north": 1, "south": 2, "east": 3})
        for role in ("reference", "current")
    }
    subject = replace(healthy, model=_constant(healthy.model))
    subject = subject.with_frame("reference", subject.frame("reference").assign(region=coded["reference"]))
    floats = coded["current"].mask(np.arange(400) < 4)
    assert floats.dtype == float
    result = measure(with_current(subject, region=floats))
    assert result.metric("new_category_share", key="region").value == 0
    assert result.metric("drift_score", key="region").value < 0.05


def test_a_category_that_changed_from_text_to_numbers_is_an_error(healthy):
    codes = healthy.frame("current")["region"].map({"north": 1, "south": 2, "east": 3})
    with pytest.raises(CheckError, match="'region' holds text in the reference and numbers in current"):
        measure(with_current(healthy, region=codes))


def test_dates_and_texts_are_left_out_with_a_note(healthy, calm):
    features = dict(healthy.columns.features) | {"joined": Feature(kind="datetime"), "remark": Feature(kind="text")}
    subject = replace(
        healthy, columns=healthy.columns.model_copy(update={"features": features}), model=_constant(healthy.model)
    )
    for role in ("reference", "current"):
        subject = subject.with_frame(role, subject.frame(role).assign(joined=pd.Timestamp("2026-01-01"), remark="fine"))
    result = measure(subject)
    assert "joined (datetime), remark (text)" in result.notes[0]
    assert result.metric("drift_share").detail == "0 of 5 columns"
    with pytest.raises(CheckError, match=r"joined \(datetime\)"):
        measure(subject, columns=["joined"])


def test_a_subject_without_a_comparable_feature_is_an_error(healthy):
    columns = Columns(features={"remark": Feature(kind="text")})
    with pytest.raises(CheckError, match=r"no feature can be compared: remark \(text\)"):
        measure(replace(healthy, columns=columns))


def test_constant_columns_are_equal_or_far_apart_and_always_finite(healthy):
    subject = replace(healthy, model=_constant(healthy.model))
    subject = subject.with_frame("reference", subject.frame("reference").assign(income=7.0))
    same = measure(with_current(subject, income=7.0), columns=["income"])
    moved = measure(with_current(subject, income=8.0), columns=["income"])
    for name in ("psi", "jensenshannon", "total_variation", "ks"):
        assert same.metric(name, key="income").value == pytest.approx(0, abs=1e-9)
        assert moved.metric(name, key="income").value > 0.5
    assert not every(same, "wasserstein"), "a constant reference gives no unit"


@pytest.mark.parametrize("role", ["reference", "current"])
def test_one_extreme_value_hides_a_shift_from_equal_width_bins_only(healthy, calm, role):
    assert calm.metric("blinded_columns").value == 0
    shifted = with_current(healthy, income=healthy.frame("current")["income"] + 30)
    clean = measure(shifted, columns=["income"])
    frame = shifted.frame(role)
    frame["income"] = frame["income"].mask(np.arange(400) == 0, 1e6)
    extreme = measure(shifted.with_frame(role, frame), columns=["income"])
    assert clean.metric("equal_width_psi", key="income").value > 0.5
    assert extreme.metric("equal_width_psi", key="income").value < 0.1
    for name in ("psi", "ks", "jensenshannon", "total_variation"):
        both = [result.metric(name, key="income") for result in (extreme, clean)]
        assert both[0].value == pytest.approx(both[1].value, rel=0.05), name
        assert both[0].p_value < 1e-20
    both = [result.metric("wasserstein", key="income").value for result in (extreme, clean)]
    assert both[0] > 0.9 * both[1]
    assert extreme.metric("drift_share").value == 1
    assert extreme.metric("blinded_columns").detail == "income"
    assert any("its PSI there proves nothing" in note for note in extreme.notes)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"numeric_method": "chisquare"}, "numeric_method"),
        ({"categorical_method": "ks"}, "categorical_method"),
        ({"sample": 1000}, "sample"),
        ({"column_threshold": 0}, "greater than 0"),
        ({"columns": []}, "at least 1"),
        ({"window": {"kind": "seasonal"}}, "season"),
        ({"window": {"kind": "trailing", "season": "month"}}, "season"),
        ({"consecutive": True, "window": {"kind": "seasonal", "season": "month"}}, "last run"),
    ],
)
def test_invalid_params_are_refused(params, message):
    with pytest.raises(ValidationError, match=message):
        DriftParams(**params)


def test_a_column_that_there_is_not_is_an_error(healthy):
    with pytest.raises(CheckError, match="incme; the policy's features are income, debt"):
        measure(healthy, columns=["incme"])


def test_a_column_counts_as_drifted_only_with_effect_and_evidence(healthy):
    shifted = with_current(healthy, income=healthy.frame("current")["income"] + 30)
    assert measure(shifted).metric("drift_share").detail == "1 of 5 columns: income"
    assert measure(shifted, column_threshold=50).metric("drifted_columns").value == 0


def test_too_few_rows_to_tell_are_uncertain_and_never_a_pass(healthy):
    few = measure(healthy.with_frame("current", healthy.frame("current").head(5)))
    for name in ("psi", "prediction_drift"):
        judged = _judged(few, {"metric": name, "less_than": 0.1})
        assert {finding.outcome for finding in judged.findings} == {"uncertain"}
    assert _judged(few, {"metric": "drift_share", "less_than": 0.3}).outcome == "uncertain"
    assert few.metric("psi", key="income").high > 1


def test_five_constant_rows_do_not_prove_that_nothing_changed(healthy):
    flags = pd.DataFrame({"member": np.zeros(400)})
    subject = replace(
        healthy, columns=Columns(features={"member": Feature(kind="boolean")}), model=_constant(healthy.model)
    )
    subject = subject.with_frame("reference", flags)
    outcomes = {
        rows: _judged(
            measure(subject.with_frame("current", flags.head(rows))), {"metric": "psi", "less_than": 0.1}
        ).outcome
        for rows in (5, 400)
    }
    assert outcomes == {5: "uncertain", 400: "pass"}


def test_a_threshold_on_a_family_of_columns_that_there_is_none_of_is_no_error(healthy):
    numbers, categories = (measure(healthy, columns=[name]) for name in ("income", "region"))
    new = _judged(numbers, {"metric": "new_category_share", "less_than": 0.01})
    assert new.outcome == "uncertain"
    assert "no column of categories is compared" in new.sentence
    for name in ("ks", "wasserstein", "nonfinite_share"):
        assert _judged(categories, {"metric": name, "leq_to": 0.5}).outcome == "uncertain"


def _judged(result, *thresholds):
    spec = CheckSpec(kind="data_drift", thresholds=thresholds)
    policy = Policy.model_construct(checks={"data_drift": spec}, waivers=(), fail_on="error", on_uncertain="warn")
    return judge("data_drift", result, policy, moment=datetime(2026, 1, 1, tzinfo=UTC))


def test_the_model_predicts_a_seeded_sample_and_a_note_counts_it(healthy):
    first, again = (measure(healthy, prediction_rows=200) for _ in range(2))
    assert canonical_json(first.record()) == canonical_json(again.record())
    assert any("seeded sample of 200 of 400 rows of reference and 200 of 400" in note for note in first.notes)
    assert first.metric("prediction_drift").n == 200
    assert first.metric("psi", key="income").n == 400


def test_a_multiclass_model_is_compared_by_its_labels(healthy):
    subject = replace(healthy, task="multiclass_classification")
    assert measure(subject).metric("prediction_drift").value < 0.05
    richer = with_current(subject, income=subject.frame("current")["income"] + 60)
    assert measure(richer, prediction_method="total_variation").metric("prediction_drift").value > 0.2


def test_a_regression_is_compared_by_its_values(healthy):
    model = replace(healthy.model, task="regression", call=lambda frame: frame["income"].to_numpy(), call_proba=None)
    result = measure(replace(healthy, task="regression", model=model))
    assert result.metric("prediction_drift").value == result.metric("psi", key="income").value


def test_a_column_of_keys_is_as_new_as_its_keys_predict_and_said(healthy):
    subject = replace(healthy, model=_constant(healthy.model))
    for role, start in (("reference", 0), ("current", 1000)):
        keys = [f"person-{start + k}" for k in range(400)]
        subject = subject.with_frame(role, subject.frame(role).assign(channel=keys))
    result = measure(subject)
    assert result.metric("new_category_share", key="channel").value == pytest.approx(0), "every key is new, as ever"
    psi = result.metric("psi", key="channel")
    assert (psi.value, psi.absence) == (None, "uncertain"), "no key has rows enough to be compared"
    assert any("most rows of channel hold labels that occur in fewer than ten" in note for note in result.notes)


def test_unchanged_rare_categories_are_no_evidence(healthy):
    draw = np.random.default_rng(3)
    shares = 1 / np.arange(1, 301)
    subject = replace(healthy, model=_constant(healthy.model))
    for role in ("reference", "current"):
        labels = draw.choice(300, size=3000, p=shares / shares.sum()).astype(str)
        frame = synthetic.rows(3000, seed=5 + (role == "current")).assign(region=labels)
        subject = subject.with_frame(role, frame)
    found = measure(subject, columns=["region"]).metric("psi", key="region")
    assert found.p_value > 0.001
    assert found.low <= 0


def test_a_feature_called_prediction_does_not_meet_the_prediction(healthy):
    renamed = {role: healthy.frame(role).rename(columns={"debt": "prediction"}) for role in ("reference", "current")}
    features = {("prediction" if name == "debt" else name): one for name, one in healthy.columns.features.items()}
    subject = replace(
        healthy, columns=healthy.columns.model_copy(update={"features": features}), model=_constant(healthy.model)
    )
    for role, frame in renamed.items():
        subject = subject.with_frame(role, frame)
    result = measure(subject)
    assert result.metric("psi", key="prediction").p_value < 1
    assert [row[0] for row in result.tables[0].rows][-1] == "prediction_"


def _constant(model):
    """A model that takes any dtype: the columns are what these tests are about."""
    return replace(model, call_proba=lambda frame: np.full((len(frame), 2), 0.5))
