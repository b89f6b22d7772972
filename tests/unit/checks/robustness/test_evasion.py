from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import synthetic
from model_governance.checks.robustness.evasion import CHECK
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject
from model_governance.errors import CheckError, ModelMisbehaved, SubjectError

QUICK = {"samples": 16, "max_iterations": 2, "max_evaluations": 20}


@pytest.fixture(scope="module")
def healthy() -> Subject:
    return synthetic.subject()


@pytest.fixture(scope="module")
def thorough(healthy):
    return measure(synthetic.with_gradients(healthy), samples=40)


def measure(subject: Subject, seed: int = 1, **params):
    return CHECK.measure(subject, CHECK.params(**{**QUICK, **params}), seed)


def table(result, name: str) -> list[dict]:
    found = next(one for one in result.tables if one.name == name)
    return [dict(zip(found.header, row, strict=True)) for row in found.rows]


def with_features(subject: Subject, **changes) -> Subject:
    features = {name: one.model_copy(update=changes.get(name, {})) for name, one in subject.columns.features.items()}
    return replace(subject, columns=subject.columns.model_copy(update={"features": features}))


def with_call(subject: Subject, call) -> Subject:
    model = replace(subject.model, native=None, call=call, call_proba=None)
    return replace(subject, model=model)


def numbers_only(native, *, task: str = "binary_classification", classes: int = 2, dtype: str = "float64") -> Subject:
    """Two numeric features, labels by bands of their sum."""
    draw = np.random.default_rng(8)
    frame = pd.DataFrame({"a": draw.uniform(0, 1, 300), "b": draw.uniform(0, 10, 300)}).astype(dtype)
    label = np.digitize(frame["a"] + frame["b"] / 10, np.linspace(0, 2, classes + 1)[1:-1])
    native.fit(frame, label)
    columns = Columns(features={"a": Feature(kind="numeric"), "b": Feature(kind="numeric")}, target="label")
    model = Model(name="numbers", format="skops", sha256="", task=task, native=native, call=native.predict,
                  classes=tuple(range(classes)))  # fmt: skip
    data = {"current": Dataset(role="current", uri="c", sha256="c", frame=frame.assign(label=label))}
    return Subject(name="numbers", task=task, columns=columns, datasets=data, model=model)


def test_every_row_that_the_model_is_asked_about_is_a_valid_one(healthy):
    asked: list[pd.DataFrame] = []

    def listening(frame):
        asked.append(frame.copy())
        return healthy.model.call(frame)

    subject = with_features(with_call(healthy, listening), age={"mutable": True, "minimum": 20, "maximum": 60})
    measure(subject, categories="free")
    rows = pd.concat(asked)
    current = healthy.features("current")
    assert len(rows) > 1000
    assert all((frame.dtypes == current.dtypes).all() for frame in asked)
    assert list(rows.columns) == list(current.columns)
    assert rows["income"].between(0, 200).all()
    assert rows["debt"].between(0, 100).all()
    assert (rows["age"].between(20, 60) | rows["age"].isin(current["age"])).all()
    assert set(rows["channel"]) == {"branch", "web"}


def test_immutable_features_stay_as_they_were(healthy):
    known = set(map(tuple, healthy.features("current")[["age", "region"]].to_numpy()))
    known |= set(map(tuple, healthy.features("reference")[["age", "region"]].to_numpy()))

    def watching(frame):
        assert set(map(tuple, frame[["age", "region"]].to_numpy())) <= known
        return healthy.model.call(frame)

    result = measure(with_call(healthy, watching))
    assert {one["feature"] for one in table(result, "changed_features")} <= {"income", "debt"}


def test_a_success_is_counted_only_within_the_budget(healthy):
    rates = [
        measure(healthy, attacks=["hopskipjump"], epsilon=size).metric("attack_success_rate", key="hopskipjump").value
        for size in (0.005, 0.05, 1)
    ]
    assert rates[0] < rates[1] < rates[2] == 1.0


def test_shares_of_rows_add_up(thorough):
    result = thorough
    clean, robust = result.metric("clean_accuracy"), result.metric("robust_accuracy")
    success = result.metric("attack_success_rate", key="all")
    assert success.n == round(clean.value * clean.n)
    assert round(robust.value * robust.n) == success.n - round(success.value * success.n)
    assert robust.low <= robust.value <= robust.high
    worst = max(result.metric("attack_success_rate", key=name).value for name in ("hopskipjump", "gradient"))
    assert success.value >= worst


def test_the_gradient_attack_is_no_weaker_than_the_black_box_on_a_linear_model(thorough):
    black, white = (thorough.metric("attack_success_rate", key=one).value for one in ("hopskipjump", "gradient"))
    assert white >= black > 0


