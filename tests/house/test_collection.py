"""Test names depend on nothing that changes: workers that collect different names run nothing at all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WHOLE_SUITE = 1000
APART = 2.1  # more than the second that a gzip header or a file's time can hide


def collecting(*chosen: str, hash_seed: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *chosen]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment | {"PYTHONHASHSEED": hash_seed}, stdout=subprocess.PIPE, text=True
    )


def names(collection: subprocess.Popen[str]) -> list[str]:
    out = collection.communicate()[0]
    assert collection.returncode == 0, out[-2000:]
    return [line for line in out.splitlines() if "::" in line and not line.startswith("SKIPPED")]


def require_equal(before: list[str], after: list[str]) -> None:
    assert before == after
    assert len(set(before)) == len(before)
    unstable = [name for name in before if re.search(r"\\x[0-9a-f]{2}|0x[0-9a-f]{6}", name)]
    assert unstable == [], "bytes and addresses are no words"


def test_two_collections_seconds_apart_and_with_other_hash_seeds_find_the_same_names(request):
    config = request.config
    chosen = ["-m", config.option.markexpr, "-k", config.option.keyword, *config.args]
    # In a run of the whole suite this process has collected it already: seconds ago, with a random hash seed.
    before = [item.nodeid for item in request.session.items]
    if len(before) < WHOLE_SUITE:
        chosen = ["-m", "not torch and not system"]
        before = names(collecting(*chosen, hash_seed="1"))
        time.sleep(APART)
    assert len(before) > WHOLE_SUITE
    require_equal(before, names(collecting(*chosen, hash_seed="2")))


def test_two_collections_of_the_system_tests_find_the_same_names():
    first = collecting("-m", "system", "tests/system", hash_seed="1")
    time.sleep(APART)
    second = collecting("-m", "system", "tests/system", hash_seed="2")
    before = names(first)
    assert len(before) > 50
    require_equal(before, names(second))
