from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from model_governance.contract.result import canonical_json
from model_governance.engine.local import LocalRelation
from model_governance.engine.memory import MemoryRows
from model_governance.errors import CheckError, SubjectError
from quality_cases import dataset, measure, model_of, subject_of, two_columns

CURRENT = pd.DataFrame({"row": [1, 2, 3, 4], "score": [0.1, 0.9, 0.2, 0.8], "says": [0, 1, 0, 1]})


def late(labels: dict | pd.DataFrame, current: pd.DataFrame = CURRENT, **columns):
    model = model_of("binary_classification", classes=(0, 1), call_proba=two_columns)
    return subject_of(current, model, labels=pd.DataFrame(labels), **{"identifier": "row", **columns})


def test_labels_in_current_cover_every_row():
    model = model_of("binary_classification", classes=(0, 1))
    result = measure(subject_of(CURRENT.assign(label=[0, 1, 0, 1]), model))
    assert (result.metric("label_coverage").value, result.metric("label_coverage").n) == (1, 4)


def test_late_labels_find_their_rows_by_key_whatever_the_order():
    result = measure(late({"row": [4, 1, 9, 2], "label": [1, 0, 1, 0]}))
    assert result.metric("label_coverage").value == 0.75
    assert result.metric("accuracy").value == pytest.approx(2 / 3)
    assert result.metric("accuracy").n == 3
    assert "3 of 4 rows have one" in result.notes[0]
    assert "1 labels belong to no row of current." in result.notes


def test_a_label_row_without_a_label_is_a_label_not_yet_there():
    result = measure(late({"row": [1, 2, 3], "label": [0, 1, None]}))
    assert result.metric("label_coverage").value == 0.5
    assert result.metric("accuracy").value == 1


def test_current_wins_when_it_has_the_labels_itself():
    result = measure(late({"row": [1], "label": [1]}, CURRENT.assign(label=[0, 1, 0, 1])))
    assert result.metric("accuracy").value == 1
    assert result.metric("label_coverage").value == 1


def test_too_small_a_share_of_labels_is_an_error():
    subject = late({"row": [1, 2], "label": [0, 1]})
    assert measure(subject, minimum_label_coverage=0.5).metric("accuracy").n == 2
    with pytest.raises(CheckError, match=r"2 of 4 rows of current have a label \(50.0%\).*60.0%"):
        measure(subject, minimum_label_coverage=0.6)


def test_duplicate_keys_in_labels_are_counted():
    with pytest.raises(SubjectError, match=r"labels\.parquet: 1 keys in column 'row'.*\(2 of 3 rows\)"):
        measure(late({"row": [1, 1, 2], "label": [0, 1, 1]}))


def test_duplicate_keys_in_current_are_counted():
    with pytest.raises(SubjectError, match=r"current\.parquet: 1 keys.*\(4 of 4 rows\)"):
        measure(late({"row": [1, 2], "label": [0, 1]}, CURRENT.assign(row=1)))


def test_missing_keys_are_counted():
    with pytest.raises(SubjectError, match=r"1 of 2 keys in column 'row' of dataset 'labels' are missing"):
        measure(late({"row": [1, None], "label": [0, 1]}))


def test_no_match_at_all_names_the_types_of_the_keys():
    told = (
        r"none of 2 keys in column 'row' \(object like '9'\) occurs among the 4 of current \(int64 like 9\) in current"
    )
    with pytest.raises(SubjectError, match=told):
        measure(late({"row": ["1", "2"], "label": [0, 1]}))


def test_matching_rows_without_any_label_are_an_error():
    with pytest.raises(SubjectError, match="are missing in column 'label'"):
        measure(late({"row": [1, 9], "label": [None, 1]}))


def test_missing_labels_in_current_are_an_error():
    model = model_of("binary_classification", classes=(0, 1))
    with pytest.raises(SubjectError, match="1 of 4 labels"):
        measure(subject_of(CURRENT.assign(label=[0, 1, None, 1]), model))


def test_late_labels_need_a_key():
    with pytest.raises(SubjectError, match=r"set columns\.identifier"):
        measure(late({"row": [1], "label": [0]}, identifier=None))


def test_labels_nowhere_are_an_error():
    with pytest.raises(SubjectError, match="no label column 'label' and there is no dataset 'labels'"):
        measure(subject_of(CURRENT, model_of("binary_classification", classes=(0, 1))))


def test_a_policy_without_target_is_told_what_to_set():
    with pytest.raises(SubjectError, match=r"set columns\.target"):
        measure(subject_of(CURRENT, model_of("binary_classification", classes=(0, 1)), target=None))


def test_an_index_that_repeats_does_not_confuse_rows():
    doubled = CURRENT.set_axis([0, 0, 1, 1])
    assert measure(late({"row": [4, 1], "label": [1, 0]}, doubled)).metric("accuracy").value == 1


def test_a_run_whose_labels_are_not_due_is_skipped_with_its_coverage():
    subject = late({"row": [1, 2], "label": [0, 1]})
    result = measure(subject, minimum_label_coverage=0.9, immature="skip")
    assert result.status == "not_applicable"
    assert result.reason == "labels for 50.0% of 4 rows so far; judged when at least 90% are there"
    assert [(metric.label, metric.value, metric.n) for metric in result.metrics] == [("label_coverage", 0.5, 4)]


