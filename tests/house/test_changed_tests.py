"""Which tests `make check` runs for a changed file."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = runpy.run_path(str(ROOT / ".ci" / "changed_tests.py"))

TREE = [
    "tests/house/test_house.py",
    "tests/house/test_makefile.py",
    "tests/orchestration/conftest.py",
    "tests/orchestration/test_gate.py",
    "tests/shared_cases.py",
    "tests/system/test_server.py",
    "tests/unit/attacks/test_schedule.py",
    "tests/unit/attacks/trees/test_minimal_change.py",
    "tests/unit/checks/data/test_data_drift.py",
    "tests/unit/checks/data/test_data_drift_windows.py",
    "tests/unit/checks/quality/test_fairness.py",
    "tests/unit/test_run.py",
    "tests/unit/contract/test_threat_model.py",
    "tests/unit/verdict/test_budget.py",
    "tests/unit/verdict/test_judgement.py",
]


@pytest.fixture
def tree(tmp_path):
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("from shared_cases import rows\n" if "fairness" in name else "")
    return tmp_path


HOUSE = "tests/house/test_house.py"


@pytest.mark.parametrize(
    ("changed", "chosen"),
    [
        ("plugins/model_governance/verdict/judgement.py", [HOUSE, "tests/unit/verdict"]),
        ("plugins/model_governance/verdict/__init__.py", [HOUSE, "tests/unit/verdict"]),
        ("plugins/model_governance/contract/threat_model.py", [HOUSE, "tests/unit/contract"]),
        ("plugins/model_governance/attacks/schedule.py", [HOUSE, "tests/unit/attacks/test_schedule.py"]),
        ("plugins/model_governance/attacks/trees/reach.py", [HOUSE, "tests/unit/attacks/trees"]),
        ("plugins/model_governance/run.py", [HOUSE, "tests/unit/test_run.py"]),
        (
            "plugins/model_governance/checks/data/data_drift/metrics.py",
            [HOUSE, "tests/unit/checks/data/test_data_drift.py", "tests/unit/checks/data/test_data_drift_windows.py"],
        ),
        ("plugins/model_governance/orchestration/gate.py", [HOUSE, "tests/orchestration/test_gate.py"]),
        ("tests/unit/test_run.py", ["tests/unit/test_run.py"]),
        ("tests/shared_cases.py", ["tests/unit/checks/quality/test_fairness.py"]),
        ("Makefile", ["tests/house/test_makefile.py"]),
    ],
)
def test_a_changed_file_is_tested_by_what_mirrors_it(tree, changed, chosen):
    assert SCRIPT["choose"]([changed], root=tree) == (chosen, {})


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ("plugins/model_governance/formats/protobuf.py", "no test mirrors it; run make test"),
        ("plugins/model_governance/orchestration/links.py", "no test mirrors it; run make test"),
        ("include/demo/demo.py", "no test mirrors it"),
        ("tests/orchestration/conftest.py", "every test below it depends on it; run make test"),
        ("tests/system/test_server.py", "run make test-system"),
    ],
)
def test_a_changed_file_that_nothing_mirrors_is_named_with_the_reason(tree, changed, reason):
    assert SCRIPT["choose"]([changed], root=tree) == ([], {changed: reason})


def test_a_test_inside_a_chosen_folder_is_not_run_twice(tree):
    changed = ["plugins/model_governance/verdict/budget.py", "tests/unit/verdict/test_budget.py"]
    assert SCRIPT["choose"](changed, root=tree) == ([HOUSE, "tests/unit/verdict"], {})


def test_every_module_of_the_verdict_has_tests_here():
    modules = [f"plugins/model_governance/verdict/{path.name}" for path in
               (ROOT / "plugins/model_governance/verdict").glob("*.py")]  # fmt: skip
    chosen, unmapped = SCRIPT["choose"](modules, root=ROOT)
    assert "tests/unit/verdict" in chosen
    assert unmapped == {}


def test_the_house_tests_that_it_names_exist():
    names = {*SCRIPT["BY_HOUSE_TESTS"].values(), SCRIPT["HOUSE"].name}
    assert {name for name in names if not (ROOT / "tests" / "house" / name).is_file()} == set()
