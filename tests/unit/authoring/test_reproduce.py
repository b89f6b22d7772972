"""`reproduce`: the same inputs give the same bytes, other inputs are named, and the archive is only read."""

from __future__ import annotations

import json

import pytest

import project
import synthetic
from model_governance.authoring.reproduce import compare_records
from model_governance.checks import catalogue
from model_governance.cli import main
from model_governance.evidence.history import Archive
from model_governance.policy import load_policy
from model_governance.store.local import LocalStore


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run with a check that draws, one that counts and one that validates."""
    folder = tmp_path_factory.mktemp("project")
    checks = project.CHEAP_CHECKS | {
        "corruption": {
            "kind": "corruption",
            "params": {"samples": 50},
            "thresholds": [{"metric": "mean_drop", "less_than": 0.9}],
        },
    }
    project.small_project(folder, checks=checks).run()
    return folder


def reproduce(folder, *more: str) -> int:
    return main(["reproduce", "2026-03-01", "--policy", str(folder / "policy.yaml"), *more])


def answers(capsys) -> dict:
    return {each["check"]: each for each in json.loads(capsys.readouterr().out)["checks"]}


def stored(folder) -> dict:
    return {str(path): path.read_bytes() for path in (folder / "archive").rglob("*") if path.is_file()}


def test_the_same_inputs_give_the_same_bytes_and_store_nothing(folder, capsys):
    before = stored(folder)
    assert reproduce(folder, "--json") == 0
    found = answers(capsys)
    assert {each["answer"] for each in found.values()} == {"same"}
    assert all(each["same"] == each["metrics"] > 0 for each in found.values())
    assert stored(folder) == before


def test_other_rows_are_named(folder, capsys):
    kept = (folder / "current.parquet").read_bytes()
    synthetic.rows(seed=77).to_parquet(folder / "current.parquet", index=False)
    try:
        assert reproduce(folder) == 1
        told = capsys.readouterr().out
        assert "current has sha256" in told
        assert "quality: other numbers" in told
        (folder / "current.parquet").unlink()
        assert reproduce(folder) == 3
        assert "not reproduced" in capsys.readouterr().out
    finally:
        (folder / "current.parquet").write_bytes(kept)


def test_a_policy_that_changed_since_does_not_count(folder, capsys):
    policy = folder / "policy.yaml"
    kept = policy.read_text()
    policy.write_text(kept.replace("geq_to: 0.6", "geq_to: 0.99"))
    try:
        assert reproduce(folder, "--json") == 0
        assert answers(capsys)["quality"]["answer"] == "same"
    finally:
        policy.write_text(kept)


def test_a_finding_that_differs_is_named_where_the_outcome_is_the_same(folder):
    policy, store = load_policy(folder / "policy.yaml", catalogue()), LocalStore(str(folder / "archive"))
    (manifest,) = Archive(store, policy.name).runs()
    then = Archive(store, policy.name).record(manifest, "quality")
    now = json.loads(json.dumps(then))
    now["verdict"]["findings"][0] |= {"noise": 2.0, "limit": 0.5}
    assert compare_records(then, now).differences == ("the finding on accuracy was pass, is pass: limit, noise differ",)
    now["verdict"]["findings"] = [now["verdict"]["findings"][0] | {"key": "b"}]
    assert compare_records(then, now).differences == (
        "the finding on accuracy was pass, there is none now",
        "the finding on accuracy[b] is pass, there was none",
    )


def test_an_unknown_run_is_a_usage_error(folder, capsys):
    assert main(["reproduce", "2031-01-01", "--policy", str(folder / "policy.yaml")]) == 2
    assert "has no run" in capsys.readouterr().err
