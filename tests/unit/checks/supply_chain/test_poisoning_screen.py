from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import synthetic
from model_governance.checks.supply_chain.poisoning_screen import CHECK
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Dataset
from model_governance.errors import CheckError, SubjectError


def measure(subject, **params):
    return CHECK.measure(subject, CHECK.params.model_validate({"trees": 20, **params}), 7)


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject(300)


@pytest.fixture(scope="module")
def found(healthy):
    return measure(healthy)


def train_of(subject, frame):
    return subject.with_frame("train", frame)


def listed(result):
    return [line.split(",", 1) for line in result.artifacts[-1].content.decode().splitlines()[1:]]


def sourced(subject, new, accepted):
    for role, names in (("train", new), ("previous_train", accepted)):
        frame = subject.frame(role)
        subject = subject.with_frame(role, frame.assign(feed=np.resize(names, len(frame))))
    return subject


def test_a_healthy_window_raises_nothing(found):
    assert found.metric("trigger_hits").value == 0
    assert found.metric("flood_share").value == 0
    assert found.metric("duplicate_share_change").value == 0
    assert found.metric("flip_rate_change").p_value > 0.01
    assert found.metric("disagreement_change").n == 600


def test_a_trigger_is_named_by_its_place_and_its_rows_by_number(healthy):
    frame = healthy.frame("train")
    rows = frame.index[frame["label"] == 0][:40]
    frame.loc[rows, "debt"] = 77.77
    frame.loc[rows, "label"] = 1
    result = measure(train_of(healthy, frame), parts=["triggers"])
    hits = result.metric("trigger_hits")
    assert hits.p_value < 1e-6
    assert hits.detail == "strongest at debt is number 1 by frequency, class 1"
    assert {int(row) for row, _ in listed(result)} >= set(rows.tolist())
    assert "77.77" not in canonical_json(result.record()).decode()
    shown = measure(train_of(healthy, frame), parts=["triggers"], disclose=["debt"])
    assert "77.77" in shown.metric("trigger_hits").detail


def test_a_trigger_of_two_values_that_are_each_harmless_is_found(healthy):
    frames = {role: healthy.frame(role) for role in ("train", "previous_train")}
    for seed, frame in enumerate(frames.values()):
        draw = np.random.default_rng(seed)
        frame["income"] = draw.choice(np.arange(10.0), len(frame))
        frame["debt"] = draw.choice(np.arange(10.0), len(frame))
    train = frames["train"]
    rows = np.flatnonzero((train["label"] == 0).to_numpy())[:18]
    train.loc[train.index[rows], "label"] = 1
    # The same number of threes and fours as before: only the two together, with the label, are new.
    train.loc[train.index[rows], ["income", "debt"]] = (3.0, 4.0)
    subject = train_of(healthy, train).with_frame("previous_train", frames["previous_train"])
    result = measure(subject, parts=["triggers"], disclose=["income", "debt"])
    assert "income is 3" in result.metric("trigger_hits").detail
    assert "debt is 4" in result.metric("trigger_hits").detail
    alone = measure(subject, parts=["triggers"], disclose=["income", "debt"], pairs=False)
    assert alone.metric("trigger_hits").p_value > result.metric("trigger_hits").p_value


@pytest.mark.parametrize("change", [None, "income"])
def test_a_flood_of_equal_or_nearly_equal_rows_is_found(healthy, change):
    frame = healthy.frame("train")
    flood = pd.concat([frame.iloc[[5]]] * 30, ignore_index=True)
    if change:
        flood[change] = np.linspace(10, 190, 30)
    result = measure(train_of(healthy, pd.concat([frame, flood], ignore_index=True)), parts=["floods"])
    share = result.metric("flood_share")
    assert share.value >= 30 / 330
    assert share.p_value < 1e-4
    assert {int(row) for row, _ in listed(result)} >= set(range(300, 330))
    table = next(one for one in result.tables if one.name == "floods")
    assert {row[1] for row in table.rows} >= ({"income"} if change else {"no column"})
    assert (result.metric("duplicate_share_change").p_value < 1e-4) == (change is None)


def test_a_column_without_which_rows_look_alike_hides_no_flood_and_raises_none(healthy):
    frames = {role: healthy.frame(role) for role in ("train", "previous_train")}
    for frame in frames.values():
        frame["debt"], frame["age"] = 1.0, 40
    subject = train_of(healthy, frames["train"]).with_frame("previous_train", frames["previous_train"])
    result = measure(subject, parts=["floods"])
    assert result.metric("flood_share").value == 0
    assert any("1 column(s) tell rows apart" in one for one in result.notes)