def test_no_label_yet_is_a_wait_but_keys_of_another_type_never_match():
    waiting = measure(late({"row": [7, 9], "label": [0, 1]}), immature="skip")
    assert waiting.reason == "labels for 0.0% of 4 rows so far; judged when some are there"
    with pytest.raises(SubjectError, match="type of the key"):
        measure(late({"row": ["7", "9"], "label": [0, 1]}), immature="skip")


def test_labels_missing_in_the_rows_themselves_may_be_late_too():
    model = model_of("binary_classification", classes=(0, 1))
    subject = subject_of(CURRENT.assign(label=[0, 1, None, 1]), model)
    assert measure(subject, immature="skip").metric("label_coverage").value == 0.75


def with_labelled_current(labels: dict):
    """Rows of current have no label at all; those of an earlier run do."""
    subject = late(labels, CURRENT.assign(row=[11, 12, 13, 14]))
    return replace(subject, datasets={**subject.datasets, "labelled_current": dataset("labelled_current", CURRENT)})


def test_rows_of_an_earlier_run_are_judged_when_their_labels_are_due():
    result = measure(with_labelled_current({"row": [1, 2, 3, 4], "label": [0, 1, 0, 0]}))
    assert result.metric("accuracy").value == 0.75
    assert result.metric("label_coverage").value == 1
    assert result.notes[0] == "Judged: labelled_current.parquet, rows of an earlier run whose labels are due."


def test_with_labelled_current_too_few_labels_are_a_wait_unless_the_policy_says_error():
    subject = with_labelled_current({"row": [1], "label": [0]})
    assert measure(subject, minimum_label_coverage=0.9).status == "not_applicable"
    with pytest.raises(CheckError, match=r"1 of 4 rows of labelled_current have a label \(25.0%\)"):
        measure(subject, minimum_label_coverage=0.9, immature="error")


@pytest.mark.parametrize("immature", [None, "skip", "error"])
@pytest.mark.parametrize("keys", [[7, 9], ["1", "2"]], ids=["other keys", "another type"])
def test_no_label_that_joins_at_maturity_is_an_error(keys, immature):
    with pytest.raises(SubjectError, match=r"none of 2 keys in column 'row' .* occurs among the 4 of labelled_current"):
        measure(with_labelled_current({"row": keys, "label": [0, 1]}), immature=immature)


def test_labels_that_are_all_empty_at_maturity_are_an_error():
    with pytest.raises(SubjectError, match="all labels that match a row of labelled_current are missing"):
        measure(with_labelled_current({"row": [1, 2], "label": [None, None]}))
    model = model_of("binary_classification", classes=(0, 1))
    rows = dataset("labelled_current", CURRENT.assign(label=[None] * 4))
    subject = subject_of(CURRENT.assign(label=[0, 1, 0, 1]), model)
    with pytest.raises(SubjectError, match="4 of 4 labels in column 'label' are missing"):
        measure(replace(subject, datasets={**subject.datasets, "labelled_current": rows}))


def test_before_any_labels_are_due_nothing_is_measured_and_the_day_is_named():
    subject = replace(
        late({"row": [1, 2], "label": [0, 1]}), labels_mature_in=2, labels_reason="the model has no run of then",
        logical_date=datetime(2026, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    result = measure(subject, minimum_label_coverage=0.9, immature="error")
    assert (result.status, result.metrics) == ("not_applicable", ())
    assert result.reason == (
        "labels are complete 2 days after a run, and the model has no run of then; "
        "the labels of this run are complete on 2026-03-03"
    )


def test_labelled_current_without_rows_are_an_error():
    subject = with_labelled_current({"row": [1], "label": [0]})
    with pytest.raises(SubjectError, match=r"labelled_current\.parquet: dataset 'labelled_current' has no rows"):
        measure(subject.with_frame("labelled_current", CURRENT.head(0)))


class SmallFrames(LocalRelation):
    """Rows that come seven at a time, as those of a file come in pieces."""

    def frames(self, names, *, rows=7):
        return super().frames(names, rows=rows)


@pytest.mark.parametrize("case", ["late", "own"])
def test_the_model_is_asked_piece_by_piece_and_answers_the_same(case, monkeypatch):
    count, draw = 100, np.random.default_rng(3)
    score = draw.random(count)
    current = pd.DataFrame({"row": np.arange(count), "score": score, "says": (score > 0.5).astype(int)})
    labels = pd.DataFrame({"row": np.arange(count), "label": (draw.random(count) < score).astype(int)})
    if case == "late":
        subject = late(labels.sample(60, random_state=1), current)
    else:
        subject = subject_of(current.assign(label=labels["label"]), late(labels, current).model)
    whole = measure(subject)
    asked = []
    told = replace(subject.model, call=lambda rows: asked.append(len(rows)) or rows["says"].to_numpy())
    monkeypatch.setattr(
        "model_governance.checks.quality.model_quality.labels.open_relation",
        lambda one: SmallFrames(MemoryRows(one.frame, one.role), role=one.role, uri=one.uri),
    )
    pieces = measure(replace(subject, model=told))
    assert canonical_json(pieces.record()) == canonical_json(whole.record())
    assert max(asked) <= 7
    assert sum(asked) == whole.metric("accuracy").n
