"""Every example of the documentation pages does what the page says: it is run, linted or parsed here, without network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from docs_blocks import (
    ROOT,
    Block,
    all_blocks,
    blocks_of,
    commands_of,
    completed,
    page_names,
    shows,
    with_replaced_keys,
)
from model_governance.checks import catalogue
from model_governance.policy import load_policy

BLOCKS = all_blocks()
FRAGMENTS = [
    block
    for block in [*BLOCKS, *blocks_of("README.md")]
    if block.language == "yaml" and not block.note.startswith("replaces: ")
]
DAGS = [block for block in BLOCKS if block.title.startswith("dags/")]
RUN = [page for page in page_names() if any(block.language == "console" for block in blocks_of(page))]
FILES = {"python", "json"}
SHOWN = {"text", "toml"}
"""Output, keys and settings that a page shows and a reader does not run."""


def environment(folder: Path) -> dict[str, str]:
    """The surroundings of a reader's shell: the commands of this environment, the package of this checkout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    package = {"PYTHONPATH": str(ROOT / "plugins"), "PROJECT": str(ROOT)}
    return os.environ | {"PATH": path, "AIRFLOW_HOME": str(folder / "airflow"), **package}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_no_block_is_of_a_kind_that_nobody_runs(block):
    assert block.language in {"console", "yaml"} | FILES | SHOWN
    if block.language in FILES:
        assert block.title, "a block of Python or JSON names the file that the reader makes of it"


@pytest.mark.parametrize("block", FRAGMENTS, ids=lambda block: block.name)
def test_a_fragment_of_a_policy_lints(block, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(completed(block.body))
    load_policy(file, catalogue())


def test_a_wrong_fragment_is_noticed(tmp_path):
    from model_governance.errors import PolicyError

    file = tmp_path / "policy.yaml"
    file.write_text(completed("alarms: {false_fails_per_yaer: 4}"))
    with pytest.raises(PolicyError):
        load_policy(file, catalogue())


@pytest.mark.parametrize("page", RUN)
def test_the_commands_of_a_page_run_in_their_order(page, tmp_path):
    for block in blocks_of(page):
        if block.note.startswith("not run: "):
            continue
        if block.language in FILES and block not in DAGS:
            (tmp_path / block.title).write_text(block.body)
        elif block.note.startswith("replaces: "):
            edited = tmp_path / block.note.removeprefix("replaces: ")
            edited.write_text(with_replaced_keys(edited.read_text(), block.body))
        elif block.language == "console":
            run(block, tmp_path)


def run(block: Block, folder: Path) -> None:
    """Run the commands of a block; the last one ends with the exit code that the page announces."""
    codes = [0] * len(commands_of(block))
    if block.note.startswith("exit: "):
        codes[-1] = int(block.note.removeprefix("exit: "))
    for (command, expected), code in zip(commands_of(block), codes, strict=True):
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{command}\n{done.stdout}{done.stderr}"
        assert shows(expected, done.stdout), f"{command}\n{done.stdout}"


def test_a_wrong_output_is_noticed():
    assert shows(["a …", "…"], "a b\nc\nd\n")
    assert shows(["…", "report  …"], "x\ny\nreport  z\n")
    assert not shows(["a …"], "b\n")
    assert not shows(["a", "…", "e"], "a\nb\nd\n")


def test_commands_that_are_not_run_say_why():
    notes = [block.note for block in BLOCKS if block.note.startswith("not run")]
    assert all(len(note.removeprefix("not run: ")) > 10 for note in notes)
    assert len(notes) <= 2


PROGRAM = """
import runpy, sys
from airflow.sdk import DAG
for file in sys.argv[1:]:
    names = runpy.run_path(file)
    made = [value for value in names.values() if isinstance(value, DAG)]
    print(file.rsplit("/", 1)[-1], len(made) or "called")
"""


def test_the_dag_files_make_dags(tmp_path):
    assert DAGS
    policies = tmp_path / "policies"
    policies.mkdir()
    scan = {"artifact_scan": {"thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]}}
    policy = yaml.safe_load(completed("{}"))
    (policies / "loans.yaml").write_text(yaml.safe_dump({**policy, "checks": scan | policy["checks"]}))
    files = []
    for block in DAGS:
        file = tmp_path / Path(block.title).name
        file.write_text(block.body.replace("/opt/airflow/include/policies", str(policies)))
        files.append(str(file))
    settings = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path / "no_plugins"),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *files],
        cwd=tmp_path, env=environment(tmp_path) | settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines() if ".py " in line] == [
        Path(name).name for name in files
    ]
    assert "governance.py 1" in done.stdout