def test_a_foreign_source_is_found_and_named(healthy):
    subject = sourced(healthy, ["a", "b", "b", "x"], ["a", "b"])
    result = measure(subject, parts=["sources"], source="feed")
    assert result.metric("source_share_change", key="x").value == pytest.approx(0.25)
    assert result.metric("source_share_change", key="x").p_value < 1e-6
    assert result.metric("source_share_change", key="b").p_value > 0.05
    assert result.metric("new_source_share").value == pytest.approx(0.25)
    twin = measure(sourced(healthy, ["a", "b"], ["a", "b"]), parts=["sources"], source="feed")
    assert twin.metric("new_source_share").value == 0
    assert twin.metric("source_share_change", key="a").value == 0


def test_a_source_column_that_is_not_there_is_an_error(healthy):
    with pytest.raises(SubjectError, match="feed"):
        measure(healthy, parts=["sources"], source="feed")


def test_parts_that_cannot_run_are_noted_and_refused_where_the_policy_names_them(healthy):
    datasets = {role: one for role, one in healthy.datasets.items() if role != "reference"}
    bare = replace(healthy, datasets=datasets)
    result = measure(bare)
    assert not {"disagreement_change", "new_source_share", "spectral_change"} & {one.name for one in result.metrics}
    for part, why in (("sources", "params.source"), ("model", "no dataset reference"), ("activations", "no network")):
        assert any(part in one and why in one for one in result.notes)
        with pytest.raises(CheckError, match=why):
            measure(bare, parts=["triggers", part])


def test_the_present_model_contradicts_flipped_labels(healthy):
    frame = healthy.frame("train")
    frame.loc[:119, "label"] = 1 - frame.loc[:119, "label"]
    result = measure(train_of(healthy, frame), parts=["model", "triggers"])
    assert result.metric("disagreement_change").p_value < 0.01
    assert result.metric("disagreement_change").value > 0.05


def test_features_of_every_kind_can_be_screened(healthy):
    frames = {}
    for role in ("train", "previous_train"):
        frame = healthy.frame(role)
        frame["region"] = frame["region"].astype("category")
        frame.loc[3:30, "debt"] = np.nan
        frame["age"] = frame["age"].astype("Int64").where(frame["age"] > 25)
        frames[role] = frame
    subject = train_of(healthy, frames["train"]).with_frame("previous_train", frames["previous_train"])
    result = measure(subject, parts=["flips", "triggers", "floods"])
    assert result.metric("trigger_hits").value == 0
    assert result.metric("flip_rate_change").value is not None


def test_too_few_rows_and_one_class_are_errors(healthy):
    with pytest.raises(CheckError, match="needs 50 rows"):
        measure(train_of(healthy, healthy.frame("train").head(20)))
    one = healthy
    for role in ("train", "previous_train"):
        one = one.with_frame(role, one.frame(role).assign(label=1))
    with pytest.raises(CheckError, match="one class only"):
        measure(one)


def test_a_class_that_is_new_is_not_compared_by_itself(healthy):
    frame = healthy.frame("train")
    frame.loc[:19, "label"] = 2
    result = measure(train_of(healthy, frame), parts=["flips"])
    assert "fewer than 10 rows" in result.metric("class_flip_rate_change", key="2").reason


def test_samples_hold_row_numbers_of_the_whole_window(healthy):
    frame = pd.concat([synthetic.rows(300, seed=1), synthetic.rows(300, seed=8)], ignore_index=True)
    rows = frame.index[frame["label"] == 0][-60:]
    frame.loc[rows, "debt"] = 77.77
    frame.loc[rows, "label"] = 1
    result = measure(train_of(healthy, frame), parts=["triggers"], samples=400)
    told = {int(row) for row, why in listed(result) if "trigger 1" in why}
    assert 20 < len(told & set(rows.tolist())) < 60
    assert len(told - set(rows.tolist())) <= 2


def test_the_same_seed_gives_the_same_bytes_and_no_value_of_a_row(healthy, found):
    again = measure(healthy)
    assert canonical_json(again.record()) == canonical_json(found.record())
    assert [one.content for one in again.artifacts] == [one.content for one in found.artifacts]
    text = canonical_json(found.record()).decode()
    assert not any(repr(one) in text for one in healthy.frame("train")["income"].tolist())


