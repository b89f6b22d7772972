"""The promise: a new check is one package in a wing and one registry line, and is then a peer of the others."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from model_governance.checks import catalogue

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path("plugins/model_governance")
CHECKS = PACKAGE / "checks"
ADVICE = "Count the deliveries. Rows are missing or doubled: ask who sends them."

PROJECT = """
import pathlib, project
made = project.small_project(
    pathlib.Path("project"),
    checks={"volume": {"thresholds": [{"metric": "volume_ratio", "geq_to": 0.9}]}},
)
made.write_current(project.synthetic.rows(100, seed=3))
"""
OPERATOR = """
import pickle
import model_governance.orchestration as public
from model_governance.orchestration import VolumeOperator, operator_for
assert operator_for("volume") is VolumeOperator is pickle.loads(pickle.dumps(VolumeOperator))
assert "VolumeOperator" in public.__all__
from model_governance.orchestration import governance_dags
(dag,) = governance_dags("project").values()
task = dag.get_task("volume")
assert type(task) is VolumeOperator, type(task)
print(task.task_type, VolumeOperator.__doc__)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of the repository with one check more: one package more, one line more; and a project that it fails."""
    copy = tmp_path_factory.mktemp("house")
    for name in ("plugins", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(ROOT / "include/docs/reference", copy / "include/docs/reference")
    shutil.copytree(ROOT / "tests/house/sixth/volume", copy / CHECKS / "data" / "volume")
    registry = copy / CHECKS / "__init__.py"
    text = registry.read_text()
    registry.write_text(text.replace('    "data.data_drift",\n', '    "data.data_drift",\n    "data.volume",\n'))
    (copy / "project").mkdir()
    run(copy, "-c", PROJECT)
    return copy


def run(house: Path, *command: str, returns: int = 0) -> str:
    environment = os.environ | {
        "PYTHONPATH": f"{house / 'plugins'}{os.pathsep}{house / 'tests'}",
        "AIRFLOW_HOME": str(house / "airflow"),
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == returns, done.stdout + done.stderr
    return done.stdout


def failing_page(house: Path) -> str:
    """The page of a run in which the new check fails."""
    run(house, "-m", "model_governance", "run", "project/policy.yaml", "--date", "2026-03-01", returns=1)
    pages = sorted((house / "project" / "archive").glob("v1/runs/**/report.html"))
    return pages[-1].read_text()


def lists_of_kinds(package: Path) -> dict[str, set[str]]:
    """Modules outside checks/ that name two or more kinds or their operators: a list that a new check must be added to."""
    names = {name: check.kind for check in catalogue().values() for name in (check.kind, check.operator_name)}
    found = {}
    for path in sorted(package.rglob("*.py")):
        if (package / "checks") in path.parents:
            continue
        nodes = list(ast.walk(ast.parse(path.read_text())))
        words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        words |= {node.name for node in nodes if isinstance(node, ast.ClassDef)}
        kinds = {names[word] for word in words if word in names}
        if len(kinds) > 1:
            found[str(path.relative_to(package))] = kinds
    return found


def test_it_touches_one_package_and_one_line(house):
    before = {path.relative_to(ROOT): path for path in (ROOT / "plugins").rglob("*.py")}
    after = {path.relative_to(house): path for path in (house / "plugins").rglob("*.py")}
    assert {path.parent for path in set(after) - set(before)} == {CHECKS / "data" / "volume"}
    changed = [name for name, path in before.items() if path.read_bytes() != after[name].read_bytes()]
    assert changed == [CHECKS / "__init__.py"]
    old, new = before[changed[0]].read_text().splitlines(), after[changed[0]].read_text().splitlines()
    assert len(new) - len(old) == 1
    assert set(new) - set(old) == {'    "data.volume",'}


def test_its_package_has_the_anatomy_of_every_check(house):
    files = {path.name for path in (house / CHECKS / "data" / "volume").glob("*.py")}
    parts = {"params", "metrics", "measure", "report", "self_test", "suggest"}
    assert files == {"__init__.py", *(f"{part}.py" for part in parts)}


def test_the_command_line_and_the_schema_know_it(house):
    assert "volume" in run(house, "-m", "model_governance", "checks")
    assert "volume_check" in run(house, "-m", "model_governance", "policy", "schema")


def test_its_documentation_is_derived_from_its_declaration(house):
    text = run(house, "-m", "model_governance", "checks", "volume")
    words = " ".join(text.split())
    assert "Did about as many rows arrive as the reference holds?" in words
    assert "batches (default 1): deliveries that current holds" in words
    assert "volume_ratio: current rows of one delivery per row of the reference" in words
    assert "wing: data" in words
    assert "operator: VolumeOperator" in words
    assert f"when violated: {ADVICE}" in words
    assert "cost: Milliseconds; counts rows." in words


def test_the_contract_suite_runs_it(house):
    out = run(house, "-m", "pytest", "-q", "tests/contract", "-k", "volume", "-p", "no:cacheprovider")
    assert "passed" in out
    assert "skipped" not in out


def test_it_has_an_operator_of_its_own_and_a_task_in_the_dag_of_a_policy(house):
    last = run(house, "-c", OPERATOR).splitlines()[-1]
    assert last == "VolumeOperator Did about as many rows arrive as the reference holds?"


def test_its_advice_is_on_the_page_of_a_run_that_it_fails(house):
    page = failing_page(house)
    title, text = ADVICE.split(". ", 1)
    assert f"<strong>{title}.</strong> {text}" in page


def test_its_thresholds_are_calibrated(house):
    run(house, "-m", "model_governance", "calibrate", "project/policy.yaml", "--windows", "100", "--rows", "100")
    record = json.loads((house / "project" / "calibration" / "calibration.json").read_text())
    assert [(row["check"], row["kind"], row["metric"]) for row in record["thresholds"]] == [
        ("volume", "volume", "volume_ratio")
    ]


def test_a_stated_exclusion_is_given_as_the_reason(house, tmp_path):
    copy = tmp_path / "house"
    shutil.copytree(house, copy, ignore=shutil.ignore_patterns("__pycache__", "archive"))
    declaration = copy / CHECKS / "data" / "volume" / "__init__.py"
    text = declaration.read_text()
    declaration.write_text(text.replace('counts rows.",\n', 'counts rows.",\n    not_calibrated="it counts",\n'))
    out = run(copy, "-m", "model_governance", "calibrate", "project/policy.yaml", "--windows", "100", "--rows", "100")
    assert "not calibrated: volume, 1 threshold(s): it counts" in out


def test_no_list_of_kinds_stands_outside_the_checks():
    assert lists_of_kinds(ROOT / PACKAGE) == {}


def test_an_advice_table_written_by_hand_elsewhere_is_caught(house, tmp_path):
    copy = tmp_path / "house"
    shutil.copytree(house, copy, ignore=shutil.ignore_patterns("__pycache__", "archive"))
    module = copy / PACKAGE / "report" / "next_steps.py"
    table = {kind: check.advice.record() for kind, check in catalogue().items()}
    text = module.read_text()
    mutant = text.replace('check.get("advice")', 'WHEN_VIOLATED.get(check["kind"])')
    assert mutant != text
    module.write_text(f"{mutant}\n\nWHEN_VIOLATED = {table!r}\n")

    assert lists_of_kinds(copy / PACKAGE) == {"report/next_steps.py": set(table)}
    assert ADVICE.split(". ", 1)[0] not in failing_page(copy)


def test_operators_written_by_hand_are_caught(tmp_path):
    shutil.copytree(ROOT / PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))
    module = tmp_path / "package" / "orchestration" / "operators.py"
    classes = "\n\nclass EvasionOperator:\n    pass\n\n\nclass DataDriftOperator:\n    pass\n"
    module.write_text(module.read_text() + classes)
    assert lists_of_kinds(tmp_path / "package") == {"orchestration/operators.py": {"evasion", "data_drift"}}


DOCUMENTATION = """
import sys; sys.path.insert(0, "include/docs")
import reference
from model_governance.checks import catalogue
pages = reference.pages(catalogue())
print(pages["reference/checks/volume.md"], pages["reference/operators.md"], reference.navigation(catalogue()))
"""


def test_it_has_a_page_in_the_documentation(house):
    text = " ".join(run(house, "-c", DOCUMENTATION).split())
    assert "# Volume **Did about as many rows arrive as the reference holds?**" in text
    assert '<code id="param-batches">batches</code>' in text
    assert '<code id="metric-volume_ratio">volume_ratio</code>' in text
    assert "## When a threshold is violated **Count the deliveries.** Rows are missing or doubled" in text
    assert "Milliseconds; counts rows." in text
    assert "`VolumeOperator`" in text
    assert "{'Volume': 'reference/checks/volume.md'}" in text
