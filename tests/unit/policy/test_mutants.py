"""Mutated policies and suites end in a sentence: no traceback, no hang, no flood, and the same mutants whenever they are drawn."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import yaml

from model_governance.checks import catalogue
from model_governance.checks.data.data_validation.expectations import read_suite
from model_governance.contract.subject import ParamFile
from model_governance.errors import CheckError, PolicyError
from model_governance.policy import parse_policy
from model_governance.policy.names import names_in

INCLUDE = Path(__file__).resolve().parents[3] / "include"
sys.path.insert(0, str(INCLUDE / "bench"))

import nonsense  # noqa: E402
import policy_mutants as bench  # noqa: E402
from mutants_page import sections, write_section  # noqa: E402
from policy_mutants import policy_mutants, suite_mutants  # noqa: E402

POLICY = (INCLUDE / "policies" / "acs_employment.yaml").read_text()
SUITE = (INCLUDE / "suites" / "acs_employment.json").read_text()
SECONDS = 5
CHARACTERS = 60_000


def problems_of(mutant: bytes) -> tuple[str, ...]:
    try:
        parse_policy(mutant, catalogue(), name="p.yaml")
    except PolicyError as error:
        return error.problems
    return ()


def test_a_mutated_policy_is_taken_or_refused_with_lines():
    """Must-show 2: 400 here, 12,000 in include/bench/policy_mutants.py."""
    refused = 0
    for mutant in policy_mutants(POLICY, seed=11, count=400):
        started = time.process_time()
        names_in(mutant)
        problems = problems_of(mutant)
        refused += bool(problems)
        assert problems or not list(nonsense.in_policy(yaml.load(mutant, Loader=yaml.CSafeLoader)))
        assert all(problem.startswith("p.yaml:") for problem in problems)
        assert sum(map(len, problems)) < CHARACTERS
        assert time.process_time() - started < SECONDS
    assert 250 < refused < 400


def test_a_mutated_suite_is_taken_or_refused():
    """Must-show 2: 150 here, 2,000 in include/bench/policy_mutants.py."""
    refused = 0
    for mutant in suite_mutants(SUITE, seed=11, count=150):
        try:
            read_suite(ParamFile(name="suite", uri="s.json", sha256="0" * 64, content=mutant))
            assert not list(nonsense.in_suite(json.loads(mutant)))
        except CheckError:
            refused += 1
    assert 50 < refused < 150


def test_the_same_seed_gives_the_same_mutants():
    assert list(policy_mutants(POLICY, seed=3, count=20)) == list(policy_mutants(POLICY, seed=3, count=20))
    assert list(policy_mutants(POLICY, seed=3, count=20)) != list(policy_mutants(POLICY, seed=4, count=20))


def test_the_bench_sees_what_is_planted():
    bench.require_eyes()


def test_a_section_of_the_page_leaves_the_others(tmp_path):
    page = tmp_path / "MUTANTS.md"
    write_section("Suites", "First.", [{"kind": "a", "mutants": 1}], page=page)
    write_section("Trees", "Second.", [{"kind": "b", "mutants": 2}], page=page)
    write_section("Suites", "Third.", [{"kind": "a", "mutants": 3}], page=page)
    assert list(sections(page.read_text())) == ["Suites", "Trees"]
    assert page.read_text().startswith("# ")
    assert "| a | 3 |" in page.read_text()
    assert "| b | 2 |" in page.read_text()
    assert "First." not in page.read_text()
