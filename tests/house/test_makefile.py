"""The Makefile: no variable is used that nobody set, and a changed dependency is installed by the next verb."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
VERBS = re.findall(r"^([a-z-]+):.*?## ", MAKEFILE, re.MULTILINE)
STAMPS = (".venv/bin/python", ".venv/.core", ".venv/.test", ".venv/.lint", ".venv/.system", ".venv-torch/.test")
BY_ENVIRONMENT = [
    (".venv", "demo", (".core",)),
    (".venv", "test", (".core", ".test")),
    (".venv", "lint", (".core", ".test", ".lint")),
    (".venv", "test-system", (".core", ".test", ".system")),
    (".venv-torch", "test-torch", (".test",)),
]


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """What make would do. The variables of a make around the tests are not passed on."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--warn-undefined-variables", "--dry-run", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=clean)


@pytest.fixture
def installed(tmp_path):
    """A project whose environments are complete and newer than what they were made from."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
        os.utime(tmp_path / name, (1_000, 1_000))
    for second, name in enumerate(STAMPS, start=2_000):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (second, second))
    return tmp_path


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_no_verb_uses_a_variable_that_nobody_set(verb):
    done = make(*([verb] if verb else []))
    assert done.returncode == 0, done.stderr
    assert "undefined variable" not in done.stderr


def test_every_verb_is_phony_and_explained():
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE).group(1).replace("\\\n", " ").split()
    targets = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
    assert targets == set(phony)
    assert {name for name in targets if not name.startswith("check-")} == set(VERBS)


@pytest.mark.parametrize(("environment", "verb", "stamps"), BY_ENVIRONMENT, ids=[verb for _, verb, _ in BY_ENVIRONMENT])
def test_an_environment_that_is_complete_is_not_installed_again(installed, environment, verb, stamps):
    assert "pip install" not in make(verb, folder=installed).stdout


@pytest.mark.parametrize("source", ["pyproject.toml", "constraints.txt"])
@pytest.mark.parametrize(("environment", "verb", "stamps"), BY_ENVIRONMENT, ids=[verb for _, verb, _ in BY_ENVIRONMENT])
def test_a_changed_dependency_is_installed_by_the_next_verb(installed, environment, verb, stamps, source):
    (installed / source).touch()
    planned = make(verb, folder=installed).stdout
    assert planned.count(f"{environment}/bin/pip install") == 1
    touched = {name for line in planned.splitlines() if line.startswith("touch ") for name in line.split()[1:]}
    assert touched == {f"{environment}/{stamp}" for stamp in stamps}
