"""What becomes of a finding from run to run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from model_governance.notify import message_of, track
from model_governance.report.issues import MOST_RUNS
from notify_cases import DAY, FAIL, PASS, before, finding, verdict


def only(current, *earlier):
    (issue,) = track(current, moment=DAY, earlier=before(*earlier))
    return issue


def test_the_first_run_with_a_finding_is_new():
    issue = only(FAIL)
    assert (issue.change, issue.runs, issue.since, issue.before) == ("new", 1, DAY, None)
    assert only(FAIL, PASS).change == "new"


def test_a_finding_goes_on_since_its_first_run():
    issue = only(FAIL, FAIL, FAIL, PASS, FAIL)
    assert (issue.change, issue.runs, issue.since) == ("ongoing", 3, DAY - timedelta(days=2))


@pytest.mark.parametrize(
    ("now", "earlier", "change"),
    [
        (finding("fail"), finding("warn"), "worsening"),
        (finding("warn"), finding("uncertain"), "worsening"),
        (finding("error", None), finding("fail"), "worsening"),
        (finding("uncertain"), finding("fail"), "eased"),
        (finding("warn"), finding("fail"), "eased"),
        (finding("fail", 0.4), finding("fail", 0.3), "worsening"),
        (finding("fail", 0.2), finding("fail", 0.3), "ongoing"),
        (finding("fail", 0.4, low=0.3, high=0.5), finding("fail", 0.3, low=0.2, high=0.35), "ongoing"),
        (finding("fail", 0.4, low=0.36, high=0.5), finding("fail", 0.3, low=0.2, high=0.35), "worsening"),
        (finding("waived"), finding("fail"), "waived"),
        (finding("fail"), finding("waived"), "waiver ended"),
        (finding("waived"), finding("waived"), "waived"),
        (finding("pass", 0.1), finding("waived"), "resolved"),
        (finding("pass", 0.1), finding("fail"), "resolved"),
    ],
)
def test_what_became_of_a_finding_since_the_run_before(now, earlier, change):
    assert only(verdict(now), verdict(earlier)).change == change


def test_a_check_that_could_not_measure_resolves_nothing():
    broken = verdict(finding("error", metric=None))
    issues = track(broken, moment=DAY, earlier=before(FAIL))
    assert [(issue.change, issue.finding.metric) for issue in issues] == [("new", None), ("not judged", "psi")]


def test_an_issue_outlasts_a_run_that_did_not_judge_it():
    skipped = verdict(finding("skipped", metric=None), finding("pass", 0.9, metric="accuracy", check="quality"))
    issues = track(FAIL, moment=DAY, earlier=before(skipped, FAIL, PASS))
    assert [(issue.change, issue.runs, issue.since) for issue in issues] == [("ongoing", 2, DAY - timedelta(days=2))]
    assert only(skipped, FAIL).change == "not judged"


def test_a_check_that_measures_again_is_resolved():
    issue = only(PASS, verdict(finding("error", metric=None)))
    assert (issue.change, issue.before.outcome, issue.runs) == ("resolved", "error", 1)


def test_two_thresholds_on_one_metric_are_one_issue():
    both = verdict(finding("warn", bound=0.1, severity="warn"), finding("fail", bound=0.2))
    warned = verdict(finding("warn", 0.15, bound=0.1, severity="warn"), finding("pass", 0.15, bound=0.2))
    assert only(both).finding.outcome == "fail"
    assert only(warned, both).change == "eased"


def test_each_key_is_an_issue_of_its_own():
    now = verdict(finding("fail", key="age"), finding("pass", 0.1, key="income"))
    then = verdict(finding("pass", 0.1, key="age"), finding("fail", key="income"))
    changes = {issue.finding.key: issue.change for issue in track(now, moment=DAY, earlier=before(then))}
    assert changes == {"age": "new", "income": "resolved"}


def test_no_more_earlier_runs_are_read_than_needed():
    read = []

    def runs():
        for place in range(1, 10 * MOST_RUNS):
            read.append(place)
            yield DAY - timedelta(days=place), PASS if place == 3 else FAIL

    assert track(FAIL, moment=DAY, earlier=runs())[0].runs == 3
    assert len(read) <= 4
    read.clear()
    track(
        PASS, moment=DAY, earlier=((DAY - timedelta(days=each), PASS) for each in range(1, 10) if not read.append(each))
    )
    assert len(read) == 1
    always = ((DAY - timedelta(days=each), FAIL) for each in range(1, 10 * MOST_RUNS))
    assert track(FAIL, moment=DAY, earlier=always)[0].runs == MOST_RUNS + 1


def test_four_nights_are_new_worsening_resolved_in_part_and_resolved():
    accuracy = {"metric": "accuracy", "check": "quality"}
    first = verdict(finding("fail", 0.3), finding("warn", 0.7, **accuracy))
    nights = [first, verdict(finding("fail", 0.5), finding("warn", 0.7, **accuracy)),
              verdict(finding("pass", 0.1), finding("warn", 0.7, **accuracy)),
              verdict(finding("pass", 0.1), finding("pass", 0.9, **accuracy))]  # fmt: skip
    earlier, found = [], []
    for night in nights:
        found.append(message_of(night, moment=DAY, earlier=before(*earlier)).status)
        earlier.insert(0, night)
    assert found == ["new", "worsening", "resolved in part", "resolved"]
    assert message_of(PASS, moment=DAY, earlier=before(PASS)).status == "passed"