def test_a_saturated_model_still_has_a_gradient(healthy):
    native = synthetic.pipeline(healthy.datasets["train"].frame)
    before = (
        measure(synthetic.with_gradients(healthy), attacks=["gradient"], samples=60)
        .metric("attack_success_rate", key="gradient")
        .value
    )
    native[-1].coef_, native[-1].intercept_ = native[-1].coef_ * 1e4, native[-1].intercept_ * 1e4
    sure = replace(healthy, model=synthetic.as_model(native))
    after = (
        measure(synthetic.with_gradients(sure), attacks=["gradient"], samples=60)
        .metric("attack_success_rate", key="gradient")
        .value
    )
    assert after == before > 0


def test_without_labels_the_prediction_is_what_is_attacked(healthy):
    bare = healthy.with_frame("current", healthy.datasets["current"].frame.drop(columns="label"))
    result = measure(bare)
    assert result.metric("attack_success_rate", key="all").n == QUICK["samples"]
    for name in ("robust_accuracy", "clean_accuracy"):
        assert result.metric(name).value is None
        assert "no labels" in result.metric(name).reason
    assert any("no labels" in one for one in result.notes)


def test_rows_with_holes_are_left_out_and_counted(healthy):
    frame = healthy.datasets["current"].frame.copy()
    frame.loc[:99, "income"] = np.nan
    frame.loc[100:109, "debt"] = np.inf
    frame["label"] = frame["label"].astype("float64").where(frame.index != 200)
    result = measure(healthy.with_frame("current", frame))
    assert "that can be attacked: 289 (110 hold infinite values, gaps that the model refuses" in result.notes[0]
    assert "1 have no label yet)" in result.notes[0]
    assert "the model raises on rows without income" in result.notes[1]


def test_no_complete_row_is_an_error(healthy):
    frame = healthy.datasets["current"].frame.copy()
    frame.loc[::2, "income"] = np.nan
    frame.loc[1::2, "debt"] = np.nan
    with pytest.raises(
        CheckError, match=r"none of 400 rows can be attacked \(the model takes no gap in income, debt\)"
    ):
        measure(healthy.with_frame("current", frame))


def test_a_constant_model_is_an_error_and_not_robust(healthy):
    constant = with_call(healthy, lambda frame: np.ones(len(frame), dtype=int))
    with pytest.raises(CheckError, match="constant model"):
        measure(constant)


def test_rows_that_no_change_can_flip_are_shown_as_not_attacked(healthy):
    stubborn = with_call(healthy, lambda frame: (frame["age"] > 50).to_numpy().astype(int))
    result = measure(stubborn, initial_size=100)
    assert result.metric("unattacked_share").value == 1.0
    assert result.metric("attack_success_rate", key="hopskipjump").value == 0.0
    assert "no attack found any flip of" in result.metric("attack_success_rate", key="all").detail
    distance = result.metric("median_distance", key="hopskipjump")
    assert distance.reason.startswith("no row was flipped")
    # An absolute bound on it is not broken by a model that no attack flips.
    assert (distance.absence, result.metric("distance_quantile", key="0.5").absence) == ("uncertain", "uncertain")


def test_a_model_that_is_never_right_is_an_error(healthy):
    wrong = healthy.with_frame("current", healthy.datasets["current"].frame.assign(label="yes"))
    with pytest.raises(CheckError, match="none of 16 sampled rows correctly"):
        measure(wrong)


def test_a_model_that_answers_differently_when_asked_again_is_refused(healthy):
    draw = np.random.default_rng(0)
    with pytest.raises(ModelMisbehaved, match="asked again"):
        measure(with_call(healthy, lambda frame: draw.integers(0, 2, len(frame))))


def test_nothing_that_may_move_is_not_applicable(healthy):
    fixed = {"mutable": False}
    result = measure(with_features(healthy, income=fixed, debt=fixed))
    assert result.status == "not_applicable"
    assert "categories are fixed" in result.reason


def test_a_mutable_feature_without_range_is_an_error(healthy):
    fixed = {"mutable": False}
    stuck = with_features(healthy, income={"minimum": 5, "maximum": 5}, debt=fixed, channel=fixed)
    with pytest.raises(CheckError, match=r"no feature has room to move: income"):
        measure(stuck)


def test_a_numeric_feature_that_holds_text_is_an_error(healthy):
    text = healthy.datasets["reference"].frame.assign(income="much")
    with pytest.raises(CheckError, match="'income' is numeric in the policy and holds object"):
        measure(healthy.with_frame("reference", text))


def test_free_categories_help_the_attacker(healthy, thorough):
    free = measure(healthy, samples=40, categories="free")
    fixed = thorough.metric("attack_success_rate", key="hopskipjump").value
    assert free.metric("attack_success_rate", key="hopskipjump").value > fixed
    assert "channel" in {one["feature"] for one in table(free, "changed_features")}


