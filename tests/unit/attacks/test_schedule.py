"""Budgets cut at the same row, clocks end in an error, and what rests tonight keeps its last numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import synthetic
from model_governance.attacks.schedule import (
    FILE,
    Effort,
    QueriesSpent,
    TimeSpent,
    metered,
    plan_attacks,
    plan_lookback,
)
from model_governance.checks.privacy.membership_inference import CHECK
from model_governance.contract.subject import PreviousRun
from model_governance.errors import CheckError

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEKLY = {"loss": Effort(every=7)}
AUC = CHECK.metric("attack_auc", 0.7, n=100, interval=(0.6, 0.8), key="loss")
RATE = CHECK.metric("tpr_at_fpr", None, n=100, key="loss@0.001", reason="too few non-members")
OTHER = CHECK.metric("attack_auc", 0.5, n=100, key="rmia")


@pytest.fixture(scope="module")
def subject():
    return replace(synthetic.subject(60), run=MONDAY)


def after(subject, plan, measured, *, days):
    """The subject some days later, with what the plan stored."""
    stored = plan.artifact(measured)
    night = PreviousRun(
        logical_date=subject.logical_date, name=FILE, key="k", sha256=stored.sha256, content=stored.content
    )
    return replace(subject, logical_date=subject.logical_date + timedelta(days=days), earlier=(night,))


def test_every_attack_is_due_on_the_first_night(subject):
    plan = plan_attacks(["rmia", "loss"], WEEKLY, subject)
    assert plan.due == ("rmia", "loss")
    assert plan.rotates


@pytest.mark.parametrize(
    ("days", "due"), [(1, ("rmia",)), (6, ("rmia",)), (7, ("rmia", "loss")), (9, ("rmia", "loss"))]
)
def test_a_weekly_attack_rests_until_its_day_and_a_missed_one_is_made_up_for(subject, days, due):
    later = after(subject, plan_attacks(["rmia", "loss"], WEEKLY, subject), [AUC], days=days)
    assert plan_attacks(["rmia", "loss"], WEEKLY, later).due == due


def test_what_rests_keeps_its_last_numbers_with_their_day(subject):
    monday = plan_attacks(["rmia", "loss"], WEEKLY, subject)
    tuesday = after(subject, monday, [AUC, RATE, OTHER], days=1)
    plan = plan_attacks(["rmia", "loss"], WEEKLY, tuesday)
    carried = plan.carried(CHECK.metrics)
    assert [(one.label, one.value, one.low) for one in carried] == [
        ("attack_auc[loss]", 0.7, 0.6), ("tpr_at_fpr[loss@0.001]", None, None)]  # fmt: skip
    assert carried[0].detail == "measured on 2026-03-02, due every 7 days"
    assert carried[1].reason == "too few non-members"
    wednesday = after(tuesday, plan, [OTHER], days=1)
    again = plan_attacks(["rmia", "loss"], WEEKLY, wednesday).carried(CHECK.metrics)
    assert again == carried


def test_another_model_makes_every_attack_due(subject):
    later = after(subject, plan_attacks(["loss"], WEEKLY, subject), [AUC], days=1)
    retrained = replace(later, model=replace(later.require_model(), sha256="f" * 64))
    assert plan_attacks(["loss"], WEEKLY, retrained).due == ("loss",)


def test_the_plan_shows_its_coverage(subject):
    later = after(subject, plan_attacks(["rmia", "loss"], WEEKLY, subject), [AUC], days=1)
    assert plan_attacks(["rmia", "loss"], WEEKLY, later).table().rows == (
        ("rmia", "yes", 1, "2026-03-03", None, None),
        ("loss", "no", 7, "2026-03-02", None, None),
    )


def test_an_effort_for_an_attack_that_does_not_run_is_refused(subject):
    with pytest.raises(CheckError, match="effort names lira, which attacks does not list"):
        plan_attacks(["loss"], {"lira": Effort()}, subject)


def test_a_check_looks_back_only_where_an_attack_rests():
    assert plan_lookback({"loss": Effort(queries=10)}) is None
    assert plan_lookback(WEEKLY).artifact == FILE


def test_queries_are_counted_and_cut_before_the_budget_is_passed(subject):
    frame = subject.features("current")
    model, meter = metered(subject.require_model(), Effort(queries=100), attack="loss")
    model.predict(frame)
    assert (meter.asked, meter.left) == (60, 40)
    with pytest.raises(QueriesSpent, match="40 of 100 queries left and needs 60"):
        model.predict_proba(frame)
    assert model.predict_proba(frame.head(40)).shape == (40, 2)
    assert meter.left == 0


def test_a_clock_that_ran_out_is_an_error_that_says_what_was_reached(subject):
    model, meter = metered(subject.require_model(), Effort(seconds=1e-9), attack="loss")
    with pytest.raises(TimeSpent, match="stopped after 1e-09 s with 0 rows asked, so it measured nothing"):
        model.predict(subject.features("current"))
    assert meter.asked == 0
