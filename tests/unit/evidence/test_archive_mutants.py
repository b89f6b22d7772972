"""A few dozen of the bench's mutants of an archive: verification finds each, and no night dies of one."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[3] / "include" / "bench"))

import archive_mutants


@pytest.fixture(scope="module")
def answers():
    return archive_mutants.measure(36, seed=7)


def test_every_mutant_is_found(answers):
    assert archive_mutants.wrong_of(answers) == []
    assert sum(bool(answer.night) for answer in answers) == 9


@pytest.mark.parametrize("old", ["", "x", "ab", True, 7, 0.5, None, [], {}, [1]])
def test_a_mutant_changes_something(old):
    draw = random.Random(3)
    assert all(archive_mutants._other(old, draw) != old for _ in range(200))


def test_a_sound_archive_is_sound(tmp_path):
    nights = archive_mutants.build(tmp_path)
    untouched = archive_mutants.Mutant(key="", change="")
    assert not archive_mutants.ask(nights, untouched, sound=None).found
