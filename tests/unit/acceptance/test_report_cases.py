"""Cases of reports that readers could not use, with what is right; the numbers are those of the list of cases."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

import project
from model_governance.contract.text import number, spell_p
from model_governance.report.check_page import render_check
from model_governance.report.reasons import RunFacts, in_order, read_facts, reason, reasons
from model_governance.report.run_page import render_run
from model_governance.report.terminal import console, run_table
from model_governance.verdict import read_verdict
from unit.report import conftest as make
from unit.report.reading import Reading

AGES = "ages in years: 62,962 of 70,131 rows"
OLD = "ages up to the top code of 2015: 526 of 69,635 rows"


def validation(value: int, detail: str, *, severity: str = "error"):
    metric = make.metric("critical_failures", value, detail=detail)
    return make.judged("validation", (metric,), [{"metric": "critical_failures", "equal_to": 0, "severity": severity}])


def drift(value: float):
    metric = make.metric("psi", value, key="AGEP", low=value, high=value)
    return make.judged("drift", (metric,), [{"metric": "psi", "less_than": 0.1}])


def run(*checks: tuple[str, str, Any], facts: RunFacts) -> Reading:
    manifest = make.run_manifest([(name, kind, kind, verdict, True) for name, kind, verdict in checks])
    return Reading(render_run(manifest, href=lambda key: key, facts=facts))


def facts_of(*named: tuple[str, str, str], doubtful: tuple[str, ...] = ()) -> RunFacts:
    details = {(check, label): detail for check, label, detail in named}
    return RunFacts(details=details, meanings={}, better={}, doubtful=doubtful)


def test_r1_every_finding_that_does_not_hold_is_listed_not_only_those_that_stop():
    page = run(
        ("validation", "data_validation", validation(1, OLD, severity="warn")),
        facts=facts_of(("validation", "critical_failures", OLD)),
    )
    block = page.words[page.words.index("Findings that do not hold") :]
    assert "526 of 69,635 rows" in block
    assert "Warning" in block


def test_r2_the_advice_of_a_warning_says_how_many_rows_it_is_about():
    page = run(
        ("validation", "data_validation", validation(1, OLD, severity="warn")),
        facts=facts_of(("validation", "critical_failures", OLD)),
    )
    step = page.words[page.words.index("What to do next") : page.words.index("Findings that do not hold")]
    assert f"Look at the data first. {OLD}." in step
    assert "wrong rows" not in step


def test_r2_where_the_run_stops_for_its_data_the_advice_doubts_the_other_checks():
    page = run(("validation", "data_validation", validation(1, AGES)), facts=facts_of())
    assert "what other checks measured on it is about the wrong rows" in page.words


def test_r3_the_top_of_the_page_gives_reasons_in_words():
    page = run(
        ("drift", "data_drift", drift(6.03)),
        ("validation", "data_validation", validation(1, AGES)),
        facts=facts_of(("validation", "critical_failures", AGES)),
    )
    top = page.words[: page.words.index("Checks")]
    assert AGES in top
    assert "psi[AGEP] is 6.03, must be less than 0.1" in top
    assert "2 of 2 checks stop this run. 2 fail." in top


def test_r3_a_change_since_an_earlier_run_says_from_where_to_where():
    judged = make.judged(
        "q", (make.metric("accuracy", 0.4949, better="higher"),), [{"metric": "accuracy", "geq_to": 0.8}]
    )
    verdict = judged.record()
    verdict["findings"][0] |= {
        "baseline": 0.825,
        "condition": "min_absolute_change",
        "bound": -0.02,
        "against": "approved",
    }
    (finding,) = read_verdict(verdict).findings
    assert reason(finding) == "accuracy fell from 0.825 to 0.4949"


def test_r4_table_findings_and_advice_have_one_order_worst_first_then_causes_first():
    page = run(
        ("bias", "fairness", drift(0.01)),
        ("drift", "data_drift", drift(6.03)),
        ("validation", "data_validation", validation(1, AGES)),
        facts=facts_of(),
    )
    parts = [
        page.words.index(heading) for heading in ("Checks", "What to do next", "Findings that do not hold", "Evidence")
    ]
    table, advice, findings = (page.words[start:end] for start, end in pairwise(parts))
    assert table.index("validation") < table.index("drift") < table.index("bias")
    assert advice.index("validation") < advice.index("drift")
    assert findings.index("validation: ") < findings.index("drift: ")


@pytest.mark.parametrize(
    ("outcomes", "order"),
    [
        ([("a", "pass", False, 10), ("b", "fail", True, 30)], ["b", "a"]),
        ([("a", "warn", False, 10), ("b", "uncertain", False, 20), ("c", "pass", False, 5)], ["b", "a", "c"]),
        ([("a", "fail", True, 30), ("b", "fail", True, 10)], ["b", "a"]),
        ([("a", "fail", False, 10), ("b", "fail", True, 30)], ["b", "a"]),
    ],
)
def test_r4_what_stops_precedes_what_is_worse_precedes_what_causes(outcomes, order):
    checks = [
        {"name": name, "outcome": outcome, "stops": stops, "advice": {"rank": rank}}
        for name, outcome, stops, rank in outcomes
    ]
    assert [check["name"] for check in in_order(checks)] == order


def record(check: str, outcome: str, *, doubts: bool = False, rows: str = "a", role: str = "current") -> dict[str, Any]:
    return {
        "check": check, "result": None, "verdict": {"outcome": outcome}, "datasets": [{"role": role, "sha256": rows}],
        "advice": {"rank": 10, "title": "t", "text": "t"} | ({"doubts_rows": True} if doubts else {}),
    }  # fmt: skip


def test_r5_a_check_of_rows_that_failed_validation_says_so_even_when_it_passes():
    page = run(
        ("validation", "data_validation", validation(1, AGES)),
        ("drift", "data_drift", drift(0.01)),
        facts=facts_of(doubtful=("drift",)),
    )
    assert page.words.count("measured on rows that failed validation") == 1


@pytest.mark.parametrize(
    ("validated", "other", "doubtful"),
    [
        (record("v", "fail", doubts=True), record("d", "pass"), {"d"}),
        (record("v", "warn", doubts=True), record("d", "pass"), set()),
        (record("v", "fail", doubts=True), record("d", "pass", rows="b"), set()),
        (record("v", "fail", doubts=True), record("d", "pass", role="reference"), {"d"}),
        (record("v", "fail"), record("d", "pass"), set()),
    ],
)
def test_r5_only_checks_of_the_same_rows_are_in_doubt(validated, other, doubtful):
    assert read_facts([validated, None, other]).doubtful == doubtful


def test_r9_a_scan_without_findings_and_four_counts_are_no_picture():
    from model_governance.checks.supply_chain.artifact_scan.findings import ScanLog
    from model_governance.checks.supply_chain.artifact_scan.params import ScanParams
    from model_governance.checks.supply_chain.artifact_scan.report import figures_of

    assert figures_of(ScanLog(params=ScanParams(), declared="pickle")) == ()


def test_r13_findings_and_one_picture_are_open_the_rest_is_folded_and_printed():
    page = render_check(*make.red_check()).decode()
    folded = re.findall(r"<details>.*?</details>", page, re.DOTALL)
    assert page.count("<figure>") == 2
    assert sum(part.count("<figure>") for part in folded) == 1
    assert all('class="badge fail"' not in part for part in folded)
    assert "@media print" in page
    assert "details::details-content { content-visibility: visible" in page


@pytest.mark.parametrize(
    ("value", "text"), [(-4.75e-05, "-0.0000475"), (4.041e-05, "0.00004041"), (0.4949, "0.4949"), (1e-9, "0.000000001")]
)
def test_r7_no_number_has_an_exponent(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "p < 0.001"), (1e-12, "p < 0.001"), (0.001, "p = 0.001"), (0.04, "p = 0.04")]
)
def test_r7_a_p_value_is_never_0(value, text):
    assert spell_p(value) == text


def test_one_reason_for_each_check_that_stops():
    checks = make.failing_run()["checks"]
    found = reasons(checks, read_verdict(make.failing_run()["verdict"]))
    assert [each.check for each in found] == [check["name"] for check in in_order(checks) if check["stops"]]


def test_r19_no_color_means_no_codes_at_all(monkeypatch, capsys):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    console().print(run_table(make.failing_run()))
    written = capsys.readouterr().out
    assert "drift" in written
    assert "\x1b" not in written


def test_r18_calibrate_says_how_far_it_is(tmp_path, caplog):
    from model_governance.authoring.calibration import Sampling, calibrate
    from model_governance.contract.connections import PlainConnections

    check = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.5}]}
    policy = project.small_project(tmp_path, checks={"quality": check}).policy()
    with caplog.at_level("INFO", logger="model_governance.authoring.calibration"):
        calibrate(policy, moment=make.TODAY, connections=PlainConnections(), sampling=Sampling(windows=300, rows=100))
    assert caplog.messages[:2] == ["quality: check 1 of 1", "quality: 50 runs drawn"]
