"""No robust pass without questions asked, whatever threat model and budgets a policy has: some here, 200 in include/bench/threat_mutants.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import model_governance.checks.robustness.evasion  # noqa: F401 - its modules are changed below

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "include" / "bench"))

import threat_mutants as bench
from threat_worlds import make_world

# Nothing of these rows may change within the budget, or the budget of queries ends before the first question.
NARROW = {
    "a step beyond the budget": {"params": {"attacks": ["greedy"], "epsilon": 1e-6}, "threat_model": {"mutable": ["open"]}},
    "ends that are reached": {
        "params": {"attacks": ["greedy"]},
        "threat_model": {"mutable": ["accounts"], "features": {"accounts": {"direction": "up", "minimum": -5, "maximum": 0}}},
    },
    "a budget of one query": {"params": {"attacks": ["greedy"], "budget": {"greedy": {"max_queries": 1}}}, "threat_model": {}},
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linear")
    raw = make_world(folder, "linear")
    return folder, raw


def narrowed(raw, case):
    changed = NARROW[case]
    evasion = raw["checks"]["evasion"]
    evasion = evasion | {"params": evasion["params"] | changed["params"]}
    return raw | {"checks": {"evasion": evasion}, "threat_model": changed["threat_model"]}


@pytest.mark.parametrize("name", ["linear", "gaps"])
def test_no_mutant_passes_without_questions_asked(tmp_path, name):
    raw, ends = make_world(tmp_path, name), set()
    for mutant in bench.threat_mutants(raw, seed=4, count=4):
        end, wrong = bench.judged(tmp_path, mutant)
        ends.add(end)
        assert not wrong or wrong.startswith("took")
    assert len(ends) > 1


def test_the_same_seed_gives_the_same_mutants(world):
    _, raw = world
    assert list(bench.threat_mutants(raw, seed=3, count=20)) == list(bench.threat_mutants(raw, seed=3, count=20))
    assert list(bench.threat_mutants(raw, seed=3, count=20)) != list(bench.threat_mutants(raw, seed=4, count=20))


@pytest.mark.parametrize("case", NARROW)
def test_a_policy_that_leaves_nothing_to_ask_is_an_error(world, case):
    folder, raw = world
    assert bench.judged(folder, narrowed(raw, case)) == ("error", "")


@pytest.mark.parametrize("case", NARROW)
def test_the_bench_finds_a_rule_that_was_taken_away(world, case, monkeypatch):
    folder, raw = world
    package = "model_governance.checks.robustness.evasion"
    monkeypatch.setattr(sys.modules[f"{package}.attacks"], "require_full_questions", lambda *_, **__: None)
    monkeypatch.setattr(sys.modules[f"{package}.measure"], "attackable", lambda sample, *_: sample)
    end, wrong = bench.judged(folder, narrowed(raw, case))
    assert end == "pass"
    assert wrong.endswith("were asked about")
