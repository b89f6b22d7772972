"""The report of another tool: its numbers, and every reason to refuse it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

import external_reports
import synthetic
from model_governance.checks import find
from model_governance.checks.supply_chain.external_report import adapters as registry
from model_governance.checks.supply_chain.external_report.content import Adapter, Item, Report
from model_governance.contract.check import with_files
from model_governance.errors import CheckError
from model_governance.stats.intervals import clopper_pearson

CHECK = find("external_report")
REPORTS = {
    "garak": external_reports.garak(),
    "pyrit": external_reports.document(external_reports.pyrit("success", "failure")),
    "promptfoo": external_reports.promptfoo(),
    "giskard": external_reports.giskard(),
    "modelscan": external_reports.modelscan(),
    "sarif": external_reports.sarif("error"),
    "junit": external_reports.JUNIT,
    "mlflow": external_reports.MLFLOW,
}


def measured(content: bytes, form: str, *, moment: datetime | None = datetime(2026, 3, 1, tzinfo=UTC), **params):
    params = {"report": "report", "format": form} | params
    bare = synthetic.Subject(name="bank", task="binary_classification", columns=synthetic.COLUMNS, logical_date=moment)
    return CHECK.measure(with_files(bare, params, {"report": content}), CHECK.params(**params), 1)


def refusal(content: bytes, form: str, **more) -> str:
    with pytest.raises(CheckError) as refused:
        measured(content, form, **more)
    return str(refused.value)


def value(result, name: str, key: str | None = None):
    return result.metric(name, key=key).value


def test_a_garak_report_gives_the_failed_share_of_every_probe_and_detector_with_its_exact_interval():
    result = measured(external_reports.garak(failed=7, of=100, nones=3), "garak")
    share = result.metric("failed_share", key="dan.Dan_11_0 / mitigation.MitigationBypass")
    assert (share.value, share.n) == (0.07, 100)
    assert (share.low, share.high) == pytest.approx(clopper_pearson(7, 100))
    assert value(result, "failed_share", "leakreplay.Literature / leakreplay.StartsWith") == 0
    assert [value(result, name) for name in ("items", "failed_items", "skipped_attempts")] == [2, 1, 6]


def test_the_old_spelling_of_garak_is_read():
    old = external_reports.garak().replace(b"total_evaluated", b"total").replace(b"plugins.target", b"plugins.model")
    old = old.replace(b'"detector": "', b'"detector": "detector ')
    assert measured(old, "garak", target="bank-assistant").metrics == measured(REPORTS["garak"], "garak").metrics


def test_promptfoo_counts_plugins_severities_and_tests_that_could_not_run():
    result = measured(external_reports.promptfoo(failed=3, of=40, errors=2), "promptfoo")
    shares = [result.metric("failed_share", key=plugin) for plugin in ("hijacking", "pii:direct")]
    assert [(round(share.value * share.n), share.n) for share in shares] == [(2, 19), (1, 19)]
    assert value(result, "skipped_attempts") == 2
    assert [value(result, "findings", severity) for severity in ("critical", "high", "medium", "low")] == [0, 3, 0, 0]


def test_a_finding_of_a_red_team_without_a_known_severity_counts_as_the_worst():
    result = measured(external_reports.promptfoo(failed=3, severity="dire"), "promptfoo")
    assert value(result, "findings", "critical") == 3


def test_sarif_counts_rules_and_takes_the_level_of_a_rule_where_a_result_names_none():
    result = measured(external_reports.sarif(None, None, "note", None), "sarif")
    assert [value(result, "findings", level) for level in ("error", "warning", "note", "none")] == [2, 1, 1, 0]
    assert (value(result, "failed_share", "CodeQL"), value(result, "items")) == (1.0, 3)


def test_a_suppressed_finding_of_sarif_does_not_count_and_is_said():
    result = measured(external_reports.sarif("error", "error", suppressed=1), "sarif")
    assert value(result, "findings", "error") == 1
    assert any("1 findings are suppressed" in note for note in result.notes)


def test_rules_of_an_extension_of_a_sarif_tool_count():
    log = json.loads(external_reports.sarif("error"))
    run = log["runs"][0]
    run["tool"]["extensions"] = [{"name": "codeql/python-queries", "rules": run["tool"]["driver"].pop("rules")}]
    run["results"] = [{"rule": {"index": 1, "toolComponent": {"index": 0}}, "message": {"text": "…"}}]
    result = measured(external_reports.document(log), "sarif")
    assert (value(result, "items"), value(result, "failed_share", "CodeQL")) == (3, pytest.approx(1 / 3))
    assert value(result, "findings", "warning") == 1
    assert result.tables[1].rows[0][1] == "py/weak-hash"


def test_a_clean_sarif_log_is_one_whose_rules_found_nothing():
    result = measured(external_reports.sarif(), "sarif")
    assert value(result, "failed_share", "CodeQL") == 0
    assert value(result, "findings", "error") == 0


def test_pyrit_fails_an_attack_that_reached_its_objective_and_leaves_the_unknown_undecided():
    raw = external_reports.pyrit("success", "failure", "failure", "undetermined", "error")
    expected = [1 / 3, 3, 2]
    for content in (external_reports.document(raw), external_reports.lines(*raw)):
        result = measured(content, "pyrit", target="bank-assistant", max_age_hours=2)
        share = result.metric("failed_share", key="violence")
        assert [share.value, share.n, value(result, "skipped_attempts")] == expected


def test_giskard_counts_detectors_and_issues_by_level():
    issues = {"RobustnessDetector": {"major": ["typos flip answers", "case flips answers"], "minor": ["…"]}}
    result = measured(external_reports.giskard(**issues), "giskard")
    assert value(result, "failed_share", "detectors") == pytest.approx(1 / 3)
    assert [value(result, "findings", level) for level in ("major", "medium", "minor")] == [2, 0, 1]


def test_modelscan_fails_files_with_an_issue_and_files_that_it_broke_on():
    content = external_reports.modelscan(issues=("model.pkl", "model.pkl"), errors=("broken.bin",))
    result = measured(content, "modelscan", target="bank")
    assert value(result, "failed_share", "files") == pytest.approx(2 / 3)
    assert [value(result, "findings", severity) for severity in ("critical", "low", "scan error")] == [2, 0, 1]
    assert value(result, "skipped_attempts") == 1


def test_a_file_that_several_scanners_read_is_one_file():
    content = external_reports.modelscan(issues=("a.pkl",), scanned=("a.pkl", "b.h5", "b.h5"))
    assert value(measured(content, "modelscan"), "failed_share", "files") == 0.5


def test_junit_counts_failures_and_errors_as_failed():
    result = measured(external_reports.JUNIT, "junit", target="bank-assistant", max_age_hours=2)
    share = result.metric("failed_share", key="behaviour")
    assert (share.value, share.n, value(result, "skipped_attempts")) == (0.5, 4, 1)


def test_mlflow_gives_its_values_and_an_interval_to_a_share_of_counted_rows():
    result = measured(external_reports.MLFLOW, "mlflow")
    accuracy, area = (result.metric("reported_value", key=name) for name in ("accuracy_score", "roc_auc"))
    assert (accuracy.value, accuracy.n) == (0.93, 200)
    assert (accuracy.low, accuracy.high) == pytest.approx(clopper_pearson(186, 200))
    assert (area.value, area.low) == (0.97, None)


def test_a_value_that_is_no_number_is_absent_with_a_reason():
    metric = measured(b'{"roc_auc": NaN}', "mlflow").metric("reported_value", key="roc_auc")
    assert metric.value is None
    assert metric.reason == "the report holds no finite number"


@pytest.mark.parametrize("form", REPORTS)
def test_an_empty_report_is_refused(form):
    for content in (b"", b" \n"):
        assert "an empty file; have the tool write its report again" in refusal(content, form)


@pytest.mark.parametrize("form", REPORTS)
def test_a_report_that_is_cut_anywhere_is_refused(form):
    content = REPORTS[form].rstrip()
    for part in (0.05, 0.3, 0.6, 0.9, 1):
        # The digest of garak is of its making; all before it must be there.
        end = content.index(b'{"entry_type": "completion"') if form == "garak" else len(content)
        cut = content[: min(int(end * part), len(content) - 1)]
        assert "params.report: report: expected" in refusal(cut, form)


@pytest.mark.parametrize("form", REPORTS)
@pytest.mark.parametrize("other", [*REPORTS, "list", "text", "binary"])
def test_the_report_of_another_tool_is_refused(form, other):
    more = {"list": b"[1, 2]", "text": b"all tests passed", "binary": bytes(range(256))}
    if other != form:
        assert "params.report: report: expected" in refusal((REPORTS | more)[other], form)


EMPTY = {
    "garak": b"".join(line for line in REPORTS["garak"].splitlines(keepends=True) if b'"eval", ' not in line),
    "pyrit": b"[]",
    "promptfoo": external_reports.promptfoo(of=0, failed=0),
    "giskard": b"{}",
    "modelscan": external_reports.modelscan(scanned=()),
    "junit": b'<testsuites><testsuite name="empty" tests="0"/></testsuites>',
    "mlflow": b"{}",
}


@pytest.mark.parametrize("form", EMPTY)
def test_a_report_of_no_items_is_no_pass(form):
    assert "no items" in refusal(EMPTY[form], form) or "decided none" in refusal(EMPTY[form], form)


def test_a_sarif_run_that_says_nothing_of_what_it_looked_at_is_no_pass():
    log = json.loads(external_reports.sarif())
    del log["runs"][0]["tool"]["driver"]["rules"]
    assert "no result, no rule and no file" in refusal(external_reports.document(log), "sarif")
    log["runs"][0]["artifacts"] = [{"location": {"uri": "train.py"}}]
    assert value(measured(external_reports.document(log), "sarif"), "items") == 1
    del log["runs"][0]["results"]
    assert "runs.0.results: Field required" in refusal(external_reports.document(log), "sarif")


def test_a_sarif_run_that_ended_badly_is_refused():
    assert "executionSuccessful false" in refusal(external_reports.sarif(ran_well=False), "sarif")


def test_a_report_of_which_nothing_was_decided_is_refused():
    content = external_reports.document(external_reports.pyrit("error", "undetermined"))
    assert "2 attempts of which the tool decided none" in refusal(content, "pyrit")


def test_a_category_of_which_nothing_was_decided_is_absent_with_a_reason():
    raw = external_reports.pyrit("failure", "error")
    raw[1]["targeted_harm_categories"] = ["fraud"]
    share = measured(external_reports.document(raw), "pyrit").metric("failed_share", key="fraud")
    assert (share.value, share.reason, share.absence) == (None, "the tool decided none of 1 attempts", "error")


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (external_reports.promptfoo().replace(b'"successes": 39', b'"successes": 400'), "promptfoo"),
        (
            external_reports.modelscan(issues=("a.pkl",)).replace(b'"total_issues": 1', b'"total_issues": 2'),
            "modelscan",
        ),
        (external_reports.JUNIT.replace(b'tests="5"', b'tests="6"'), "junit"),
        (external_reports.garak().replace(b'"passed": 99', b'"passed": 999'), "garak"),
    ],
)
def test_a_report_that_contradicts_its_own_counts_is_refused(content, form):
    assert "params.report: report: expected" in refusal(content, form)


def test_xml_with_entities_is_refused_before_they_grow():
    bomb = b'<!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuite name="&b;"/>'
    assert "a DTD, which can hold entities" in refusal(bomb, "junit")
    assert "more than 100 elements" in refusal(b"<testsuite>" * 200, "junit")


@pytest.mark.parametrize("form", ["garak", "promptfoo", "sarif", "pyrit", "modelscan", "junit"])
def test_a_report_on_another_model_is_refused(form):
    told = refusal(REPORTS[form], form, target="another-model")
    assert "expected a report about 'another-model' alone, found '" in told
    assert "run the tool against that model, or correct params.target" in told


def test_a_report_on_several_models_is_refused():
    raw = json.loads(external_reports.promptfoo())
    raw["results"]["results"][5]["provider"] = {"id": "openai:other"}
    assert "found 'openai:other'" in refusal(external_reports.document(raw), "promptfoo", target="openai:bank")


def test_a_garak_report_that_joins_runs_on_two_models_is_refused():
    joined = external_reports.garak() + external_reports.garak(target="draft", ends="2026-02-20T00:00:00")
    assert "found 'draft' or 'rest:draft'" in refusal(joined, "garak", target="bank-assistant")
    assert "one of 2026-02-20 00:00 UTC" in refusal(joined, "garak", max_age_hours=26)


def test_a_report_that_names_no_target_is_refused_where_one_is_asked_for():
    told = refusal(external_reports.MLFLOW, "mlflow", target="bank-assistant")
    assert "found no target in it; have MLflow name its target, or leave params.target out" in told


def test_an_old_report_is_refused_and_one_of_the_night_is_not():
    measured(REPORTS["garak"], "garak", max_age_hours=1)
    told = refusal(REPORTS["garak"], "garak", max_age_hours=26, moment=datetime(2026, 3, 3, tzinfo=UTC))
    assert "found one of 2026-02-28 23:10 UTC, 48.8 hours before; run the tool again before this check" in told
    assert "no moment in it" in refusal(external_reports.MLFLOW, "mlflow", max_age_hours=26)
    assert "no moment to compare with" in refusal(REPORTS["garak"], "garak", max_age_hours=26, moment=None)


def test_names_of_a_report_are_one_short_printable_line():
    hostile = "dan.\x1b[31m\n<script>$x$" + "a" * 900
    content = external_reports.garak().replace(
        b'"dan.Dan_11_0", "detector"', json.dumps(hostile).encode() + b', "detector"'
    )
    result = measured(content, "garak")
    (key,) = [metric.key for metric in result.metrics if metric.key and metric.key.startswith("dan.")]
    assert key.isprintable()
    assert len(key) == 200
    assert b"<script>" not in result.artifacts[0].content


def test_an_unknown_format_names_those_there_are():
    with pytest.raises(ValueError, match="no adapter for 'garrak'; there are garak, pyrit, promptfoo"):
        CHECK.params(report="r", format="garrak")


def test_a_path_with_a_wrong_template_is_refused_at_lint():
    with pytest.raises(ValueError, match="which no run gives; did you mean 'ds'"):
        CHECK.params(report="{{ dss }}.json", format="garak")


def test_an_installed_package_adds_an_adapter(monkeypatch):
    made = Adapter(
        title="own",
        expects="own",
        read=lambda content, _: Report(tool="own", items=(Item(category="a", name="b", failed=len(content)),)),
    )
    point = SimpleNamespace(name="own", value="own:ADAPTER", load=lambda: made)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [point] if group == registry.GROUP else [])
    registry.adapters.cache_clear()
    try:
        assert measured(b"1234", "own").metric("failed_share", key="a").n == 4
        point.name = "garak"
        registry.adapters.cache_clear()
        with pytest.raises(ValueError, match="format 'garak' is taken"):
            registry.adapters()
    finally:
        monkeypatch.undo()
        registry.adapters.cache_clear()
