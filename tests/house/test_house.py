"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "plugins" / "model_governance"
MODULES = sorted(PACKAGE.rglob("*.py"))
CATCH_ALL = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc", "core", "lib"}
LINES = 400
FUNCTION_LINES = 60
LOOSE = 6
HEAVY = (
    "pandas",
    "numpy",
    "great_expectations",
    "evidently",
    "art",
    "torch",
    "boto3",
    "sklearn",
    "matplotlib",
    "scipy",
    "ibis",
    "polars",
    "duckdb",
    "pyarrow",
)


def test_no_module_is_named_after_nothing():
    names = {path.stem if path.stem != "__init__" else path.parent.name for path in MODULES}
    assert not names & CATCH_ALL


def test_no_module_could_replace_one_of_the_standard_library():
    # Airflow can execute files of plugins/ under their bare stem and put that into sys.modules.
    stems = {path.stem for path in MODULES} - {"__init__", "__main__"}
    assert stems & set(sys.stdlib_module_names) == set()
    assert not stems & {
        "airflow",
        "art",
        "evidently",
        "great_expectations",
        "pandas",
        "numpy",
        "onnx",
        "xgboost",
        "lightgbm",
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda one: str(one.relative_to(PACKAGE)))
def test_a_module_fits_a_sitting_and_says_what_lives_in_it(path):
    text = path.read_text()
    assert len(text.splitlines()) <= LINES
    assert ast.get_docstring(ast.parse(text)), "a module says in a sentence what lives in it"


@pytest.mark.parametrize("path", MODULES, ids=lambda one: str(one.relative_to(PACKAGE)))
def test_a_function_fits_a_screen(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < FUNCTION_LINES, (
                f"{node.name} is {node.end_lineno - node.lineno} lines long"
            )


def test_few_modules_stand_beside_the_rooms():
    assert len(list(PACKAGE.glob("*.py"))) <= LOOSE


def imports_of(path: Path, modules: set[str]) -> set[str]:
    """Modules of the package that a module imports, for type checking and inside functions too."""
    targets: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            targets |= {name if name in modules else node.module for name in names}
        elif isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
    return targets & modules


def test_no_module_imports_itself_through_others():
    def dotted(path: Path) -> str:
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    modules = {dotted(path): path for path in MODULES}
    graph = {name: imports_of(path, set(modules)) - {name} for name, path in modules.items()}
    while leaves := [name for name, targets in graph.items() if not targets & graph.keys()]:
        for name in leaves:
            del graph[name]
    assert graph == {}, "these modules are in a circle, or import one"


def test_the_core_imports_nothing_heavy_and_no_airflow():
    code = (
        "import sys; import model_governance.run, model_governance.cli, model_governance.checks as c; c.catalogue();"
        f"print(','.join(n for n in {(*HEAVY, 'airflow')!r} if n in sys.modules))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert seen == "", f"imported too early: {seen}"


def test_airflow_is_kept_out_of_the_folder_by_two_lines():
    assert (ROOT / "plugins" / ".airflowignore").read_text().splitlines() == ["*", "model_governance/"]


def test_the_top_level_is_the_one_agreed():
    tracked = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=False
    ).stdout.splitlines()
    if not tracked:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in tracked}
    allowed = {"pyproject.toml", "plugins", "dags", "tests", "include", "README.md"}
    beside = {"Makefile", "constraints.txt", "CHANGELOG.md", "LICENSE"}
    assert {name for name in top if not name.startswith(".")} <= allowed | beside
    assert allowed <= top


def test_constraints_hold_exact_versions_and_nothing_else():
    lines = [one for one in (ROOT / "constraints.txt").read_text().splitlines() if one and not one.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+", one) for one in lines)
    assert "torch==2.13.0" in lines
