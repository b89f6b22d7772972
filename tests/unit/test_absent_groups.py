"""A group that a threshold names and that this run has too few rows of is uncertain; a name that never was is an error."""

from __future__ import annotations

from datetime import timedelta

import pytest

import project
import synthetic
from model_governance.contract.slices import Slice, absence_of, too_small

SLICED = {"metric": "slice_accuracy", "key": "region east", "geq_to": 0.2}
CHECKS = {
    "slices": {"kind": "model_quality", "params": {"slices": [{"column": "region"}]}, "thresholds": [SLICED]},
    "groups": {
        "kind": "fairness",
        "params": {"groups": ["region", "age"], "bins": {"age": [30]}},
        "thresholds": [{"metric": "group_accuracy", "key": "region=east", "geq_to": 0.2}],
    },
    "sources": {
        "kind": "poisoning_screen",
        "params": {"parts": ["sources"], "source": "region"},
        "thresholds": [{"metric": "source_share_change", "key": "east", "leq_to": 0.9}],
    },
    "corrupted": {
        "kind": "corruption",
        "params": {"corruptions": ["noise"], "slices": [{"column": "region"}]},
        "thresholds": [{"metric": "slice_drop", "key": "region east", "leq_to": 0.9}],
    },
}


def east(frame, rows: int):
    """The rows with that many of region east, the others in the north."""
    frame = frame.assign(region=frame["region"].where(frame["region"] != "east", "north"))
    frame.loc[frame.index[:rows], "region"] = "east"
    return frame


def one_check(folder, name: str, *, key: str | None = None):
    check = CHECKS[name]
    (threshold,) = check["thresholds"]
    asked = threshold if key is None else threshold | {"key": key}
    return project.small_project(folder, checks={name: check | {"thresholds": [asked]}})


def write(small, rows: int) -> None:
    """That many rows of region east in every window that a check may read."""
    for seed, role in enumerate(("train", "previous_train", "current"), start=11):
        east(synthetic.rows(seed=seed), rows).to_parquet(small.folder / f"{role}.parquet", index=False)


def finding(small, day: int = 0):
    verdict = small.run(project.DAY + timedelta(days=day), f"night-{day}").verdict
    return next(
        one
        for one in verdict.findings
        if one.metric in ("slice_accuracy", "group_accuracy", "source_share_change", "slice_drop")
    )


@pytest.mark.parametrize("name", CHECKS)
def test_a_small_group_is_uncertain_and_says_how_many_rows_it_has_and_needs(name, tmp_path):
    small = one_check(tmp_path, name)
    write(small, 3)
    found = finding(small)
    assert found.outcome == "uncertain"
    assert "fewer than 10" in found.sentence
    assert "are needed" in found.sentence


@pytest.mark.parametrize("name", CHECKS)
def test_a_misspelt_group_is_an_error(name, tmp_path):
    key = {"slices": "region esat", "groups": "region=esat", "sources": "esat", "corrupted": "region esat"}[name]
    found = finding(one_check(tmp_path, name, key=key))
    assert found.outcome == "error"
    assert "spelling" in found.sentence


@pytest.mark.parametrize("name", ["slices", "groups", "sources"])
def test_a_group_that_an_earlier_run_had_is_uncertain_where_it_has_no_row(name, tmp_path):
    small = one_check(tmp_path, name)
    write(small, 60)
    assert finding(small).outcome not in ("error", "uncertain")
    for day in (1, 2):
        write(small, 0)
        found = finding(small, day)
        assert found.outcome == "uncertain"
        assert "no rows" in found.sentence


def test_a_bin_that_the_policy_declares_may_be_empty(tmp_path):
    small = one_check(tmp_path, "groups", key="age=below 30")
    frame = synthetic.rows(seed=3)
    small.write_current(frame.assign(age=frame["age"].clip(lower=40)))
    found = finding(small)
    assert found.outcome == "uncertain"
    assert "no rows of it in this run, at least 30 are needed" in found.sentence


def test_a_group_without_enough_positives_is_uncertain(tmp_path):
    small = one_check(tmp_path, "groups")
    threshold = {"metric": "true_positive_rate", "key": "region=east", "geq_to": 0.1}
    small.change(checks={"groups": CHECKS["groups"] | {"thresholds": [threshold]}})
    frame = synthetic.rows(seed=3)
    small.write_current(frame.assign(label=frame["label"].where(frame["region"] != "east", 0)))
    (found,) = small.check("groups").verdict.findings
    assert found.outcome == "uncertain"
    assert "no rows behind this metric" in found.sentence


def test_a_small_group_that_no_threshold_names_stays_unnamed(tmp_path):
    small = one_check(tmp_path, "slices", key="region north")
    write(small, 3)
    done = small.check("slices")
    assert done.verdict.outcome == "pass"
    assert b"region east" not in small.store.get(done.record.key)


def test_reasons_show_no_count_that_would_point_at_few_people():
    assert too_small(0, needed=30) == "no rows of it in this run, at least 30 are needed"
    assert too_small(9, needed=30) == "fewer than 10 rows of it in this run, at least 30 are needed"
    assert too_small(12, needed=1000) == "12 rows of it in this run, at least 1,000 are needed"


def test_only_a_name_that_no_condition_declares_may_be_misspelt():
    slices = [Slice(column="region"), Slice(column="age", between=(18, 30))]
    assert absence_of("age 18 to 30", slices, empty=True) == "uncertain"
    assert absence_of("region east", slices, empty=False) == "uncertain"
    assert absence_of("region east", slices, empty=True) == "no_rows"
