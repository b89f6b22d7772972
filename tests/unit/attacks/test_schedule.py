"""Query budgets cut at the same row, time budgets end in an error, and a deferred attack keeps its last metrics."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import synthetic
from model_governance.attacks.schedule import (
    FILE,
    AttackBudget,
    QueryBudgetExceeded,
    TimeBudgetExceeded,
    limit_queries,
    schedule_attacks,
    schedule_lookback,
)
from model_governance.checks.privacy.membership_inference import CHECK
from model_governance.contract.result import make_metric
from model_governance.contract.subject import PreviousRun
from model_governance.errors import CheckError, EvidenceError

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEKLY = {"loss": AttackBudget(every_runs=7)}
AUC = make_metric(CHECK.metrics, "attack_auc", 0.7, n=100, interval=(0.6, 0.8), key="loss")
RATE = make_metric(CHECK.metrics, "tpr_at_fpr", None, n=100, key="loss@0.001", reason="too few non-members")
OTHER = make_metric(CHECK.metrics, "attack_auc", 0.5, n=100, key="rmia")


@pytest.fixture(scope="module")
def subject():
    return replace(synthetic.subject(60), logical_date=MONDAY)


def after(subject, schedule, measured, *, days=1):
    """The subject of the next run, some days later, with what the schedule stored."""
    stored = schedule.artifact(measured)
    previous = PreviousRun(
        logical_date=subject.logical_date, name=FILE, key="k", sha256=stored.sha256, content=stored.content
    )
    return replace(subject, logical_date=subject.logical_date + timedelta(days=days), earlier=(previous,))


def test_every_attack_is_due_in_the_first_run(subject):
    schedule = schedule_attacks(["rmia", "loss"], WEEKLY, subject)
    assert schedule.due == ("rmia", "loss")
    assert schedule.rotates


@pytest.mark.parametrize("days", [0, 1, 7, 30])
def test_an_attack_is_due_again_after_seven_runs_however_many_days_they_take(subject, days):
    executed = []
    for run in range(15):
        schedule = schedule_attacks(["rmia", "loss"], WEEKLY, subject)
        assert "rmia" in schedule.due
        executed += [run] if "loss" in schedule.due else []
        subject = after(subject, schedule, [AUC], days=days)
    assert executed == [0, 7, 14]


def test_runs_have_moments_as_well_as_dates(subject):
    hourly = replace(subject, logical_date=datetime(2026, 3, 2, 4, tzinfo=UTC))
    schedule = schedule_attacks(["loss"], WEEKLY, hourly)
    later = after(hourly, schedule, [AUC], days=0)
    assert schedule_attacks(["loss"], WEEKLY, later).deferred == {
        "loss": "loss: not due in this run; every 7 runs, last executed 2026-03-02 04:00 UTC"
    }


def test_a_deferred_attack_keeps_its_last_metrics_with_their_moment(subject):
    monday = schedule_attacks(["rmia", "loss"], WEEKLY, subject)
    tuesday = after(subject, monday, [AUC, RATE, OTHER], days=1)
    schedule = schedule_attacks(["rmia", "loss"], WEEKLY, tuesday)
    carried = schedule.carried_forward(CHECK.metrics)
    assert [(metric.label, metric.value, metric.low) for metric in carried] == [
        ("attack_auc[loss]", 0.7, 0.6), ("tpr_at_fpr[loss@0.001]", None, None)]  # fmt: skip
    assert carried[0].detail == "measured on 2026-03-02, due every 7 runs"
    assert carried[1].reason == "too few non-members"
    wednesday = after(tuesday, schedule, [OTHER], days=1)
    again = schedule_attacks(["rmia", "loss"], WEEKLY, wednesday).carried_forward(CHECK.metrics)
    assert again == carried


def test_another_model_makes_every_attack_due(subject):
    later = after(subject, schedule_attacks(["loss"], WEEKLY, subject), [AUC], days=1)
    retrained = replace(later, model=replace(later.require_model(), sha256="f" * 64))
    assert schedule_attacks(["loss"], WEEKLY, retrained).due == ("loss",)


def test_the_table_shows_what_was_executed_when(subject):
    later = after(subject, schedule_attacks(["rmia", "loss"], WEEKLY, subject), [AUC], days=1)
    assert schedule_attacks(["rmia", "loss"], WEEKLY, later).table().rows == (
        ("rmia", "yes", 1, "2026-03-03", None, None),
        ("loss", "no", 7, "2026-03-02", None, None),
    )


def test_a_budget_for_an_attack_that_does_not_run_is_refused(subject):
    with pytest.raises(CheckError, match="budget names lira, which attacks does not list"):
        schedule_attacks(["loss"], {"lira": AttackBudget()}, subject)


def test_a_check_looks_back_only_where_an_attack_is_deferred():
    assert schedule_lookback({"loss": AttackBudget(max_queries=10)}) is None
    assert schedule_lookback(WEEKLY).artifact == FILE


def test_queries_are_counted_and_cut_before_the_budget_is_passed(subject):
    frame = subject.features("current")
    model, query_budget = limit_queries(subject.require_model(), AttackBudget(max_queries=100), attack="loss")
    model.predict(frame)
    assert (query_budget.asked, query_budget.remaining) == (60, 40)
    with pytest.raises(QueryBudgetExceeded, match="40 of 100 queries left and needs 60"):
        model.predict_proba(frame)
    assert model.predict_proba(frame.head(40)).shape == (40, 2)
    assert query_budget.remaining == 0


def test_a_clock_that_ran_out_is_an_error_that_says_what_was_reached(subject):
    model, query_budget = limit_queries(subject.require_model(), AttackBudget(max_seconds=1e-9), attack="loss")
    with pytest.raises(TimeBudgetExceeded, match="stopped after 1e-09 s with 0 rows asked, so it measured nothing"):
        model.predict(subject.features("current"))
    assert query_budget.asked == 0


def last(document: dict) -> dict:
    return document["attacks"]["loss"]


DAMAGES = {
    "no attacks": lambda document: document.pop("attacks"),
    "attacks that are a list": lambda document: document.update(attacks=[]),
    "a moment that is none": lambda document: last(document).update(moment="2026-02-30"),
    "runs that are text": lambda document: last(document).update(runs_since="1"),
    "a negative number of runs": lambda document: last(document).update(runs_since=-1),
    "a metric that is none": lambda document: last(document).update(metrics=[None]),
    "an interval upside down": lambda document: last(document)["metrics"][0].update(low=0.9),
    "half an interval": lambda document: last(document)["metrics"][0].update(low=None),
    "no value and no reason": lambda document: last(document)["metrics"][0].update(value=None),
    "a value that is text": lambda document: last(document)["metrics"][0].update(value="0.7"),
    "a p-value of two": lambda document: last(document)["metrics"][0].update(p_value=2.0),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_stored_schedule_whose_fields_do_not_fit_is_left_out_by_the_archive(subject, damage):
    schedule = schedule_attacks(["rmia", "loss"], WEEKLY, subject)
    document = json.loads(schedule.artifact([AUC, RATE]).content)
    lookback = schedule_lookback(WEEKLY)
    lookback.require(json.dumps(document).encode(), "s3://b/schedule.json")
    DAMAGES[damage](document)
    with pytest.raises(EvidenceError, match=r"^s3://b/schedule\.json: attacks"):
        lookback.require(json.dumps(document).encode(), "s3://b/schedule.json")


def test_a_metric_that_this_release_does_not_declare_is_not_carried_forward(subject):
    schedule = schedule_attacks(["rmia", "loss"], WEEKLY, subject)
    following = after(subject, schedule, [AUC])
    (previous,) = following.earlier
    content = previous.content.replace(b'"attack_auc"', b'"attack_area"')
    carrying = schedule_attacks(
        ["rmia", "loss"], WEEKLY, replace(following, earlier=(replace(previous, content=content),))
    )
    assert carrying.carried_forward(CHECK.metrics) == ()
