"""What the command line prints: the outcome always, at every width, and one JSON object for machines."""

from __future__ import annotations

import json

import pytest

import project
import synthetic
from model_governance.cli import main
from model_governance.evidence.manifest import read_manifest
from model_governance.report.terminal import console, run_table

LONG = "income-above-the-median-of-all-applicants-of-the-region-and-the-year-before"


@pytest.fixture(scope="module")
def wordy(tmp_path_factory):
    """A project whose slices have long names and whose model is wrong about everybody."""
    checks = {
        "quality_of_the_model_by_slices": {
            "kind": "model_quality",
            "params": {
                "slices": [
                    {"column": "income", "between": [-1000000.0, 1000000000.0], "name": LONG},
                    {"column": "debt", "between": [-1000000.0, 1000000000.0]},
                ]
            },
            "thresholds": [{"metric": "accuracy", "geq_to": 0.6}, {"metric": "slice_accuracy", "geq_to": 0.6}],
        }
    }
    small = project.small_project(tmp_path_factory.mktemp("wordy"), checks=checks)
    small.write_current(synthetic.rows(seed=3).assign(label=lambda frame: 1 - frame["label"]))
    return small


def run(small, *more: str) -> int:
    return main(["run", str(small.policy_file), "--date", "2026-03-01", *more])


@pytest.fixture(scope="module")
def manifest(wordy):
    """The manifest of its run."""
    return read_manifest(wordy.store, wordy.run().manifest.key)


def table_lines(manifest, capsys) -> list[str]:
    console().print(run_table(manifest))
    lines = capsys.readouterr().out.splitlines()
    return lines[next(number for number, line in enumerate(lines) if line.strip().startswith("outcome")) :]


@pytest.mark.parametrize("columns", [None, "0", "20", "40", "60", "80", "120", "300", "many"])
def test_the_outcome_is_there_whatever_the_width(manifest, capsys, monkeypatch, columns):
    """P10: not a terminal, long slice names; COLUMNS says how wide the table is."""
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    table = table_lines(manifest, capsys)
    assert sum(line.strip().startswith("fail") for line in table) == len(manifest["verdict"]["findings"]) == 3
    width = int(columns) if columns and columns.isdecimal() and int(columns) else 124
    assert max(len(line.rstrip()) for line in table) <= max(width, 60)
    assert "…" not in "".join(table)


def test_a_wide_terminal_is_used(manifest, capsys, monkeypatch):
    """P10: at 300 characters nothing is folded."""
    monkeypatch.setenv("COLUMNS", "300")
    assert any(f"slice_accuracy[{LONG}]" in line for line in table_lines(manifest, capsys))


def only_json(capsys) -> dict:
    out, err = capsys.readouterr()
    assert err == ""
    assert len(out.splitlines()) == 1
    return json.loads(out)


def test_a_run_is_one_json_object(wordy, capsys):
    """P10: outcome, findings and addresses for machines; the exit code is the same."""
    assert run(wordy, "--json") == 1
    answer = only_json(capsys)
    assert (answer["exit_code"], answer["outcome"]) == (1, "fail")
    assert any(finding["outcome"] == "fail" for finding in answer["verdict"]["findings"])
    assert answer["manifest"]["uri"].endswith("run_manifest.json")
    assert run(wordy, "--json", "--check", "quality_of_the_model_by_slices") == 1
    assert only_json(capsys)["checks"][0]["outcome"] == "fail"


def test_lint_is_one_json_object(wordy, capsys):
    """P10: the problems of every file."""
    broken = wordy.folder / "broken.yaml"
    broken.write_text(wordy.policy_file.read_text().replace("owner:", "ownr:"))
    assert main(["policy", "lint", str(wordy.policy_file), "--json"]) == 0
    assert only_json(capsys)["files"][0]["problems"] == []
    assert main(["policy", "lint", str(wordy.policy_file), str(broken), "--json"]) == 2
    answer = only_json(capsys)
    assert [bool(each["problems"]) for each in answer["files"]] == [False, True]


def test_a_comparison_is_one_json_object(wordy, capsys):
    """P10: distances of every column."""
    assert (
        main(["compare", str(wordy.folder / "reference.parquet"), str(wordy.folder / "current.parquet"), "--json"]) == 0
    )
    answer = only_json(capsys)
    assert {column["name"] for column in answer["columns"]} >= {"income", "debt"}
