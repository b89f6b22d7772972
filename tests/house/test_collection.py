"""Test names depend on nothing that changes: workers that collect different names run nothing at all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def collecting(*, hash_seed: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-m", "not torch"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment | {"PYTHONHASHSEED": hash_seed}, stdout=subprocess.PIPE, text=True
    )


def names(collection: subprocess.Popen[str]) -> list[str]:
    out = collection.communicate()[0]
    assert collection.returncode == 0, out[-2000:]
    return [line for line in out.splitlines() if "::" in line and not line.startswith("SKIPPED")]


def test_two_collections_seconds_apart_and_with_other_hash_seeds_find_the_same_names():
    first = collecting(hash_seed="1")
    time.sleep(2.1)  # more than the second that a gzip header or a file's time can hide
    second = collecting(hash_seed="2")
    before, after = names(first), names(second)
    assert len(before) > 1000
    assert before == after
    assert len(set(before)) == len(before)
    unstable = [name for name in before if re.search(r"\\x[0-9a-f]{2}|0x[0-9a-f]{6}", name)]
    assert unstable == [], "bytes and addresses are no words"
