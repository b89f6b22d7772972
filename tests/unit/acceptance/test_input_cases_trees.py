"""Native tree files that would crash their C++ readers are refused before those see them, in linear time."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xgboost

import model_files
import tree_mutants
from model_governance.errors import SubjectError, UntrustedModel
from model_governance.formats.xgboost_file import (
    check_document,
)
from unit.checks.supply_chain.scanning import clean, rules, scan


@pytest.fixture
def load(tmp_path):
    return partial(model_files.load, tmp_path)


XGBOOST, LIGHTGBM = tree_mutants.honest_xgboost(), tree_mutants.honest_lightgbm()


@pytest.mark.parametrize("name", sorted(XGBOOST))
def test_honest_xgboost_files_pass(name):
    """M5: every sort of booster, in both of its formats."""
    assert tree_mutants.is_sound("xgboost", XGBOOST[name])
    assert clean(scan(XGBOOST[name], "xgboost"))


@pytest.mark.parametrize("name", sorted(LIGHTGBM))
def test_honest_lightgbm_files_pass(name):
    """M5: numbers, categories, linear trees, forests, and a tree of one leaf."""
    assert tree_mutants.is_sound("lightgbm", LIGHTGBM[name])
    assert clean(scan(LIGHTGBM[name], "lightgbm"))


def first_tree(document: dict) -> dict:
    return document["learner"]["gradient_booster"]["model"]["trees"][0]


def set_at(name: str, place: int, value: object):
    def change(document: dict) -> None:
        first_tree(document)[name][place] = value

    return change


def two_parents(document: dict) -> None:
    tree = first_tree(document)
    tree["right_children"][0] = tree["left_children"][0]


def in_pairs(document: dict) -> None:
    """Two nodes that are each other's child and parent, and both reachable."""
    tree = first_tree(document)
    child = tree["left_children"][0]
    tree["left_children"][child], tree["right_children"][child] = 0, tree["right_children"][0]


XGBOOST_CASES = {
    "column 2,000,000": set_at("split_indices", 0, 2_000_000),
    "column 500 of 3": set_at("split_indices", 0, 500),
    "negative column": set_at("split_indices", 0, -1),
    "cycle": set_at("left_children", 1, 0),
    "cycle in pairs": in_pairs,
    "two parents": two_parents,
    "parent of the root": set_at("parents", 0, -1),
    "number of another tree": lambda document: first_tree(document).update(id=1),
    "child outside": set_at("right_children", 0, 10_000),
    "parent that is none": set_at("parents", 1, 2),
    "one child": set_at("left_children", 0, -1),
    "text for a number": set_at("split_conditions", 0, "0.5"),
    "number beyond 64 bits": set_at("split_indices", 0, 2**80),
    "fewer nodes": lambda document: first_tree(document)["tree_param"].update(num_nodes="2"),
    "one digit more of nodes": lambda document: first_tree(document)["tree_param"].update(num_nodes="150"),
    "more trees": lambda document: document["learner"]["gradient_booster"]["model"]["gbtree_model_param"].update(
        num_trees="4"
    ),
    "group of none": lambda document: document["learner"]["gradient_booster"]["model"].update(tree_info=[0, 9, 0]),
    "features without end": lambda document: document["learner"]["learner_model_param"].update(num_feature="2000000000"),
    "base score": lambda document: document["learner"]["learner_model_param"].update(base_score="[5E-1"+"9" * 400),
}  # fmt: skip


@pytest.mark.parametrize("name", XGBOOST_CASES)
def test_an_xgboost_file_that_leads_outside_is_refused_before_its_reader_sees_it(load, name):
    """M5: SIGSEGV, foreign memory, an endless walk."""
    document = json.loads(XGBOOST["binary json"])
    XGBOOST_CASES[name](document)
    content = json.dumps(document).encode()
    with pytest.raises(UntrustedModel, match="crafted or damaged"):
        load(content, format="xgboost")
    assert "inconsistent tree" in rules(scan(content, "xgboost"), "dangerous")


def line(name: bytes, value: bytes, *, tree: int = 0):
    def change(content: bytes) -> bytes:
        start = content.index(b"\nTree=%d" % tree) if tree >= 0 else 0
        begin = content.index(b"\n" + name + b"=", start) + len(name) + 2
        end = content.index(b"\n", begin)
        changed = content[:begin] + value + content[end:]
        # The sizes of the trees are those of the changed text, so that only the change itself can be noticed.
        head, _, rest = changed.partition(b"\ntree_sizes=")
        blocks = [b"Tree=" + block for block in rest.partition(b"\nend of trees")[0].split(b"Tree=")[1:]]
        blocks[-1] += b"\n"
        sizes = b" ".join(str(len(block)).encode() for block in blocks)
        return head + b"\ntree_sizes=" + sizes + rest[rest.index(b"\n") :]

    return change


