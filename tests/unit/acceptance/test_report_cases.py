"""Cases of reports that readers could not use, with what is right; the numbers are those of the list of cases."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

import project
import synthetic
from model_governance.checks import catalogue, find
from model_governance.contract.result import SHARE
from model_governance.contract.text import number, quantity, spell_p
from model_governance.report.check_page import render_check
from model_governance.report.reasons import RunFacts, in_order, read_facts, reason, reasons
from model_governance.report.run_page import render_run
from model_governance.report.scale import draw_scale
from model_governance.report.terminal import console, observed, run_table
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


def nights(folder, *changes):
    """The manifest of each of some runs of one model, one a day, and the page of the last; `changes` alter the data before."""
    small = project.small_project(folder, checks={"quality": project.CHEAP_CHECKS["quality"]})
    manifests = []
    for place, change in enumerate(changes):
        change(small)
        done = small.run(project.DAY + timedelta(days=place), f"night-{place}")
        manifests.append(json.loads(small.store.get(done.manifest.key)))
    return manifests, Reading(small.store.get(done.report.key))


def hold(small):
    small.write_current(synthetic.rows(seed=3))


def fail(small, seed=3):
    frame = synthetic.rows(seed=seed)
    small.write_current(frame.assign(label=1 - frame["label"]))


def test_r15_a_finding_says_on_the_archived_page_that_it_is_new_and_later_for_how_many_runs(tmp_path):
    manifests, page = nights(tmp_path, hold, fail, partial(fail, seed=4))
    first, second, third = (manifest["history"] for manifest in manifests)
    assert first == {"outcomes": [], "findings": []}
    assert [(each["runs"], each["since"][:10]) for each in second["findings"]] == [(1, "2026-03-02")]
    assert third["outcomes"] == ["pass", "fail"]
    assert "for 2 runs, since 2026-03-02" in page.words
    assert "the last 3 runs, the newest on the right" in page.words
    assert "the same number" not in page.words

    (tmp_path / "other").mkdir()
    _, page = nights(tmp_path / "other", hold, fail)
    block = page.words[page.words.index("Findings that do not hold") :]
    assert "stops the run new" in block


def test_r6_a_number_that_is_that_of_the_run_before_says_so(tmp_path):
    manifests, page = nights(tmp_path, hold, fail, fail, fail)
    (finding,) = manifests[-1]["history"]["findings"]
    assert (finding["runs"], finding["unchanged_since"][:10]) == (3, "2026-03-02")
    assert "for 3 runs, since 2026-03-02; the same number of the same model since 2026-03-02" in page.words


def test_r6_another_model_with_the_same_number_is_no_unchanged_result(tmp_path):
    def other_model(small):
        import skops.io

        small.write_model(skops.io.dumps(synthetic.pipeline(synthetic.rows(seed=1)), compression=8))
        fail(small)

    manifests, _ = nights(tmp_path, fail, other_model)
    (finding,) = manifests[-1]["history"]["findings"]
    assert manifests[0]["model"]["sha256"] != manifests[1]["model"]["sha256"]
    assert (finding["runs"], finding["unchanged_since"]) == (2, None)


def test_r15_a_trust_file_that_cannot_be_read_keeps_no_run_from_the_archive(tmp_path):
    small = project.small_project(tmp_path).change(archive={"trust": "missing.yaml"})
    done = small.run()
    assert done.verdict.outcome == "error"
    assert json.loads(small.store.get(done.manifest.key))["history"] is None


def test_r15_the_page_of_an_older_release_says_nothing_of_earlier_runs():
    page = run(("drift", "data_drift", drift(6.03)), facts=facts_of())
    assert "the newest on the right" not in page.words


def test_r12_the_page_of_a_check_names_the_moment_the_run_and_the_model(tmp_path):
    small = project.small_project(tmp_path)
    done = small.check("quality")
    page = Reading(small.store.get(done.report.key))
    header = page.words[: page.words.index("Findings")]
    assert "run of 2026-03-01" in header
    assert f"model {small.policy().model.sha256[:12]}" in header
    assert "night-1" in page.words


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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.4949, "49.5%"), (0.8, "80%"), (-0.031, "-3.1%"), (0.0004, "0.04%"), (0.99951, "99.951%"), (1.0, "100%"), (0.0, "0%"),
        (3e-8, "< 0.0001%"), (0.00000048, "< 0.0001%"), (1.5, "150%"),
    ],
)  # fmt: skip
def test_r7_a_share_is_a_percentage_that_says_neither_nothing_nor_all_where_it_is_not_meant(value, text):
    assert quantity(value, "share") == text


def test_r7_a_share_that_misses_its_bound_is_never_written_as_the_bound():
    metric = make.metric("drift_share", 0.79996, low=0.79992, high=0.79999, unit="share")
    (finding,) = make.judged("drift", (metric,), [{"metric": "drift_share", "geq_to": 0.8}]).findings
    assert "drift_share is 79.996% (95% interval 79.99% to 79.999%;" in finding.sentence
    assert "must be at least 80%" in finding.sentence
    assert re.search(r"its limit at level 0.00055 is 80\.00\d+%", finding.sentence)


def test_r7_a_number_is_written_the_same_in_sentence_table_scale_page_and_terminal():
    metric = make.metric("drift_share", 0.4949, low=0.4912, high=0.4986)
    verdict = make.judged("drift", (metric,), [{"metric": "drift_share", "less_than": 0.125}])
    page = run(("drift", "data_drift", verdict), facts=facts_of())
    row = page.words[page.words.index("Worst finding") : page.words.index("What to do next")]
    assert "49.5% 49.1% to 49.9% less than 12.5%" in row
    assert "drift_share is 49.5%, must be less than 12.5%" in page.words[: page.words.index("Checks")]
    assert observed(verdict.findings[0]) == "49.5% (49.1% to 49.9%)"
    drawn = draw_scale(verdict.findings[0], better="lower")
    assert re.findall(r">([^<>]+%)</text>", drawn) == ["49.5%", "&lt; 12.5%", "0%", "25%"]


def test_r7_a_change_of_a_share_is_counted_in_percentage_points():
    judged = make.judged(
        "q", (make.metric("accuracy", 0.7949, better="higher", unit="share"),),
        [{"metric": "accuracy", "min_absolute_change": -0.02}],
    )  # fmt: skip
    assert "must be at most 2 percentage points worse than the approved run" in judged.findings[0].sentence


@pytest.mark.parametrize("kind", catalogue())
def test_r7_every_metric_that_says_it_is_a_share_has_the_unit_of_shares(kind):
    named = [spec for spec in find(kind).metrics if re.match(r"(expected )?share of ", spec.meaning, re.IGNORECASE)]
    shares = [spec for spec in named if spec.range == SHARE]
    assert [spec.name for spec in shares if spec.unit != "share"] == []


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


@pytest.mark.parametrize("kind", ["membership_inference", "model_quality"])
def test_r20_a_check_is_described_in_lines_that_fit_with_an_example_and_as_json(kind, capsys):
    from model_governance.cli import main

    assert main(["checks", kind]) == 0
    text, _, example = capsys.readouterr().out.partition("\nexample policy\n")
    assert max(map(len, text.splitlines())) <= 100
    assert all(spec.name in text for spec in find(kind).metrics)
    assert main(["checks", kind, "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert [metric["name"] for metric in described["metrics"]] == [spec.name for spec in find(kind).metrics]
    assert described["params"]["properties"].keys() == find(kind).params.model_fields.keys()
    assert [line.strip() for line in example.splitlines() if line] == [
        line.strip() for line in described["example"].splitlines()
    ]
    assert list(yaml.safe_load(described["example"])["checks"]) == [kind]


def test_r21_what_the_screen_found_is_a_sentence_about_rows_and_labels():
    from model_governance.checks.supply_chain.poisoning_screen.metrics import METRICS
    from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
    from model_governance.checks.supply_chain.poisoning_screen.partitions import Bin, Partition
    from model_governance.checks.supply_chain.poisoning_screen.report import CHANGES, Screen, highlights_of
    from model_governance.checks.supply_chain.poisoning_screen.triggers import Cell, Triggers

    codes = np.zeros(30, dtype=np.int64)
    high = Bin(of=Partition(feature="income", codes=codes, words=("at its highest",), plain=(True,)), code=0)
    cell = Cell(bins=(high,), label=1, new=19, rows=25, expected=4.24, p_value=1.2e-10, least=1e-12, adjusted=1.2e-8)
    screen = Screen(pool=SimpleNamespace(classes=(0, 1)), triggers=Triggers(cells=(cell,), estimates=()))
    named = [("trigger_hits", 1), ("trigger_rows", 14.76), ("new_source_share", 0.031)]
    metrics = tuple(replace(make.metric(name, value), p_value=1e-8) for name, value in named)
    assert highlights_of(metrics, screen, ScreenParams()) == (
        "3.1% of the new window come from sources that the accepted one does not know (p < 0.001).",
        "Rows with income at its highest are labelled 1 too often: 19 rows of the new window, 4.2 expected (p < 0.001).",
    )
    assert CHANGES.keys() == {spec.name for spec in METRICS} - {"suspect_label_share"}


BY_REGION = {
    "kind": "fairness", "params": {"groups": ["region"]}, "thresholds": [{"metric": "selection_rate", "leq_to": 0.0}],
}  # fmt: skip


def test_r14_pages_call_metrics_columns_and_values_by_plain_names_with_the_label_of_policies_beside_them(tmp_path):
    small = project.small_project(tmp_path, checks={"bias": BY_REGION})
    labels = {"region": {"name": "region of residence", "values": {"north": "coastal people"}}}
    small = small.change(report={"labels": labels})
    done = small.run()
    page = Reading(small.store.get(done.report.key))
    label, others = "selection_rate[region=north]", "rows predicted positive, region of residence "

    assert f"rows predicted positive, coastal people {label} is " in page.words
    assert others in page.words
    reason_of_page = r"rows predicted positive, (coastal people|region of residence \w+) is \d+"
    assert re.search(reason_of_page, page.words[: page.words.index("Worst finding")])
    manifest = json.loads(small.store.get(done.manifest.key))
    report = Reading(small.store.get(manifest["checks"][0]["report"]["key"]))
    assert "coastal people region=north" in report.words
    assert f"bias: {label} is " in done.verdict.sentence


def test_r14_a_record_of_release_0_1_has_no_plain_names_and_shows_its_labels():
    page = run(("drift", "data_drift", drift(6.03)), facts=facts_of())
    assert "drift: psi[AGEP] is 6.03" in page.words


def test_r16_paper_has_margins_and_a_sentence_stays_with_its_picture():
    page = render_check(*make.red_check()).decode()
    assert re.search(r"@page \{ margin: \d+mm", page)
    assert re.search(r"\.highlight \{ break-inside: avoid", page)
