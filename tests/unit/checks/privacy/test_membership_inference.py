from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

import synthetic
from model_governance.checks.privacy.membership_inference import CHECK
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject
from model_governance.errors import CheckError, SubjectError


@pytest.fixture(scope="module")
def healthy() -> Subject:
    return synthetic.subject()


def measure(subject: Subject, seed: int = 1, **params):
    return CHECK.measure(subject, CHECK.params(**{"fpr": [0.05], **params}), seed)


def fitted(native, *, labels, rows: int = 600, roles: tuple[str, ...] = ("train", "reference")) -> Subject:
    """Random features, labels drawn from `labels` at random: whatever is learned is memorised."""
    frames = {}
    for number, role in enumerate(roles):
        draw = np.random.default_rng(number)
        frame = pd.DataFrame(draw.normal(size=(rows, 4)), columns=list("abcd"))
        frames[role] = frame.assign(label=draw.choice(np.array(labels), rows))
    native.fit(frames["train"][list("abcd")], frames["train"]["label"])
    task = "binary_classification" if len(labels) == 2 else "multiclass_classification"
    model = Model(name="coin", format="skops", sha256="", task=task, native=native, call=native.predict,
                  call_proba=native.predict_proba, classes=tuple(native.classes_.tolist()))  # fmt: skip
    columns = Columns(features={name: Feature(kind="numeric") for name in "abcd"}, target="label")
    data = {role: Dataset(role=role, uri=role, sha256=role, frame=frame) for role, frame in frames.items()}
    return Subject(name="coin", task=task, columns=columns, datasets=data, model=model)


def test_a_regularised_model_gives_nothing_away():
    result = measure(fitted(LogisticRegression(C=0.01), labels=[0, 1]))
    for attack in ("black_box", "rule_based", "loss"):
        metric = result.metric("attack_auc", key=attack)
        assert metric.low < 0.56
        assert metric.high > 0.44


def test_an_overfitted_forest_gives_its_rows_away():
    result = measure(fitted(RandomForestClassifier(50, random_state=0), labels=[0, 1]))
    assert result.metric("attack_auc", key="black_box").low > 0.9
    assert result.metric("attack_auc", key="loss").low > 0.9
    assert result.metric("tpr_at_fpr", key="loss@0.05").low > 0.3
    assert result.metric("generalization_gap").low > 0.3


def test_a_nearest_neighbour_on_random_labels_has_the_gap_of_a_coin():
    result = measure(fitted(KNeighborsClassifier(1), labels=[0, 1], rows=2000))
    assert result.metric("advantage", key="rule_based").value == pytest.approx(0.5, abs=0.06)
    assert result.metric("generalization_gap").value == pytest.approx(0.5, abs=0.05)
    assert result.metric("attack_auc", key="rule_based").value == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("labels", [["no", "yes"], ["high", "low", "medium"], [False, True], [3, 7, 9]])
def test_labels_may_be_words_truths_or_any_numbers(labels):
    result = measure(fitted(RandomForestClassifier(20, random_state=0), labels=labels))
    assert result.metric("attack_auc", key="black_box").value > 0.9
    assert result.metric("advantage", key="rule_based").value == pytest.approx(1 - 1 / len(labels), abs=0.1)


def test_a_class_that_the_sample_misses_does_not_shift_the_others():
    subject = fitted(RandomForestClassifier(20, random_state=0), labels=["a", "b", "c"])
    for role in ("train", "reference"):
        frame = subject.datasets[role].frame
        subject = subject.with_frame(role, frame[frame["label"] != "a"])
    assert measure(subject).metric("advantage", key="rule_based").value > 0.4


def test_a_rate_that_no_row_can_show_is_absent_and_says_what_it_takes(healthy):
    metric = measure(healthy, fpr=[0.001]).metric("tpr_at_fpr", key="black_box@0.001")
    assert metric.value is None
    assert "needs at least 5,000 scored non-members (5 false positives), found 200; give more rows" in metric.reason
    assert metric.absence == "uncertain"


def test_a_yes_or_no_has_no_operating_point_to_choose(healthy):
    result = measure(healthy, attacks=["rule_based"])
    assert not {"tpr_at_fpr", "dummy_tpr"} & {one.name for one in result.metrics}
    assert result.metric("memorisation_lower_bound", key="rule_based").value == 0


