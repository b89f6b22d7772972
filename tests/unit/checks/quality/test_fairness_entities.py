"""Rows of one customer in fairness: repeated rows are no further evidence that groups differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fairness_cases import drawn, measure, subject_of
from model_governance.errors import SubjectError
from model_governance.policy import AlarmSpec, CheckSpec, Policy
from model_governance.verdict import judge
from verdict_cases import TODAY

COPIES = 3
NEAR = 0.12
PARITY = {"metric": "demographic_parity_difference", "less_than": 0.10}


def named(subject, **roles: str):
    return replace(subject, columns=subject.columns.model_copy(update=roles))


def repeated(frame: pd.DataFrame, *, copies: int = COPIES) -> pd.DataFrame:
    """Every row several times, under the number of its customer."""
    return pd.concat([frame.assign(customer=np.arange(len(frame)))] * copies, ignore_index=True)


def widths(result) -> dict[str, float]:
    return {metric.label: metric.high - metric.low for metric in result.metrics if metric.low is not None}


def binary(names: str = "ab", *, seed: int = 1) -> pd.DataFrame:
    rates = dict(zip("abc", (0.6, 0.4, 0.5), strict=True))
    return drawn(dict.fromkeys(names, 400), {name: rates[name] for name in names}, seed=seed)


def amounts() -> pd.DataFrame:
    frame = binary("abc")
    draw = np.random.default_rng(3)
    says = draw.normal(10, 2, len(frame)) + frame["group"].map({"a": 0.0, "b": 1.0, "c": 2.0})
    return frame.assign(says=says, label=says + draw.normal(0, 1, len(frame)))


@pytest.mark.parametrize(
    ("frame", "task"),
    [
        pytest.param(binary("ab"), "binary_classification", id="two groups"),
        pytest.param(binary("abc"), "binary_classification", id="three groups"),
        pytest.param(binary("ab"), "multiclass_classification", id="several classes"),
        pytest.param(amounts(), "regression", id="regression"),
    ],
)
def test_repeated_rows_leave_the_intervals_as_wide_as_they_were(frame, task):
    copies = subject_of(repeated(frame), task=task)
    results = [measure(subject) for subject in (subject_of(frame, task=task), copies, named(copies, entity="customer"))]
    once, believed, wide = map(widths, results)
    assert set(once) == set(wide)
    assert len(once) > 2
    ends = {metric.label for result in results for metric in result.metrics if metric.low == 0}
    for label, width in once.items():
        if label in ends:  # a range ends at 0, and its lower limit moves no further
            assert wide[label] > 0.95 * width, label
            continue
        assert wide[label] == pytest.approx(width, rel=NEAR), label
        assert wide[label] / believed[label] == pytest.approx(np.sqrt(COPIES), rel=NEAR), label


def test_without_entity_nothing_changes_and_nothing_is_said():
    subject = subject_of(repeated(binary()))
    plain, apart = measure(subject), measure(subject_of(binary().assign(customer=range(800))))
    assert not [note for note in plain.notes if "design effect" in note]
    alone = measure(named(subject_of(binary().assign(customer=range(800))), entity="customer"))
    assert widths(alone) == widths(apart)


@pytest.mark.parametrize("role", ["entity", "batch"])
def test_the_note_states_the_range_of_the_design_effects(role):
    result = measure(named(subject_of(repeated(binary())), **{role: "customer"}))
    assert any(f"Rows of one {role} (customer, 800 of them)" in note for note in result.notes)
    assert any("design effect of 3.0 to 3.0" in note for note in result.notes)
    assert all(metric.p_value is None for metric in result.metrics)


def test_customers_and_batches_add_what_they_bring():
    frame = repeated(binary())
    subject = subject_of(frame.sort_values("customer", ignore_index=True).assign(day=np.arange(2400) // 6))
    both, one = (measure(named(subject, entity="customer", **more)) for more in ({"batch": "day"}, {}))
    label = "selection_rate[group=a]"
    assert widths(both)[label] > 1.2 * widths(one)[label]
    named_rows = "Rows of one entity (customer, 800 of them) or batch (day, 400 of them)"
    assert any(named_rows in note for note in both.notes)


def test_customers_in_both_groups_compare_them_with_themselves():
    draw = np.random.default_rng(4)
    own = (draw.random(500) < 0.5).astype(int)
    frame = pd.DataFrame({"group": ["a"] * 500 + ["b"] * 500, "says": np.tile(own, 2), "label": 0})
    frame.loc[draw.choice(1000, 200, replace=False), "says"] ^= 1
    result = measure(named(subject_of(frame.assign(customer=np.tile(np.arange(500), 2))), entity="customer"))
    assert widths(result) == widths(measure(subject_of(frame)))


def test_a_group_of_few_customers_says_little():
    frame = repeated(drawn({"a": 600, "b": 12}, {"a": 0.5, "b": 0.5}))
    many = frame.assign(customer=np.where(frame["group"] == "b", frame["customer"] % 4, frame["customer"] + 10))
    wide = widths(measure(named(subject_of(many), entity="customer")))
    assert (
        wide["demographic_parity_difference[group]"]
        > 1.5 * widths(measure(subject_of(many)))["demographic_parity_difference[group]"]
    )


def test_where_nothing_varies_rows_of_a_customer_count_once():
    frame = binary().assign(says=0, label=0)
    once = widths(measure(subject_of(frame)))
    wide = widths(measure(named(subject_of(repeated(frame)), entity="customer")))
    assert wide == pytest.approx(once, rel=NEAR)


def test_a_column_that_is_not_there_is_an_error():
    with pytest.raises(SubjectError, match="lacks column"):
        measure(named(subject_of(binary()), entity="customer"))


def test_a_steady_difference_of_dependent_rows_does_not_fail_in_sixty_runs():
    policy = Policy.model_construct(
        checks={"fairness": CheckSpec(kind="fairness", thresholds=(PARITY,))}, waivers=(), fail_on="error",
        on_uncertain="warn", alarms=AlarmSpec(),
    )  # fmt: skip
    believed, seen = [], []
    for seed in range(60):
        frame = repeated(drawn({"a": 250, "b": 250}, {"a": 0.545, "b": 0.455}, seed=seed), copies=4)
        subject = subject_of(frame[["group", "says", "customer"]])
        for outcomes, asked in ((believed, subject), (seen, named(subject, entity="customer"))):
            judged = judge("fairness", measure(asked), policy, moment=TODAY)
            outcomes += [finding.outcome for finding in judged.findings]
    assert believed.count("fail") >= 3
    assert len(seen) == 60
    assert "fail" not in seen
