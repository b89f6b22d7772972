"""A stored profile is believed only where it agrees with itself: the mutants that once passed with nonsense, and their kind."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.profiles import profile_of
from model_governance.engine.stored_profiles import read_profile
from model_governance.errors import EvidenceError

FAMILIES = {"amount": "numbers", "kind": "categories"}


def relation(frame: pd.DataFrame):
    return open_relation(Dataset(role="reference", uri="rows", sha256="0" * 64, frame=frame))


def rows(count: int, *, seed: int, moved: float = 0.0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame({"amount": draw.normal(50 + moved, 9, count), "kind": draw.choice(list("abcd"), count)})


@pytest.fixture(scope="module")
def content() -> bytes:
    """The profile of rows that moved away from its cells, so that it has a sketch."""
    cells = profile_of(relation(rows(900, seed=1)), FAMILIES).cells
    return profile_of(relation(rows(900, seed=2, moved=40)), FAMILIES, cells=cells).to_bytes()


def amount(raw: dict) -> dict:
    return raw["columns"]["amount"]


def kind(raw: dict) -> dict:
    return raw["columns"]["kind"]


CHANGES = {
    "rows of the profile": lambda raw: raw.update(rows=10),
    "no run": lambda raw: raw.update(runs=0),
    "rows of a column": lambda raw: amount(raw).update(rows=901),
    "rows that are a truth value": lambda raw: amount(raw).update(missing=True),
    "a huge count": lambda raw: amount(raw)["counts"].__setitem__(0, 10**30),
    "a negative count": lambda raw: kind(raw)["counts"].__setitem__(0, -1),
    "a count that is text": lambda raw: kind(raw)["counts"].__setitem__(0, ""),
    "a count too few": lambda raw: amount(raw)["counts"].pop(),
    "an edge that is a list": lambda raw: amount(raw)["cells"]["edges"].__setitem__(3, [[[]]]),
    "an edge that is none": lambda raw: amount(raw)["cells"]["edges"].__setitem__(3, None),
    "an inner edge that is none of the grid": lambda raw: amount(raw)["cells"]["inner"].__setitem__(0, 1e-320),
    "cells that are a list": lambda raw: amount(raw).update(cells=[]),
    "another family": lambda raw: amount(raw)["cells"].update(family="categories"),
    "labels out of order": lambda raw: kind(raw)["cells"]["labels"].reverse(),
    "a label twice": lambda raw: kind(raw)["cells"]["labels"].__setitem__(1, "a"),
    "moments of a category": lambda raw: kind(raw).update(mean=1.0),
    "no mean": lambda raw: amount(raw).update(mean=None),
    "a mean that the cells exclude": lambda raw: amount(raw).update(mean=amount(raw)["mean"] - 30),
    "a spread that the cells exclude": lambda raw: amount(raw).update(std=0.0),
    "a spread wider than the range": lambda raw: amount(raw).update(std=1e6),
    "a minimum above its cell": lambda raw: amount(raw).update(minimum=amount(raw)["maximum"]),
    "a sketch out of order": lambda raw: amount(raw)["sketch"]["edges"].reverse(),
    "a sketch that counts more than its cell": lambda raw: amount(raw)["sketch"]["below"].__setitem__(-1, 901),
    "an unknown field": lambda raw: amount(raw).update(unheard_of=1),
    "columns that are none": lambda raw: raw.update(columns=None),
    "another label": lambda raw: kind(raw)["cells"]["labels"].__setitem__(0, ""),
    "another digest": lambda raw: raw.update(sha256="0" * 64),
}
ONLY_BY_DIGEST = {"another label"}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_and_the_file_is_named(content, change):
    raw = json.loads(content)
    CHANGES[change](raw)
    with pytest.raises(EvidenceError, match=r"^run\.json: .* oldest version"):
        read_profile(json.dumps(raw).encode(), origin="run.json")


@pytest.mark.parametrize("change", sorted(set(CHANGES) - ONLY_BY_DIGEST - {"another digest"}))
def test_it_is_found_without_the_digest_too_as_in_profiles_of_earlier_releases(content, change):
    raw = json.loads(content)
    del raw["sha256"]
    read_profile(json.dumps(raw).encode(), origin="run.json")
    CHANGES[change](raw)
    with pytest.raises(EvidenceError, match=r"^run\.json: "):
        read_profile(json.dumps(raw).encode(), origin="run.json")


def test_the_field_what_was_expected_and_what_was_found_are_named(content):
    raw = json.loads(content)
    kind(raw)["counts"][0] = "many"
    with pytest.raises(EvidenceError, match=r"columns\.kind\.counts\[0\]: expected a valid integer, found 'many'"):
        read_profile(json.dumps(raw).encode(), origin="run.json")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(content, number):
    mean = json.loads(content)["columns"]["amount"]["mean"]
    with pytest.raises(EvidenceError, match="no JSON of one meaning"):
        read_profile(content.replace(str(mean).encode(), number.encode()), origin="run.json")


def test_a_key_twice_is_refused(content):
    with pytest.raises(EvidenceError, match=r"no JSON of one meaning .key 'rows' is given twice"):
        read_profile(b'{"rows":1,' + content[1:], origin="run.json")


@pytest.mark.parametrize("scale", [1e-300, 1e-90, 1e-20, 1.0, 1e20, 1e140, 1e300])
def test_profiles_of_any_scale_are_read(scale):
    frame = rows(600, seed=3).assign(amount=lambda table: (table["amount"] - 40) * scale)
    profile = profile_of(relation(frame), FAMILIES)
    assert read_profile(profile.to_bytes(), origin="run.json") == profile


def test_a_column_without_a_value_is_read():
    frame = rows(600, seed=3)
    cells = profile_of(relation(frame), FAMILIES).cells
    empty = frame.assign(amount=np.nan)
    profile = profile_of(relation(empty), FAMILIES, cells=cells)
    assert read_profile(profile.to_bytes(), origin="run.json") == profile