def test_a_model_without_gradients_is_attacked_from_outside_only(healthy):
    train = healthy.datasets["train"].frame
    native = synthetic.pipeline(train)
    forest = native.set_params(classify=RandomForestClassifier(10, random_state=0))
    subject = replace(healthy, model=synthetic.as_model(forest.fit(train[list(healthy.columns.names)], train["label"])))
    result = measure(subject)
    assert "gradient" not in {one.key for one in result.metrics if one.name == "attack_success_rate"}
    assert any("the model (skops) offers no gradients" in note for note in result.notes)


@pytest.mark.parametrize("named", ["gradient", "greedy"])
def test_an_attack_that_the_policy_names_and_that_cannot_run_is_an_error(healthy, named):
    labels_only = with_call(healthy, healthy.model.call)
    with pytest.raises(CheckError, match=f"names attacks that cannot run.*{named}"):
        measure(labels_only, attacks=["hopskipjump", named])


def test_a_support_vector_machine_needs_no_probabilities():
    result = measure(synthetic.with_gradients(numbers_only(make_pipeline(StandardScaler(), LinearSVC()))), epsilon=0.2)
    assert result.metric("attack_success_rate", key="gradient").value > 0


def test_several_classes_are_attacked_towards_any_other():
    subject = numbers_only(
        make_pipeline(StandardScaler(), LogisticRegression(C=100)), task="multiclass_classification", classes=4
    )
    result = measure(synthetic.with_gradients(subject), epsilon=0.2)
    assert result.metric("attack_success_rate", key="hopskipjump").value > 0
    assert result.metric("attack_success_rate", key="gradient").value > 0


@pytest.mark.parametrize("dtype", ["float32", "Float64", "int64", "Int64"])
def test_rows_keep_their_dtypes(dtype):
    subject = numbers_only(make_pipeline(StandardScaler(), LogisticRegression()), dtype="float64")
    frame = subject.datasets["current"].frame
    frame[["a", "b"]] = (frame[["a", "b"]] * 20).round() if "nt" in dtype else frame[["a", "b"]]
    frame = frame.astype({"a": dtype, "b": dtype})
    middle = frame["b"].median()
    seen = set()

    def call(rows):
        seen.update(map(str, rows.dtypes))
        return (rows["b"].to_numpy(dtype=float) > middle).astype(int)

    frame["label"] = call(frame[["a", "b"]])
    result = measure(with_call(subject.with_frame("current", frame), call))
    assert seen == {dtype}
    assert result.metric("unattacked_share").value == 0.0
    assert table(result, "threat_model")[0]["step"] == (1.0 if "nt" in dtype else "any")


def test_the_threat_model_says_where_its_ranges_come_from(healthy):
    loose = with_features(healthy, income={"maximum": None}, debt={"minimum": None, "maximum": None})
    result = measure(loose, attacks=["hopskipjump"])
    source = {one["feature"]: one["reason or source of the range"] for one in table(result, "threat_model")}
    assert source["income"] == "policy and reference"
    assert source["debt"] == "reference"
    assert source["age"] == source["region"] == "immutable"
    assert source["channel"] == "categories are fixed"
    assert any(one.endswith("not from the policy: income, debt") for one in result.notes)


def test_the_same_seed_gives_the_same_bytes_and_leaves_numpys_generator_alone(healthy):
    np.random.seed(42)
    before = np.random.get_state()[1].copy()
    first = measure(healthy, samples=8)
    assert (np.random.get_state()[1] == before).all()
    np.random.seed(1)
    second = measure(healthy, samples=8)
    assert canonical_json(first.record()) == canonical_json(second.record())
    assert [one.content for one in first.artifacts] == [one.content for one in second.artifacts]
    other = measure(healthy, seed=2, samples=8)
    assert canonical_json(first.record()) != canonical_json(other.record())


def test_neither_home_nor_the_working_folder_nor_the_loggers_are_touched(tmp_path):
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    script = (
        "import logging, synthetic\n"
        "from model_governance.checks.robustness.evasion import CHECK\n"
        "handler = logging.FileHandler('task.log'); logging.getLogger().addHandler(handler)\n"
        f"CHECK.measure(synthetic.subject(), CHECK.params(**{QUICK!r}), 1)\n"
        "assert handler.stream is not None and not handler.stream.closed\n"
        "assert not logging.getLogger('tests').handlers and logging.getLogger('art').level == 0\n"
    )
    fonts = str(tmp_path / "fonts")
    environment = {**os.environ, "HOME": str(home), "MPLCONFIGDIR": fonts, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=here, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []
    assert [one.name for one in here.rglob("*")] == ["task.log"]
    assert (here / "task.log").read_text() == done.stderr == ""


@pytest.mark.parametrize(
    "wrong",
    [{"epsilon": 0}, {"attacks": []}, {"attacks": ["boundary"]}, {"attacks": ["gradient", "gradient"]}, {"norm": "l1"}],
)
def test_params_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        CHECK.params(**wrong)


def test_a_missing_dataset_is_named(healthy):
    with pytest.raises(SubjectError, match="'current' is needed"):
        measure(replace(healthy, datasets={}))
