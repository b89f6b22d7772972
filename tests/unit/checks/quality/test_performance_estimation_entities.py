"""Rows of one customer in performance estimation: repeated rows are no further evidence, in either dataset."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from estimation_cases import classifier, drawn, measure, measured, regressor, subject_of
from model_governance.errors import SubjectError

COPIES = 3


def repeated(frame: pd.DataFrame) -> pd.DataFrame:
    """Every row three times, under the number of its customer; features differ a little, as no two visits are alike."""
    frame = pd.concat([frame.assign(customer=np.arange(len(frame)))] * COPIES, ignore_index=True)
    return frame.assign(x=frame["x"] + np.random.default_rng(1).normal(0, 1e-6, len(frame)))


def case(task: str, *, copies: tuple[str, ...] = (), entity: bool = False, **columns: str):
    rows, model = (drawn, classifier()) if task == "classification" else (measured, regressor())
    frames = {"reference": rows(900, seed=1), "current": rows(700, seed=2)}
    frames = {
        role: repeated(frame) if role in copies else frame.assign(customer=np.arange(len(frame)))
        for role, frame in frames.items()
    }
    subject = subject_of(frames["reference"], frames["current"], model, x="numeric")
    columns |= {"entity": "customer"} if entity else {}
    return replace(subject, columns=subject.columns.model_copy(update=columns))


def widths(result) -> dict[str, float]:
    return {metric.label: metric.high - metric.low for metric in result.metrics if metric.low is not None}


BOTH = ("reference", "current")
LEARNED = {"estimated_loss_increase", "estimated_mae", "estimated_rmse", "estimation_error"}
"""Metrics of which boosted learners bring a part that more rows change."""


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_repeated_rows_leave_the_intervals_as_wide_as_they_were(task):
    once = widths(measure(case(task)))
    believed, wide = (widths(measure(case(task, copies=BOTH, entity=entity))) for entity in (False, True))
    assert set(once) == set(wide) == set(believed)
    assert len(once) >= 6
    for label, width in once.items():
        learned = task == "regression" and label in LEARNED
        assert wide[label] == pytest.approx(width, rel=0.5 if learned else 0.25), label
        assert wide[label] > (1.2 if learned else 1.4) * believed[label], label


def test_without_entity_nothing_is_said_and_single_rows_have_no_design_effect():
    plain, alone = measure(case("classification")), measure(case("classification", entity=True))
    assert not [note for note in plain.notes if "design effect" in note]
    assert any("design effect of the labels of 1.0 on the reference and of 1.0 on current" in n for n in alone.notes)
    assert widths(alone) == pytest.approx(widths(plain), rel=0.1)


def test_labels_alike_on_the_reference_are_alike_on_current():
    result = measure(
        case("classification", copies=BOTH, entity=True).with_frame("current", repeated(drawn(700, seed=2)))
    )
    assert any("of 3.0 on the reference and of 3.0 on current" in note for note in result.notes)


def test_where_the_reference_holds_single_rows_alike_rows_of_current_still_count_once():
    wide = widths(measure(case("classification", copies=("current",), entity=True)))
    believed = widths(measure(case("classification", copies=("current",))))
    assert wide["estimated_accuracy"] > 1.15 * believed["estimated_accuracy"]  # calibration errs too
    assert wide["outside_reference_share"] > 1.5 * believed["outside_reference_share"]


def test_a_batch_counts_like_an_entity():
    batch = measure(case("classification", copies=BOTH, batch="customer"))
    assert widths(batch) == widths(measure(case("classification", copies=BOTH, entity=True)))
    assert any("Rows of one batch (customer, 700 of them)" in note for note in batch.notes)


@pytest.mark.parametrize("role", BOTH)
def test_a_column_that_is_not_there_is_an_error(role):
    subject = case("classification", entity=True)
    frame = subject.datasets[role].frame.drop(columns="customer")
    with pytest.raises(SubjectError, match="lacks column"):
        measure(subject.with_frame(role, frame))
