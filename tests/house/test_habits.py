"""What contributors read and what runs for them names verbs, files and Pythons that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
PAGES = sorted(GITHUB.glob("*.md"))
WORKFLOW = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text(encoding="utf-8"))
HOOKS = [
    hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    for hook in repository["hooks"]
]


def test_the_workflow_runs_every_verb_that_tests_on_every_python_of_the_project():
    matrix = WORKFLOW["jobs"]["verb"]["strategy"]["matrix"]
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert supported == ">=3.11,<3.14"
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    testing = {name for name in TARGETS if re.fullmatch(r"lint|test|test-[a-z]+|docs", name)}
    assert testing <= set(matrix["verb"]) <= testing | {"docs"}


def test_the_workflow_may_read_and_not_write():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in WORKFLOW["jobs"].values())


def test_the_workflow_calls_verbs_and_installs_nothing_itself():
    steps = [step.get("run", "") for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    commands = "\n".join(steps)
    assert not re.search(r"\b(pip|uv|poetry|apt-get)\b", commands)
    assert set(re.findall(r"^make ([a-z-]+)", commands, re.MULTILINE)) <= TARGETS


@pytest.mark.parametrize("form", FORMS, ids=[path.stem for path in FORMS])
def test_an_issue_form_asks_for_what_is_needed_to_answer_it(form):
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(content)
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    names = [field["id"] for field in fields]
    assert len(set(names)) == len(names)
    assert any(field.get("validations", {}).get("required") for field in fields)
    assert all(field["attributes"].get("label") for field in fields)


def test_there_are_forms_for_bugs_verdicts_and_checks():
    assert [path.stem for path in FORMS] == ["bug", "new_check", "wrong_verdict"]


def test_the_hooks_are_steps_of_make_check_and_guards_of_what_is_committed():
    entries = {hook["entry"] for hook in HOOKS if "entry" in hook}
    assert entries == {"make check-format", "make check-lint", "make check-layers", "make check-types"}
    assert {entry.removeprefix("make ") for entry in entries} <= TARGETS
    names = {hook["id"] for hook in HOOKS}
    assert {"check-added-large-files", "detect-private-key", "detect-aws-credentials"} <= names


@pytest.mark.parametrize("page", PAGES, ids=[path.stem for path in PAGES])
def test_a_page_names_files_and_verbs_that_exist(page):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:plugins|tests|include|\.ci)/[^`<*]*|[A-Z]+\.md)`", text))
    assert {name for name in named if not (ROOT / name).exists()} == set()
    verbs = set(re.findall(r"\bmake ([a-z-]+)(?=[`; ]|$)", text, re.MULTILINE))
    assert verbs <= TARGETS


def test_the_map_names_every_room():
    rooms = {
        path.name for path in (ROOT / "plugins" / "model_governance").iterdir() if (path / "__init__.py").is_file()
    }
    text = (GITHUB / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    assert {room for room in rooms if f"`{room}`" not in table} == set()
