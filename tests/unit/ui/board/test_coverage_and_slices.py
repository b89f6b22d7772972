"""The page of a model: control coverage as the verified report has it, asked of the index, and metrics by slice, the worst first."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from board_cases import app_for, board_over
from model_governance.checks.quality.fairness.metrics import GROUP
from model_governance.evidence.control_evidence import CheckHistory
from model_governance.evidence.coverage import coverage
from model_governance.evidence.period import Period
from model_governance.store.local import LocalStore
from model_governance.ui.board.controls_page import FRESH_DAYS, controls_view, history_of, model_coverage
from model_governance.ui.board.model_page import model_view
from model_governance.ui.board.newest import PARTS_OF_ROWS
from model_governance.ui.board.slices_page import slices_view
from project import CHEAP_CHECKS, DAY, small_project

NAME = "governance_synthetic"
QUALITY = CHEAP_CHECKS["quality"]


def control(view, name):
    return next(each for catalog in view["catalogs"] for each in catalog["controls"] if each["id"] == name)


def kept_of(board, model):
    return board.index.newest([model])[model["id"]]


def days_after(model, days):
    return model["moment"] + days * 86_400


@pytest.mark.parametrize("days", [1, FRESH_DAYS, FRESH_DAYS + 1, 200])
def test_a_model_has_the_coverage_that_the_verified_report_of_its_runs_has(board, store, model, days):
    last = datetime.fromtimestamp(days_after(model, days - 1), UTC).date()
    period = Period(first=DAY.date(), last=last)
    (verified,) = coverage(store, ["synthetic"], period=period, max_age_days=FRESH_DAYS)["models"]
    view = model_coverage(board.index, kept_of(board, model), now=days_after(model, days))
    stated = {each["catalog"]: each for each in verified["catalogs"]}
    for catalog in view["catalogs"]:
        of_report = stated[catalog["catalog"]]
        assert {each["id"]: each["evidence"] for each in catalog["controls"]} == {
            each["id"]: each["evidence"] for each in of_report["controls"]
        }
        assert {each["id"]: [gap["reason"] for gap in each["gaps"]] for each in catalog["controls"]} == {
            each["id"]: [gap["reason"] for gap in each["gaps"]] for each in of_report["controls"]
        }
    assert view["without"] == verified["without_evidence"]
    assert (view["without"] < view["controls"]) == (days <= FRESH_DAYS)


def test_controls_without_evidence_come_first_and_each_says_why(board, model, client):
    view = model_coverage(board.index, kept_of(board, model), now=days_after(model, 1))
    for catalog in view["catalogs"]:
        covered = [bool(each["evidence"]) for each in catalog["controls"]]
        assert covered == sorted(covered)
        assert all(each["evidence"] or each["gaps"] for each in catalog["controls"])
    (gap,) = control(view, "EU-AI-ACT:9")["gaps"]
    assert gap["sentence"] == "the policy has no check of kind data_drift or fairness"
    page = client.get(f"/dags/{NAME}").text
    assert "controls have no fresh evidence." in page
    assert "days before now; fresh is at most 31 days" in page
    assert "compliant" not in page


def test_the_page_of_coverage_reads_the_index_and_no_object_of_the_archive(board, store, model):
    fresh = controls_view(board.index, [model], catalog="EU-AI-ACT", now=days_after(model, 1))
    for path in sorted(store.root.rglob("*"), reverse=True):
        path.chmod(0o755) if path.is_dir() else path.unlink()
    assert controls_view(board.index, [model], catalog="EU-AI-ACT", now=days_after(model, 1)) == fresh
    assert model_view(board.index, model, now=time.time(), span=90, chosen="")["coverage"]["controls"] == 103


def test_a_control_map_that_a_policy_adds_is_that_of_the_page(tmp_path):
    project = small_project(tmp_path, checks={"quality": QUALITY})
    added = {
        "schema": "model-governance/controls/v1", "version": "bank 1", "source": "the bank",
        "catalogs": {"BANK": {"title": "Rules of the bank", "verified": "primary"}},
        "controls": {"BANK:7": {"title": "Accuracy is known", "verified": "primary"}}, "checks": {"model_quality": ["BANK:7"]},
    }  # fmt: skip
    (tmp_path / "bank.yaml").write_text(json.dumps(added))
    project.change(archive={"controls": ["bank.yaml"]}).run()
    board = board_over(tmp_path, project.store)
    (model,) = board.index.models()
    view = model_coverage(board.index, kept_of(board, model), now=days_after(model, 1))
    assert [piece["check"] for piece in control(view, "BANK:7")["evidence"]] == ["quality"]
    assert view["version"].endswith("bank 1")


def test_a_check_that_did_not_measure_in_the_newest_run_counts_by_its_last_measurement(tmp_path):
    project = small_project(tmp_path, checks={"quality": QUALITY})
    project.run()
    (project.folder / "current.parquet").unlink()
    project.run(DAY + timedelta(days=20), "night-21")
    board = board_over(tmp_path, project.store)
    (model,) = board.index.models()
    seen = history_of(kept_of(board, model), now=model["moment"]).checks["quality"]
    assert isinstance(seen, CheckHistory)
    assert (seen.measured.sequence, seen.newest.sequence, seen.newest.outcome, seen.runs) == (1, 2, "error", 1)
    later = model_coverage(board.index, kept_of(board, model), now=days_after(model, 15))
    (gap,) = [each for each in control(later, "EU-AI-ACT:15")["gaps"] if each["check"] == "quality"]
    assert gap["reason"] == "error"
    assert "current.parquet" in gap["sentence"]


def test_a_newest_link_that_cannot_be_read_is_said_and_covers_nothing(store, tmp_path):
    path = next((store.root / "v1/chain").rglob("0000000005*"))
    path.chmod(0o644)
    path.write_bytes(b"nonsense\n")
    board = board_over(tmp_path / "again", store)
    (model,) = board.index.models()
    client = TestClient(app_for(board, NAME))
    assert kept_of(board, model).evidence is None
    assert "Nothing is known of controls: the newest link cannot be read" in client.get(f"/dags/{NAME}").text
    rows = controls_view(board.index, [model], catalog="EU-AI-ACT", now=days_after(model, 1))["rows"]
    assert {row["cells"][0]["state"] for row in rows} == {"none"}


@pytest.fixture(scope="module")
def sliced(tmp_path_factory):
    """A run whose quality is measured by slice, one of which fails, and by group."""
    folder = tmp_path_factory.mktemp("sliced")
    quality = {
        **QUALITY, "params": {"slices": [{"column": "region"}, {"column": "age", "between": [95, 120], "name": "nobody"}]},
        "thresholds": [{"metric": "slice_accuracy", "key": "region north", "geq_to": 0.999}],
    }  # fmt: skip
    project = small_project(folder, checks={"quality": quality})
    project.run()
    return board_over(folder, project.store), project.store


def test_every_metric_of_a_slice_is_shown_with_interval_the_worst_first(sliced):
    board, _ = sliced
    (model,) = board.index.models()
    view = model_view(board.index, model, now=time.time(), span=90, chosen="")["slices"]
    accuracy = next(metric for metric in view["metrics"] if metric["name"] == "slice_accuracy")
    assert view["metrics"][0] is accuracy, "the metric whose threshold is violated comes first"
    assert len(view["metrics"]) > 3, "metrics without threshold are shown, too"
    assert accuracy["whole"]
    measured = [row for row in accuracy["rows"] if row["value"] != "not measured"]
    assert [float(row["value"].rstrip("%")) for row in measured] == sorted(
        float(row["value"].rstrip("%")) for row in measured
    )
    assert all(row["interval"] and row["picture"] for row in measured)
    assert {row["key"]: row["outcome"] for row in measured}["region north"] in ("fail", "uncertain")
    assert accuracy["rows"][-1]["key"] == "nobody"
    assert "minimum_slice_rows" in accuracy["rows"][-1]["reason"]


def test_the_page_shows_slices_and_says_where_a_record_is_damaged(sliced, tmp_path):
    board, store = sliced
    page = TestClient(app_for(board, NAME)).get(f"/dags/{NAME}").text
    assert "slice_" not in page.partition("Slices of the newest run")[2].partition("</summary>")[0]
    assert "nobody" in page
    (model,) = board.index.models()
    (run,) = board.index.runs(model["id"])
    record = json.loads(store.get(run["manifest"]))["checks"][0]["record"]["key"]
    path = store.root / record
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    again = board_over(tmp_path, LocalStore(str(store.root)))
    damaged = TestClient(app_for(again, NAME)).get(f"/dags/{NAME}").text
    assert "The record of quality is damaged or missing, so its slices are not shown" in damaged


def test_a_model_without_slices_says_how_to_have_some(client):
    assert "No check of the newest run measured slices or groups of rows" in client.get(f"/dags/{NAME}").text


def test_of_a_metric_that_is_better_lower_the_highest_value_comes_first_and_of_neither_the_largest():
    def metric(key, value, better):
        return {
            "check": "c", "kind": None, "name": better, "key": key, "key_title": "", "value": value, "low": None, "high": None,
            "n": 40, "unit": "", "better": better, "reason": "too few", "title": "", "whole": None, "outcome": "",
        }  # fmt: skip

    values = {"a": 0.1, "b": None, "c": -0.6, "d": 0.4}
    stored = [metric(key, value, better) for better in ("lower", "neither", "higher") for key, value in values.items()]
    view = slices_view({"metrics": stored, "tables": [], "unread": []})
    order = {each["name"]: "".join(row["key"] for row in each["rows"]) for each in view["metrics"]}
    assert order == {"lower": "dacb", "neither": "cdab", "higher": "cadb"}


def test_groups_of_fairness_are_parts_of_rows():
    assert GROUP in PARTS_OF_ROWS


def test_the_data_of_a_model_has_both(client, model):
    answer = client.get(f"/api/v1/dags/{NAME}/models/synthetic").json()
    assert answer["coverage"]["controls"] == 103
    assert answer["slices"] == {"metrics": [], "tables": [], "unread": []}
    assert datetime.fromtimestamp(model["moment"], UTC) == DAY + timedelta(days=3)
