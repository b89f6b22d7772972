"""Which outcome is worse than which, and how a verdict over several findings reads."""

from __future__ import annotations

import itertools

import pytest

from model_governance.verdict import FailPolicy, Finding, Verdict, combine

FROM_BEST_TO_WORST = ("skipped", "pass", "waived", "warn", "uncertain", "fail", "error")


def finding(outcome, **fields) -> Finding:
    return Finding(check="drift", outcome=outcome, sentence=f"sentence of {outcome}", **fields)


@pytest.mark.parametrize(("better", "worse"), itertools.combinations(FROM_BEST_TO_WORST, 2))
def test_the_worse_of_two_outcomes_is_the_outcome(better, worse):
    for order in ([better, worse], [worse, better]):
        assert Verdict(name="drift", findings=tuple(map(finding, order))).outcome == worse


def test_the_sentence_names_the_worst_first_and_leaves_out_what_is_well():
    judged = Verdict(name="drift", findings=tuple(map(finding, FROM_BEST_TO_WORST)))
    assert judged.sentence.splitlines() == [
        "drift: ERROR",
        *(f"  - sentence of {outcome}" for outcome in ("error", "fail", "uncertain", "warn", "waived")),
    ]


def test_a_verdict_in_which_all_is_well_says_so_of_each():
    judged = Verdict(name="drift", findings=(finding("skipped"), finding("pass")))
    assert judged.sentence == "drift: PASS\n  - sentence of pass\n  - sentence of skipped"


def test_only_the_findings_that_stop_are_listed_as_stopping():
    findings = (finding("pass"), finding("fail"), finding("warn"), finding("error"), finding("waived"))
    assert [one.outcome for one in Verdict(name="m", findings=findings).stopping] == ["fail", "error"]
    strict = Verdict(name="m", findings=findings, fail_policy=FailPolicy(fail_on="warn"))
    assert [one.outcome for one in strict.stopping] == ["fail", "warn", "error"]


def test_a_run_is_an_error_only_if_every_check_was_skipped():
    skipped = Verdict(name="a", findings=(finding("skipped"),))
    passed = Verdict(name="b", findings=(finding("pass"),))
    run = combine("m", [skipped, passed], fail_policy=FailPolicy(fail_on="warn", on_uncertain="fail"))
    assert (run.name, run.outcome, run.stops) == ("m", "pass", False)
    assert run.fail_policy == FailPolicy(fail_on="warn", on_uncertain="fail")
    assert run.findings == (*skipped.findings, *passed.findings)
    empty = combine("m", [skipped, skipped], fail_policy=FailPolicy())
    assert [one.outcome for one in empty.findings] == ["skipped", "skipped", "error"]
    assert empty.findings[-1].check == "m"
    assert empty.findings[-1].sentence == "m: nothing was measured in this run; an empty run is never a pass"


def test_a_verdict_is_recorded_as_json_types():
    band = finding("fail", condition="between", bound=(0.1, 0.2))
    record = Verdict(name="m", findings=(band,)).record()
    assert {name: value for name, value in record.items() if name != "findings"} == {
        "name": "m", "outcome": "fail", "stops": True, "fail_on": "error", "on_uncertain": "warn",
    }  # fmt: skip
    assert record["findings"][0]["bound"] == [0.1, 0.2]
    assert isinstance(record["findings"][0]["bound"], list)