def test_copies_of_training_rows_among_the_non_members_are_counted(healthy):
    train, reference = healthy.datasets["train"].frame, healthy.datasets["reference"].frame
    mixed = pd.concat([train.head(100), reference.head(300)], ignore_index=True)
    result = measure(healthy.with_frame("reference", mixed))
    assert result.metric("overlap_share").value == 0.25
    assert any(one.startswith("100 of 400 non-member rows equal a training row") for one in result.notes)


def test_a_copy_is_a_copy_whatever_width_its_numbers_have(healthy):
    copies = healthy.datasets["train"].frame.astype({"age": "float64", "region": "category", "label": "int8"})
    assert measure(healthy.with_frame("reference", copies)).metric("overlap_share").value == 1.0
    other = copies.assign(label=1 - copies["label"])
    assert measure(healthy.with_frame("reference", other)).metric("overlap_share").value == 0.0


def test_a_population_is_preferred_to_the_reference(healthy):
    subject = healthy.with_frame("population", synthetic.rows(300, seed=9))
    result = measure(subject)
    assert any(one.startswith("non-members are rows of population") for one in result.notes)
    assert result.metric("overlap_share").n == 300
    assert any(one.startswith("300 rows per group instead of 5,000") for one in result.notes)


@pytest.mark.parametrize("kind", ["gb", "rf", "lr"])
def test_every_attack_model_repeats_itself(healthy, kind):
    first, second = (measure(healthy, attack_model=kind, attacks=["black_box"]) for _ in range(2))
    assert canonical_json(first.record()) == canonical_json(second.record())


def test_the_same_seed_gives_the_same_bytes_and_leaves_numpys_generator_alone(healthy):
    before = np.random.get_state()[1].copy()
    first, second = measure(healthy), measure(healthy)
    assert (np.random.get_state()[1] == before).all()
    assert canonical_json(first.record()) == canonical_json(second.record())
    assert [one.content for one in first.artifacts] == [one.content for one in second.artifacts]
    other = measure(healthy, sampling_seed=1)
    assert [one.value for one in first.metrics] != [one.value for one in other.metrics]


def test_the_seed_of_the_run_changes_no_metric(healthy):
    first, second = measure(healthy, seed=1), measure(healthy, seed=2)
    assert first.metrics == second.metrics


def test_a_model_without_probabilities_leaves_the_attacks_on_labels(healthy):
    silent = replace(healthy, model=replace(healthy.model, call_proba=None))
    attacks = {one.key for one in measure(silent).metrics if one.name == "attack_auc"}
    assert attacks == {"label_only", "rule_based"}
    with pytest.raises(CheckError, match="offers no class probabilities and attack 'loss' reads them"):
        measure(silent, attacks=["rule_based", "loss"])


def test_a_missing_target_is_an_error(healthy):
    with pytest.raises(SubjectError, match="label"):
        measure(healthy.with_frame("reference", healthy.datasets["reference"].frame.drop(columns="label")))
    with pytest.raises(SubjectError, match=r"set columns\.target"):
        measure(replace(healthy, columns=healthy.columns.model_copy(update={"target": None})))


def test_one_class_only_is_an_error(healthy):
    with pytest.raises(CheckError, match="one class only"):
        measure(healthy.with_frame("reference", healthy.datasets["reference"].frame.assign(label=1)))


def test_labels_that_the_model_does_not_know_are_an_error(healthy):
    frame = healthy.datasets["train"].frame
    with pytest.raises(CheckError, match="label\\(s\\) 'no', 'yes' that model 'synthetic' does not know"):
        measure(healthy.with_frame("train", frame.assign(label=np.where(frame["label"], "yes", "no"))))


def test_too_few_rows_are_an_error(healthy):
    with pytest.raises(CheckError, match="at least 40 rows per group; found train 400, reference 39"):
        measure(healthy.with_frame("reference", healthy.datasets["reference"].frame.head(39)))


@pytest.mark.parametrize("wrong", [{"attack_model": "nn"}, {"fpr": [0]}, {"fpr": []}, {"attacks": ["loss", "loss"]}])
def test_params_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        CHECK.params(**wrong)


def test_the_suggested_rate_is_one_that_the_rows_can_show(healthy):
    few = CHECK.suggest(healthy.datasets["reference"].frame, healthy.columns)
    many = CHECK.suggest(pd.DataFrame(index=range(10_000)), healthy.columns)
    assert few.params["fpr"] == [0.05]
    assert many.params["fpr"] == [0.01]