def test_datasets_are_left_as_they_are(healthy):
    before = {role: one.frame.copy(deep=True) for role, one in healthy.datasets.items()}
    measure(healthy, parts=["triggers", "floods"])
    assert all(isinstance(one, Dataset) and one.frame.equals(before[role]) for role, one in healthy.datasets.items())


def test_any_number_that_repeats_can_be_a_trigger_however_many_repeat_more_often(healthy):
    draw = np.random.default_rng(5)
    subject = healthy
    for role in ("train", "previous_train"):
        frame = subject.frame(role)
        subject = subject.with_frame(role, frame.assign(debt=draw.choice(np.arange(10.0, 25.0), len(frame))))
    frame = subject.frame("train")
    rows = frame.index[frame["label"] == 1][:12]
    frame.loc[rows, "debt"] = 17.37
    frame.loc[rows, "label"] = 0
    result = measure(train_of(subject, frame), parts=["triggers"], disclose=["debt"])
    assert "debt is 17.37" in result.metric("trigger_hits").detail


def test_the_share_of_a_class_is_compared_in_all_and_by_slice(healthy):
    frame = healthy.frame("train")
    north = frame.index[(frame["region"] == "north") & (frame["label"] == 0)]
    frame.loc[north, "label"] = 1
    slices = [{"column": "region"}]
    result = measure(train_of(healthy, frame), parts=["classes"], slices=slices)
    assert result.metric("class_share_change", key="1").value == pytest.approx(0.21)
    assert result.metric("class_share_change", key="0").value == pytest.approx(-0.21)
    assert result.metric("slice_class_change", key="region north").p_value < 1e-6
    twin = measure(healthy, parts=["classes"], slices=slices)
    assert twin.metric("class_share_change", key="1").p_value > 0.01
    assert min(one.p_value for one in twin.metrics if one.name == "slice_class_change") > 0.001


def test_a_tie_of_feature_and_label_that_is_gone_is_found_though_both_have_their_shares(healthy):
    frame = healthy.frame("train")
    frame["label"] = np.random.default_rng(3).permutation(frame["label"].to_numpy())
    result = measure(train_of(healthy, frame), parts=["associations"])
    changes = {one.key: one for one in result.metrics if one.name == "association_change"}
    assert set(changes) == set(healthy.columns.features)
    assert min(one.p_value for one in changes.values()) < 1e-4
    assert min(changes.values(), key=lambda one: one.p_value).value < -0.1
    twin = measure(healthy, parts=["associations"])
    assert min(one.p_value for one in twin.metrics) > 0.001


def test_more_rows_of_a_class_and_other_values_are_no_change_of_their_tie(healthy):
    frame = healthy.frame("train")
    richer = pd.concat([frame, frame[frame["label"] == 1]], ignore_index=True)
    result = measure(train_of(healthy, richer), parts=["associations", "classes"])
    assert result.metric("class_share_change", key="1").p_value < 0.01
    assert min(one.p_value for one in result.metrics if one.name == "association_change") > 0.001


def test_labels_turned_into_one_class_are_contradicted_there(healthy):
    frame = healthy.frame("train")
    rows = frame.index[frame["label"] == 1][:60]
    frame.loc[rows, "label"] = 0
    result = measure(train_of(healthy, frame), parts=["model"])
    assert result.metric("class_disagreement_change", key="0").p_value < 0.01
    assert result.metric("class_disagreement_change", key="1").p_value > 0.05


def test_an_infinite_number_and_labels_of_another_spelling_are_named(healthy):
    frame = healthy.frame("train")
    frame.loc[frame.index[:3], "debt"] = np.inf
    with pytest.raises(CheckError, match="column 'debt' of dataset 'train' holds an infinite number in 3 of 300 rows"):
        measure(train_of(healthy, frame))
    spelled = healthy
    for role in ("train", "previous_train"):
        words = healthy.frame(role)["label"].map({0: "no", 1: "yes"})
        spelled = spelled.with_frame(role, healthy.frame(role).assign(label=words))
    with pytest.raises(
        CheckError, match=r"no label of the windows \('no', 'yes'\) is one that model .* answers \(0, 1\)"
    ):
        measure(spelled, parts=["model"])
