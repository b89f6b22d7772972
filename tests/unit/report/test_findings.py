from __future__ import annotations

from model_governance.report.findings import count_outcomes, rank, waiver_note, worst_first


def labels(findings):
    return [one.label for one in findings]


def test_stopping_findings_come_first_and_passing_ones_last(make):
    verdict = make.drift_verdict(make.drift_result())
    assert [(one.label, one.outcome) for one in worst_first(verdict.findings, verdict)] == [
        ("psi", "fail"),
        ("prediction_drift", "uncertain"),
        ("drift_score[MAR]", "warn"),
        ("drift_score[RELP]", "waived"),
        ("drift_share", "pass"),
    ]


def test_among_equals_the_furthest_beyond_its_bound_comes_first(make):
    metrics = tuple(make.metric("drift_score", value, key=name) for name, value in [("a", 0.3), ("b", 0.9), ("c", 0.5)])
    verdict = make.judged("x", metrics, [{"metric": "drift_score", "less_than": 0.2}])
    assert labels(worst_first(verdict.findings, verdict)) == ["drift_score[b]", "drift_score[c]", "drift_score[a]"]


def test_a_low_value_is_the_worst_where_more_is_demanded(make):
    metrics = tuple(
        make.metric("accuracy", value, key=name, better="higher") for name, value in [("a", 0.7), ("b", 0.2)]
    )
    verdict = make.judged("x", metrics, [{"metric": "accuracy", "geq_to": 0.8}])
    assert labels(worst_first(verdict.findings, verdict)) == ["accuracy[b]", "accuracy[a]"]


def test_every_finding_is_shown_or_counted(make):
    metrics = tuple(make.metric("m", 0.9 if place < 30 else 0.1, key=str(place)) for place in range(100))
    verdict = make.judged("x", metrics, [{"metric": "m", "less_than": 0.2}])
    ranked = rank(verdict.findings, verdict)
    assert len(ranked.notable) == 20
    assert ranked.passing == ()
    assert ranked.omitted == (("fail", 10), ("pass", 70))


def test_counts_are_worst_first(make):
    verdict = make.drift_verdict(make.drift_result())
    assert count_outcomes(verdict.findings) == (("fail", 1), ("uncertain", 1), ("warn", 1), ("waived", 1), ("pass", 1))


def test_a_waiver_says_who_until_when_and_why(make):
    verdict = make.drift_verdict(make.drift_result())
    (waived,) = (one for one in verdict.findings if one.outcome == "waived")
    note = waiver_note(waived)
    assert (note.expires, note.approver) == ("2018-04-30", "D. Okafor")
    assert note.reason == make.RELP_WAIVER["reason"]
    assert note.observed == "drift: drift_score[RELP] is 0.118 (n = 70,131), must be at most 0.1: fail"