LIGHTGBM_CASES = {
    "cycle": line(b"left_child", b"0 -2 -3 -4"),
    "cycle below": line(b"right_child", b"1 2 1 -5"),
    "child outside": line(b"left_child", b"700 -1 -2 -3"),
    "feature outside": line(b"split_feature", b"0 500 1 2"),
    "one digit more": line(b"threshold", b"1 2 3 0.1234567890123456789012345678901234567890"),
    "no number": line(b"leaf_value", b"0.1 0.2 0.3 0.4 0.5.6"),
    "one leaf more": line(b"num_leaves", b"6"),
    "leaves without end": line(b"num_leaves", b"999999999"),
    "category without a set": line(b"decision_type", b"1 2 2 2"),
    "features of the head": line(b"max_feature_idx", b"20", tree=-1),
    "classes of the head": line(b"num_class", b"7", tree=-1),
    "trees per round": line(b"num_tree_per_iteration", b"2", tree=-1),
    "sizes of the trees": lambda content: content.replace(b"\ntree_sizes=", b"\ntree_sizes=9"),
    "a byte behind the end of the parameters": lambda content: content.replace(
        b"\nend of parameters\n", b"\nend of parameters4\n"
    ),
    "a parameter without a colon": lambda content: content.replace(b"[max_depth: -1]", b"[max_depth"),
    "zero bytes": lambda content: content.replace(b"\nTree=1", b"\0Tree=1"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIGHTGBM_CASES)
def test_a_lightgbm_text_that_leads_outside_is_refused_before_its_reader_sees_it(load, name):
    """M5: an endless walk, SIGABRT at a number of one digit more, SIGSEGV at a parameter without a colon."""
    content = LIGHTGBM_CASES[name](LIGHTGBM["binary"])
    assert content != LIGHTGBM["binary"]
    with pytest.raises(UntrustedModel, match="crafted or damaged"):
        load(content, format="lightgbm")
    assert "inconsistent tree" in rules(scan(content, "lightgbm"), "dangerous")


def test_names_that_occur_twice_have_two_readings(load):
    """M5: Python takes the last of two, another reader the first."""
    twice = XGBOOST["binary json"].replace(b'"version":', b'"learner":{},"version":')
    with pytest.raises(SubjectError, match="JSON"):
        load(twice, format="xgboost")


def test_a_large_file_is_checked_in_linear_time():
    """M5: four times as many trees take about four times as long."""
    document = json.loads(XGBOOST["binary json"])
    model = document["learner"]["gradient_booster"]["model"]

    def seconds(trees: int) -> float:
        model.update(
            trees=[{**model["trees"][0], "id": number} for number in range(trees)],
            tree_info=[0] * trees,
            iteration_indptr=list(range(trees + 1)),
        )
        model["gbtree_model_param"]["num_trees"] = str(trees)
        started = time.process_time()
        check_document(document, size=10**8)
        return time.process_time() - started

    short = seconds(150)
    assert seconds(600) < 12 * short


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_no_mutant_that_passes_kills_its_reader(tmp_path, kind):
    """Must-show 6: 200 mutants of each; those that the check lets through are loaded and asked in another process."""
    honest, draw = XGBOOST if kind == "xgboost" else LIGHTGBM, np.random.default_rng(7)
    names = sorted(honest)
    mutants = [tree_mutants.mutant(honest[names[number % len(names)]], draw) for number in range(200)]
    passing = [content for content in mutants if tree_mutants.is_sound(kind, content)]
    assert 2 <= len(passing) < 100
    (tmp_path / "mutants").write_bytes(pickle.dumps(passing))
    script = (
        "import pickle, sys, tree_mutants\n"
        "for content in pickle.load(open(sys.argv[2], 'rb')): tree_mutants.load_and_ask(sys.argv[1], content)\n"
        "print('survived')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, kind, str(tmp_path / "mutants")], capture_output=True, text=True, check=False,
        timeout=60, cwd=Path(tree_mutants.__file__).parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.endswith("survived\n")


def test_trees_for_several_targets_and_linear_boosters_say_what_is_unsupported(load):
    """M10: multi_output_tree and gblinear."""
    frame = tree_mutants.rows()
    two = np.column_stack([frame["a"], frame["b"]])
    several = xgboost.train({"multi_strategy": "multi_output_tree", "max_depth": 2}, xgboost.DMatrix(frame, two), 1)
    linear = xgboost.train({"booster": "gblinear"}, xgboost.DMatrix(frame, frame["a"]), 1)
    with pytest.raises(SubjectError, match="one_output_per_tree") as caught:
        load(bytes(several.save_raw("json")), format="xgboost", task="regression")
    assert not isinstance(caught.value, UntrustedModel)
    with pytest.raises(SubjectError, match="gblinear"):
        load(bytes(linear.save_raw("ubj")), format="xgboost", task="regression")
