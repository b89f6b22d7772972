"""The real plugin loaders, of the core and of task processes, find exactly one plugin and no error."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
from airflow import plugins_manager
import airflow.sdk.plugins_manager as in_tasks
import model_governance
found = {}
for name, manager in (("core", plugins_manager), ("tasks", in_tasks)):
    plugins, errors = manager._get_plugins()
    found[name] = {"plugins": [one.name for one in plugins].count("model_governance"), "errors": errors}
found["module"] = model_governance.__file__
found["copies"] = sorted(one for one in sys.modules if one.split(".")[-1] == "provider_info" and "governance" in str(sys.modules[one].__file__))
from airflow.providers_manager import ProvidersManager
found["provider"] = "airflow-model-governance" in ProvidersManager().providers
from airflow.sdk import task
found["decorator"] = task.governance_check.__name__
from airflow.configuration import conf
found["option"] = conf.get("model_governance", "artifacts_uri")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site-packages with everything that is installed here, except this checkout, plus the built wheel."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(
        REPOSITORY / "plugins", source / "plugins", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt"):
        shutil.copy(REPOSITORY / name, source / name)
    target = tmp_path_factory.mktemp("site")
    for one in Path(sysconfig.get_path("purelib")).iterdir():
        if one.suffix != ".pth" and not one.name.startswith("airflow_model_governance"):
            (target / one.name).symlink_to(one)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "--target", target, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def load(plugins_folder, *, site=None):
    """What the loaders find in a fresh process, with another site-packages if one is given."""
    env = os.environ | {"AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins_folder)}
    env.pop("AIRFLOW__MODEL_GOVERNANCE__ARTIFACTS_URI")
    env.pop("PYTHONPATH", None)
    python = sys.executable
    if site:
        env["PYTHONPATH"] = str(site)
        python = sys._base_executable  # outside this virtual environment
    done = subprocess.run([python, "-c", PROGRAM], capture_output=True, text=True, env=env, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


RIGHT = {"plugins": 1, "errors": {}}


def test_the_wheel_alone_registers_once(site, tmp_path):
    found = load(tmp_path, site=site)

    assert found["module"].startswith(str(site))
    assert (found["core"], found["tasks"]) == (RIGHT, RIGHT)
    assert found["provider"]
    assert found["decorator"] == "governance_check_task"
    assert found["option"] == ""


def test_the_plugins_folder_beside_the_wheel_registers_once(site):
    found = load(REPOSITORY / "plugins", site=site)

    assert (found["core"], found["tasks"]) == (RIGHT, RIGHT)


def test_the_plugins_folder_of_an_editable_install_registers_once():
    found = load(REPOSITORY / "plugins")

    assert (found["core"], found["tasks"]) == (RIGHT, RIGHT)
    assert found["copies"] == ["model_governance.orchestration.provider_info"]  # no file was run under its bare name


def test_the_wheel_holds_what_the_pages_need(site):
    package = site / "model_governance"
    missing = [
        one.relative_to(REPOSITORY / "plugins")
        for one in (REPOSITORY / "plugins" / "model_governance").rglob("*")
        if one.is_file() and one.suffix != ".pyc" and not (site / one.relative_to(REPOSITORY / "plugins")).is_file()
    ]
    assert missing == []
    assert (package / "report" / "run.html").is_file()


def test_the_wheel_carries_the_versions_that_were_tested_together(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(REPOSITORY / "plugins", source / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt"):
        shutil.copy(REPOSITORY / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "--wheel-dir", tmp_path, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        (carried,) = [name for name in wheel.namelist() if name.endswith("/constraints.txt")]
        assert wheel.read(carried) == (REPOSITORY / "constraints.txt").read_bytes()


def test_no_metadata_lies_inside_the_plugins_folder():
    inside = list(distributions(path=[str(REPOSITORY / "plugins")]))
    assert inside == [], "an egg-info in plugins/ makes Airflow load the plugin twice: remove it"
