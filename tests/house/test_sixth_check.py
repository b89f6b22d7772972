"""A new check is one module and one registry line; everything else follows from its declaration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHECKS = Path("plugins/model_governance/checks")


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of the repository with a sixth check: one file more, one line more."""
    copy = tmp_path_factory.mktemp("house")
    for name in ("plugins", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copy(ROOT / "tests/house/sixth/volume.py", copy / CHECKS / "data" / "volume.py")
    registry = copy / CHECKS / "__init__.py"
    text = registry.read_text()
    registry.write_text(text.replace('    "data.data_drift",\n', '    "data.data_drift",\n    "data.volume",\n'))
    return copy


def run(house: Path, *command: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(house / "plugins"), "AIRFLOW_HOME": str(house / "airflow")}
    done = subprocess.run(
        [sys.executable, *command], cwd=house, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_touches_one_module_and_one_line(house):
    before = {path.relative_to(ROOT): path for path in (ROOT / "plugins").rglob("*.py")}
    after = {path.relative_to(house): path for path in (house / "plugins").rglob("*.py")}
    assert set(after) - set(before) == {CHECKS / "data" / "volume.py"}
    changed = [name for name, path in before.items() if path.read_bytes() != after[name].read_bytes()]
    assert changed == [CHECKS / "__init__.py"]
    old, new = before[changed[0]].read_text().splitlines(), after[changed[0]].read_text().splitlines()
    assert len(new) - len(old) == 1
    assert set(new) - set(old) == {'    "data.volume",'}


def test_the_command_line_knows_it(house):
    assert "volume" in run(house, "-m", "model_governance", "checks")
    assert "volume_ratio" in run(house, "-m", "model_governance", "checks", "volume")
    assert "volume_check" in run(house, "-m", "model_governance", "policy", "schema")


def test_the_contract_suite_runs_it(house):
    out = run(house, "-m", "pytest", "-q", "tests/contract", "-k", "volume", "-p", "no:cacheprovider")
    assert "passed" in out
    assert "skipped" not in out


def test_a_policy_with_it_becomes_a_task_of_a_dag_and_an_operator(house):
    policy = {
        "version": 1,
        "owner": "a@example.com",
        "model": {"name": "m", "task": "regression", "uri": "m.skops", "sha256": "0" * 64},
        "datasets": {"reference": {"uri": "r.parquet"}, "current": {"uri": "c.parquet"}},
        "columns": {"features": {"x": {"kind": "numeric"}}},
        "checks": {"volume": {"thresholds": [{"metric": "volume_ratio", "between": [0.5, 2]}]}},
    }
    (house / "policies").mkdir()
    (house / "policies" / "m.yaml").write_text(yaml.safe_dump(policy))
    code = (
        "from model_governance.orchestration.dags import governance_dags\n"
        "dag = governance_dags('policies')['governance_m']\n"
        "tasks = [one for one in dag.tasks if getattr(one, 'check', None) == 'volume']\n"
        "print(type(tasks[0]).__name__, len(tasks))"
    )
    assert run(house, "-c", code).splitlines()[-1] == "GovernanceCheckOperator 1"
