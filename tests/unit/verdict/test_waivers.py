"""A waiver covers the check, the metric and the key that it names, and nothing beside them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from model_governance.contract.result import CheckResult
from model_governance.policy import Waiver
from model_governance.verdict import judge
from verdict_cases import TODAY, metric, policy_of, verdict

THRESHOLD = {"metric": "psi", "less_than": 0.2}
REPEATED = [metric(0.3, key="age"), metric(0.4, key="income")]


def waiver(**changes) -> Waiver:
    fields = {"check": "drift", "metric": "psi", "reason": "the top code changed", "approver": "R. Isk"}
    return Waiver(**fields | {"ticket": "GOV-7", "expires": TODAY.date()} | changes)


def outcomes(metrics, *waivers, threshold=THRESHOLD):
    return [finding.outcome for finding in verdict(metrics, threshold, waivers=waivers).findings]


@pytest.mark.parametrize("other", [{"check": "quality"}, {"metric": "ks"}])
def test_a_waiver_of_another_check_or_metric_covers_nothing(other):
    assert outcomes([metric(0.3)], waiver(**other)) == ["fail"]


def test_a_waiver_of_one_key_leaves_the_other_keys_judged():
    assert outcomes(REPEATED, waiver(key="income")) == ["fail", "waived"]
    assert outcomes([metric(0.3)], waiver(key="income")) == ["fail"]


def test_a_waiver_without_key_covers_every_key():
    assert outcomes(REPEATED, waiver()) == ["waived", "waived"]
    assert outcomes([metric(0.3)], waiver()) == ["waived"]


def test_the_first_waiver_that_fits_and_is_alive_is_the_one_shown():
    expired = waiver(ticket="GOV-1", expires=date(2026, 5, 31))
    other = waiver(ticket="GOV-2", check="quality")
    finding = verdict([metric(0.3)], THRESHOLD, waivers=(expired, other, waiver(), waiver(ticket="GOV-9"))).findings[0]
    assert finding.waiver == "GOV-7"
    assert finding.sentence.endswith("; waived until 2026-06-01 by R. Isk (GOV-7): the top code changed"), (
        finding.sentence
    )


@pytest.mark.parametrize(
    ("value", "threshold", "outcome"),
    [
        ({"value": 0.3}, {"less_than": 0.2, "severity": "warn"}, "waived"),
        ({"value": 0.3, "low": 0.1, "high": 0.5}, {"less_than": 0.2}, "waived"),
        ({"value": 0.1}, {"less_than": 0.2}, "pass"),
        ({"value": None, "reason": "one class only"}, {"less_than": 0.2}, "error"),
        ({"value": 0.1}, {"min_absolute_change": 0}, "waived"),
    ],
)
def test_only_a_violation_or_a_doubt_is_waived(value, threshold, outcome):
    assert outcomes([metric(**value)], waiver(), threshold={"metric": "psi", **threshold}) == [outcome]


def test_a_waived_finding_keeps_its_numbers_and_stays_a_violation():
    finding = verdict([metric(0.3)], THRESHOLD, waivers=(waiver(),)).findings[0]
    assert (finding.value, finding.bound, finding.severity, finding.violated) == (0.3, 0.2, "error", True)


@pytest.mark.parametrize(
    ("expires", "outcome"),
    [
        (TODAY + timedelta(seconds=1), "waived"),
        (TODAY, "fail"),
        (TODAY.date(), "waived"),
        (TODAY.date() - timedelta(days=1), "fail"),
    ],
)
def test_a_day_ends_at_midnight_and_a_moment_at_once(expires, outcome):
    assert outcomes([metric(0.3)], waiver(expires=expires)) == [outcome]


def test_an_expired_waiver_is_shown_as_expired_and_the_newest_of_several():
    old = waiver(ticket="GOV-1", expires=date(2026, 5, 1))
    newer = waiver(ticket="GOV-2", expires=TODAY)
    finding = verdict([metric(0.3)], THRESHOLD, waivers=(newer, old)).findings[0]
    assert (finding.outcome, finding.waiver) == ("fail", None)
    assert finding.sentence.endswith(
        "; its waiver by R. Isk (GOV-2) has expired: it was in force until 2026-06-01 00:00:00 UTC"
    )


def test_an_expired_waiver_of_another_scope_is_not_mentioned():
    expired = waiver(key="income", expires=date(2026, 5, 1))
    assert "expired" not in verdict([metric(0.3)], THRESHOLD, waivers=(expired,)).findings[0].sentence


def test_a_moment_is_spelled_to_the_second():
    finding = verdict([metric(0.3)], THRESHOLD, waivers=(waiver(expires=TODAY + timedelta(seconds=1)),)).findings[0]
    assert "; waived until 2026-06-01 00:00:01 UTC by R. Isk (GOV-7): " in finding.sentence


def test_a_waiver_that_was_granted_later_covers_as_one_of_the_policy():
    result = CheckResult(kind="data_drift", seed=1, metrics=(metric(0.3),))
    given = {"moment": TODAY, "granted": (waiver(ticket="GOV-8"),)}
    rules = [policy_of(THRESHOLD), policy_of(THRESHOLD, waivers=(waiver(),))]
    found = [judge("drift", result, each, **given).findings[0] for each in rules]
    assert [(finding.outcome, finding.waiver) for finding in found] == [("waived", "GOV-8"), ("waived", "GOV-7")]
