"""The mutants themselves: which changes a piece of code gives, and that they reach an imported module."""

from __future__ import annotations

import ast
import importlib
import sys

import pytest

from mutation import run
from mutation.mutants import mutants, mutated
from mutation.trial import MutantFinder


def changes(source: str) -> set[str]:
    """The code of every mutant, without what they share."""
    return {ast.unparse(mutated(source, position)) for position in range(len(mutants(source)))}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = b < c", {"a = b <= c", "a = b > c"}),
        ("a = b is None", {"a = b is not None"}),
        ("a = b and c", {"a = b or c", "a = b", "a = c"}),
        ("a = not b", {"a = b"}),
        ("a = b - c", {"a = b + c"}),
        ("a = 2", {"a = 3"}),
        ("a = True", {"a = False"}),
        ("a = b in ('x', c)", {"a = b not in ('x', c)", "a = b in (c,)", "a = b in ('x',)", "a = b in ('another text', c)"}),
        ("a = (b.x, b.y) == (c.x, c.y)", {
            "a = (b.x, b.y) != (c.x, c.y)", "a = (b.y,) == (c.y,)", "a = (b.x,) == (c.x,)",
            "a = (b.y, b.x) == (c.x, c.y)", "a = (b.x, b.y) == (c.y, c.x)",
        }),
        ("f(low=b.low, high=b.high)", {
            "pass", "f(high=b.high)", "f(low=b.low)", "f(low=b.high, high=b.low)",
        }),
        ("f(b, c)", {"pass", "f(c, b)"}),
        ("RANK = ('pass', 'fail')", {"RANK = ('fail', 'pass')", "RANK = ('another text', 'fail')", "RANK = ('pass', 'another text')"}),
        ("a = b if c else d", {"a = b if True else d", "a = b if False else d"}),
        ("a = [b for b in c if d]", {"a = [b for b in c]"}),
        ("for a in b:\n    continue", {"for a in b:\n    break"}),
        ("a += b", {"pass"}),
    ],
)  # fmt: skip
def test_a_piece_of_code_gives_these_mutants(source, expected):
    assert changes(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "'''What lives here.'''",
        "import a",
        "a: int",
        "a = f'{b:.2f} of {c}'",
        "a = 'a sentence is a message'",
        "__all__ = ['a', 'b']",
        "Word = Literal['a', 'b']",
        "if TYPE_CHECKING:\n    from a import b",
        "@property\ndef f(self) -> dict['a', 1]:\n    '''Nothing.'''",
    ],
)
def test_what_decides_nothing_gives_none(source):
    assert mutants(source) == []


def test_an_error_that_is_raised_is_left_out_and_its_message_is_not_changed():
    assert changes("raise E(f(2))") == {"pass"}


def test_names_hold_no_line_number_and_tell_equal_changes_apart():
    source = "def f():\n    return 1 + 1\n"
    names = [mutant.name for mutant in mutants(source)]
    assert names == ["f: `1 + 1` becomes `1 - 1`", "f: `1` becomes `2`", "f (2): `1` becomes `2`"]
    assert names == [mutant.name for mutant in mutants("\n\n" + source)]


def test_every_module_of_the_rooms_gives_mutants_that_compile():
    for modules, _ in run.ROOMS.values():
        for name in {module.partition(":")[0] for module in modules}:
            source = (run.TESTS.parent / "plugins" / "model_governance" / name).read_text(encoding="utf-8")
            listed = mutants(source)
            assert len({mutant.name for mutant in listed}) == len(listed)
            for position in range(0, len(listed), 25):
                compile(mutated(source, position), name, "exec")


@pytest.mark.parametrize(
    ("place", "inside"),
    [
        ("model_governance/verdict/finding.py:Rules.stops", True),
        ("model_governance/policy/model.py:Waiver", True),
        ("model_governance/policy/model.py:Waiver.is_live", True),
        ("model_governance/policy/model.py:WaiverSpec", False),
        ("model_governance/policy/model.py:module", False),
    ],
)
def test_a_room_may_hold_a_class_of_a_module(place, inside):
    assert run.is_in_room(place, ("verdict/finding.py", "policy/model.py:Waiver")) is inside


def test_the_tests_of_every_room_exist():
    assert [test for _, tests in run.ROOMS.values() for test in tests if not (run.TESTS / test).exists()] == []


def test_a_mutant_reaches_the_module_and_leaves_its_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "tiny_mutated_module.py"
    path.write_text("def larger(a, b):\n    return a > b\n")
    monkeypatch.setattr(sys, "meta_path", [MutantFinder("tiny_mutated_module", path, 0), *sys.meta_path])
    module = importlib.import_module("tiny_mutated_module")
    monkeypatch.delitem(sys.modules, "tiny_mutated_module")
    assert module.larger(1, 1), "a >= b now"
    assert path.read_text().endswith("a > b\n")
    assert list(tmp_path.iterdir()) == [path]


def outcome(name, outcome="survived"):
    return {"module": "model_governance/verdict/finding.py", "name": name, "line": 1, "outcome": outcome}


def test_the_page_keeps_reasons_and_rooms_that_were_not_run(tmp_path):
    survivors = [outcome("f: `1` becomes `2`"), outcome("g: `a` becomes `b`"), outcome("h", "killed")]
    reasons = {"verdict/finding.py, f: `1` becomes `2`": "Both are far above any number."}
    rooms = {"budget": run.summary(survivors), "store": run.summary([outcome("h", "killed")])}
    page = tmp_path / "SURVIVORS.md"
    page.write_text(run.page(rooms, reasons))
    assert "| budget | 3 | 2 | 33.3% |" in page.read_text()
    assert run.read_page(page) == (rooms, reasons)
    assert run.read_page(tmp_path / "absent.md") == ({}, {})
    again = run.page(run.read_page(page)[0] | {"store": run.summary([outcome("i")])}, reasons)
    assert again.startswith(page.read_text().split("| store")[0])
    assert "| store | 1 | 1 | 0.0% |" in again


def test_a_room_with_too_few_killed_and_a_survivor_without_reason_are_problems():
    outcomes = [outcome("f"), *(outcome(str(number), "killed") for number in range(8))]
    assert run.problems_of("verdict", outcomes, {}) == [
        "no reason in SURVIVORS.md: verdict/finding.py, f",
        "verdict: 88.9% killed, 90% are demanded",
    ]
    enough = [*outcomes, outcome("8", "timeout"), outcome("9", "killed")]
    assert run.problems_of("verdict", enough, {"verdict/finding.py, f": "It cannot be told apart."}) == []
