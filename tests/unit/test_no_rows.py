"""No row of data leaves a night: not in what tasks pass on, not in logs, records, reports, plots or exceptions.

Every row carries an identifier and two numbers that are its own to many digits. After a night of all attacks, each
document is searched for them.
"""

from __future__ import annotations

import json
import logging
import re
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

import project
import synthetic

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("train", "reference", "current", "previous_train")
NUMBER = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?")
NEAR = 300  # characters within which two numbers of one row would be a row

CHECKS = {
    "robustness": {
        "kind": "evasion",
        "params": {"samples": 12, "epsilon": 0.2},
        "thresholds": [{"metric": "attack_success_rate", "key": "all", "leq_to": 0.01}],
    },
    "dirt": {"kind": "corruption", "thresholds": [{"metric": "worst_drop", "leq_to": 0.0}]},
    "privacy": {
        "kind": "membership_inference",
        "params": {"samples": 200, "fpr": [0.05]},
        "thresholds": [{"metric": "attack_auc", "leq_to": 0.1}],
    },
    "attributes": {
        "kind": "attribute_inference",
        "params": {"sensitive": ["channel"]},
        "thresholds": [{"metric": "member_gap", "leq_to": -1}],
    },
    "inversion": {"kind": "model_inversion", "thresholds": [{"metric": "inversion_gain", "leq_to": -1}]},
    "copying": {"kind": "model_extraction", "thresholds": [{"metric": "fidelity", "leq_to": 0.0}]},
    "window": {"kind": "poisoning_screen", "thresholds": [{"metric": "flip_rate_change", "leq_to": -1}]},
    "file": {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]},
    "structure": {"kind": "structural_disclosure", "thresholds": [{"metric": "rows_below_k", "leq_to": 0}]},
    "release": {
        "kind": "synthetic_release",
        "params": {"release": "train.parquet", "sensitive": ["channel", "income"]},
        "thresholds": [{"metric": "duplicate_share", "leq_to": 0.1}],
    },
}  # fmt: skip


def marked(seed: int) -> pd.DataFrame:
    frame = synthetic.rows(seed=seed)
    return frame.assign(row=[f"person-{seed}-{number:04d}-zq" for number in range(len(frame))])


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """The project and all that the night of every attack wrote or said, by name."""
    small = project.small_project(tmp_path_factory.mktemp("rows"), checks=CHECKS)
    small.change(datasets={role: {"uri": f"{role}.parquet"} for role in ROLES})
    frames = {role: marked(seed) for seed, role in enumerate(ROLES, start=1)}
    for role, frame in frames.items():
        frame.to_parquet(small.folder / f"{role}.parquet", index=False)
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(handler.format(record))  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        runs = [small.check(name) for name in CHECKS]
        archived = small.archive(*runs)
    finally:
        logging.getLogger().removeHandler(handler)
    documents = {
        str(path.relative_to(small.folder)): path.read_text("utf-8", errors="replace")
        for path in sorted((small.folder / "archive").rglob("*"))
        if path.is_file()
    }
    documents |= {f"xcom {one.name}": json.dumps(one.summary()) for one in runs}
    documents |= {"xcom archive": json.dumps(archived.summary()), "log": "\n".join(said)}
    return runs, frames, documents


def test_every_attack_measured_something_on_this_night(night):
    runs, _, documents = night
    assert [(one.name, str(one.problem)) for one in runs if one.problem] == []
    assert len(documents) > 20


def test_no_document_names_a_person(night):
    _, _, documents = night
    assert [name for name, text in documents.items() if "-zq" in text] == []


def test_no_document_holds_two_numbers_of_one_row_side_by_side(night):
    _, frames, documents = night
    owners: dict[str, set[tuple[str, int, str]]] = defaultdict(set)
    for role, frame in frames.items():
        for column in ("income", "debt"):
            for number, value in enumerate(frame[column]):
                owners[f"{value:.5g}"].add((role, number, column))
    for name, text in documents.items():
        seen = [(found.start(), owners.get(f"{float(found[0]):.5g}", ())) for found in NUMBER.finditer(text)]
        seen = [(place, cells) for place, cells in seen if cells]
        for (place, cells), (other_place, other_cells) in pairwise(seen):
            if other_place - place < NEAR:
                rows = {cell[:2] for cell in cells} & {cell[:2] for cell in other_cells}
                pairs = [
                    row for row in rows if {c[2] for c in {*cells, *other_cells} if c[:2] == row} == {"income", "debt"}
                ]
                assert not pairs, f"{name} holds row {pairs[0]}: …{text[place : other_place + 20]}…"


def test_no_record_holds_a_cell_but_the_ends_of_a_range(night):
    _, frames, documents = night
    cells = {}
    for role, frame in frames.items():
        for column in ("income", "debt"):
            inner = frame[column][(frame[column] != frame[column].min()) & (frame[column] != frame[column].max())]
            cells |= {f"{value:.9g}": (role, column) for value in inner}
    for name, text in documents.items():
        found = [cells[f"{float(one):.9g}"] for one in NUMBER.findall(text) if f"{float(one):.9g}" in cells]
        assert not found, f"{name} holds a value of {found[0]}"


def test_the_search_would_find_a_row(night):
    _, frames, _ = night
    first = frames["train"].iloc[0]
    planted = {"plant": json.dumps({"income": first["income"], "debt": first["debt"]})}
    with pytest.raises(AssertionError, match="holds row"):
        test_no_document_holds_two_numbers_of_one_row_side_by_side((None, frames, planted))
    with pytest.raises(AssertionError, match="holds a value"):
        test_no_record_holds_a_cell_but_the_ends_of_a_range((None, frames, planted))
