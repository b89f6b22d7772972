"""Keys of manifests are listed as far as they are asked for, and are those of a whole listing."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from model_governance.evidence.chain import HINTS
from model_governance.evidence.manifest import moment_folders, moment_of
from model_governance.evidence.run_keys import RunKeys
from model_governance.store.local import LocalStore

BEFORE = datetime(2027, 2, 14, 6, tzinfo=UTC)


class Counting:
    """A store that counts the keys that it lists."""

    def __init__(self, store) -> None:
        self._store, self.listed = store, 0

    def keys(self, prefix):
        for key in self._store.keys(prefix):
            self.listed += 1
            yield key


def put(store, moment: datetime, *, prefix: str = "", sha256: str = "b" * 16, by_month: bool = True) -> str:
    folder = moment_folders("loans", moment)[0 if by_month else 1]
    key = f"{folder}{'a' * 16}/{sha256}/run_manifest.json"
    store.put_once(f"{prefix}{key}", b"{}", media_type="application/json")
    return key


@pytest.mark.parametrize("every", [timedelta(hours=5), timedelta(days=9), timedelta(days=97), timedelta(days=700)])
def test_the_moments_are_those_of_the_whole_archive_the_newest_first(tmp_path, every):
    store, draw = LocalStore(str(tmp_path)), random.Random(1)
    moments = {BEFORE + timedelta(days=3) - number * every * draw.uniform(0.5, 1.5) for number in range(60)}
    for moment in moments:
        put(store, moment, by_month=draw.random() < 0.5)
    assert list(RunKeys(store, "loans", before=None)) == sorted(moments, reverse=True)
    earlier = sorted((moment for moment in moments if moment < BEFORE), reverse=True)
    assert list(RunKeys(store, "loans", before=BEFORE)) == earlier
    assert len(RunKeys(store, "loans", before=BEFORE)) == len(earlier)


def test_a_moment_is_found_whether_or_not_it_was_listed(tmp_path):
    store = LocalStore(str(tmp_path))
    old = BEFORE - timedelta(days=900)
    both = sorted([put(store, old), put(store, old, sha256="c" * 16), put(store, old, by_month=False)])
    keys = RunKeys(store, "loans", before=BEFORE)
    assert keys[old] == both
    assert list(keys) == [old]
    assert BEFORE not in keys
    put(store, BEFORE)
    assert BEFORE not in RunKeys(store, "loans", before=BEFORE)


def test_a_manifest_that_only_a_hint_names_is_among_the_keys(tmp_path):
    store = LocalStore(str(tmp_path))
    gone = put(store, BEFORE - timedelta(days=40), prefix=HINTS)
    assert RunKeys(store, "loans", before=BEFORE)[BEFORE - timedelta(days=40)] == [gone]


def test_a_run_is_found_under_the_month_of_its_moment_alone():
    (of_month, early), rest = moment_folders("loans", BEFORE), f"{'a' * 16}/{'b' * 16}/run_manifest.json"
    assert of_month == "v1/runs/model=loans/run=2027-02/2027-02-14T060000Z/"
    assert moment_of(of_month + rest) == moment_of(early + rest) == BEFORE
    assert moment_of(of_month.replace("run=2027-02/", "run=2027-03/") + rest) is None


def test_a_folder_holds_the_months_and_not_all_runs(tmp_path):
    store = LocalStore(str(tmp_path))
    for number in range(400):
        put(store, BEFORE - timedelta(days=number + 1))
    assert len(list((tmp_path / "v1/runs/model=loans").iterdir())) == 14


def test_the_newest_runs_are_found_without_listing_those_of_other_years(tmp_path):
    store = LocalStore(str(tmp_path))
    for number in range(400):
        put(store, BEFORE - timedelta(days=number + 1))
    counting = Counting(store)
    newest = list(islice(RunKeys(counting, "loans", before=BEFORE), 40))
    assert newest == [BEFORE - timedelta(days=number + 1) for number in range(40)]
    assert counting.listed < 80
