"""`model-governance verify`: its words, its exit codes, and what it writes for machines."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

import project
from model_governance.authoring.keys import make_keys
from model_governance.cli import main
from model_governance.evidence.verification import CODES


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    make_keys(folder / "keys", owner="ML risk", moment=project.DAY)
    small = project.small_project(folder, checks={"quality": project.CHEAP_CHECKS["quality"]})
    small.change(archive={"signing_key": "file:keys/signing_key.pem"})
    for day in range(2):
        small.run(project.DAY + timedelta(days=day), f"night-{day}")
    return small


def verify(small, *more: str) -> int:
    return main(["verify", str(small.folder / "archive"), *more])


def trust(small) -> list[str]:
    return ["--trust", str(small.folder / "keys" / "trust.yaml")]


def head(small, capsys) -> str:
    verify(small, "--json")
    return json.loads(capsys.readouterr().out)["models"][0]["head"]["sha256"]


def test_a_sound_archive_exits_with_0_and_says_what_was_verified(small, capsys):
    assert verify(small, *trust(small)) == 0
    told = capsys.readouterr().out
    assert told.startswith("synthetic: OK: 2 links, ")
    assert "2 verdicts computed again, signed by ML risk" in told


def test_signatures_that_nobody_checked_are_said(small, capsys):
    assert verify(small) == 0
    assert "signatures were not checked" in capsys.readouterr().out


def test_the_expected_head_is_compared(small, capsys):
    newest = head(small, capsys)
    assert verify(small, "--expect-head", f"synthetic={newest}") == 0
    assert verify(small, "--model", "synthetic", "--expect-head", newest) == 0
    assert verify(small, "--expect-head", f"synthetic={'0' * 64}") == 1
    assert "links were removed from the end" in capsys.readouterr().out


def test_a_model_that_is_expected_and_not_there_is_a_problem(small, capsys):
    assert verify(small, "--expect-head", f"loans={'0' * 64}") == 1
    assert "loans: NOT OK" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["loans", "0" * 63, f"=x{'0' * 64}", "0" * 64])
def test_a_head_without_model_or_of_another_form_is_a_usage_error(small, text, capsys):
    assert verify(small, "--expect-head", text) == 2
    assert "expected MODEL=SHA256" in capsys.readouterr().err


def test_an_empty_folder_is_no_archive(tmp_path, capsys):
    assert main(["verify", str(tmp_path)]) == 2
    assert "found no model" in capsys.readouterr().err


def test_a_missing_trust_file_is_no_pass(small):
    assert verify(small, "--trust", str(small.folder / "none.yaml")) == 3


def test_problems_are_sarif_with_a_rule_for_each(small, tmp_path, capsys):
    file = tmp_path / "problems.sarif"
    assert verify(small, "--expect-head", f"synthetic={'0' * 64}", "--sarif", str(file)) == 1
    (run,) = json.loads(file.read_text())["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CODES)
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert levels == {"chain.head": "error", "signature.unchecked": "note"}
    assert all(rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"])
