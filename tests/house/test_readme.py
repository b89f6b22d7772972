"""What the README shows is what happens. The block of `make demo` is checked where the demo runs (tests/system)."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text()


def _readme():
    spec = importlib.util.spec_from_file_location("readme_blocks", ROOT / "include" / "readme.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


readme = _readme()
QUICK = [one for one in readme.blocks(TEXT) if one["what"] != "make demo"]


@pytest.mark.parametrize("block", QUICK, ids=lambda one: one["what"])
def test_a_block_shows_the_truth(block):
    assert readme.difference(block) == ""


def test_there_are_blocks_and_none_is_empty():
    assert len(QUICK) >= 3
    assert all(one["body"].strip() for one in readme.blocks(TEXT))


def test_a_wrong_block_is_noticed():
    block = readme.blocks("<!-- shows: echo right -->\n```text\nwrong\n```\n<!-- end -->")[0]
    assert "+right" in readme.difference(block)


PART = "<!-- shows-part: printf 'a\\nb\\nc\\nd\\n' -->\n```text\n{}\n```\n<!-- end -->"


@pytest.mark.parametrize("shown", ["a\n…\nd", "…\nb\n…", "a\nb\nc\nd", "a\n…"])
def test_a_part_of_the_output_is_the_truth(shown):
    assert readme.difference(readme.blocks(PART.format(shown))[0]) == ""


@pytest.mark.parametrize("shown", ["a\nd", "…\nx\n…", "a\nb", "b\n…", "…\nc\n…\nb\n…"])
def test_a_wrong_part_of_the_output_is_noticed(shown):
    assert readme.difference(readme.blocks(PART.format(shown))[0])


def test_a_visitor_reads_at_most_two_hundred_lines():
    assert len(TEXT.splitlines()) <= 200


def commands() -> set[str]:
    """Every command line that the README tells a reader to type."""
    return set(re.findall(r"^\$ (.+)$", TEXT, re.MULTILINE))


def test_every_command_is_run_by_a_test(tmp_path):
    """`make` targets are run by CI; the others here, as they stand."""
    demo = ROOT / "include" / "demo"
    shutil.copy(demo / "acs_employment.skops", tmp_path / "model.skops")
    import pandas as pd

    rows = pd.read_parquet(demo / "acs_employment_ma.parquet")
    for role, year in (("reference", 2015), ("current", 2016)):
        some = rows[rows["year"] == year].head(2000).rename(columns={"employed": "label"})
        some.to_parquet(tmp_path / f"{role}.parquet")
    found = commands()
    ours = sorted(one for one in found if one.startswith("model-governance "))
    assert [one.split()[1:3] for one in ours] == [
        ["compare", "reference.parquet"],
        ["policy", "init"],
        ["policy", "lint"],
    ]
    assert found == {"make demo", "make test", *ours}
    for command in ours:
        words = [sys.executable, "-m", "model_governance", *command.split()[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`?make ([a-z-]+)`?", TEXT)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_linked_files_exist():
    for target in re.findall(r"\]\((?!#|https?:)([^)#]+)", TEXT):
        assert (ROOT / target).exists(), target
