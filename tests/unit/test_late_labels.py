"""Labels that need days: the run of then is judged, with the labels that are filed under it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pandas as pd
import pytest

import project
import synthetic
from model_governance.archiving import archive_run
from model_governance.contract.connections import PlainConnections
from model_governance.run import run_check
from model_governance.subjects import render_sources, run_variables

QUALITY = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.7}]}}


@pytest.fixture
def small(tmp_path):
    """Three runs without labels; labels are filed under the day of their run and complete two days later."""
    made = project.small_project(tmp_path, checks=QUALITY | {"validation": project.CHEAP_CHECKS["validation"]})
    (tmp_path / "nights").mkdir()
    (tmp_path / "labels").mkdir()
    for day in range(1, 6):
        rows = synthetic.rows(seed=day)
        rows.drop(columns="label").to_parquet(tmp_path / "nights" / f"2026-03-0{day}.parquet", index=False)
    datasets = {
        "train": {"uri": "train.parquet"},
        "reference": {"uri": "reference.parquet"},
        "current": {"uri": "nights/{{ ds }}.parquet"},
        "labels": {"uri": "labels/{{ ds }}.parquet", "maturity_days": 2},
    }
    return made.change(datasets=datasets, schedule={"start_date": "2026-03-01"})


def arrive(small, day: int, *, share: float = 1.0, rename=lambda keys: keys) -> None:
    """Labels of the run of a day, of a share of its rows."""
    labels = synthetic.rows(seed=day)[["row", "label"]]
    labels = labels.head(round(share * len(labels))).assign(row=lambda frame: rename(frame["row"]))
    labels.to_parquet(small.folder / "labels" / f"2026-03-0{day}.parquet", index=False)


def require(small, *thresholds: dict, **params) -> None:
    small.change(checks=small.raw["checks"] | {
        "quality": {"kind": "model_quality", "params": params, "thresholds": list(thresholds)}})  # fmt: skip


def night(small, day: int, *, archived: bool = False) -> dict:
    policy, when = small.policy(), datetime(2026, 3, day, tzinfo=UTC)
    run, sources = small.night(when, f"night-{day}"), render_sources(policy, run_variables(when))
    done = run_check(policy, "quality", run=run, store=small.store, connections=PlainConnections(), sources=sources)
    if archived:
        archive_run(policy, {"quality": done.summary()}, run=run, store=small.store)
    return json.loads(small.store.get(done.record.key))


def finding(record: dict, metric: str | None = None) -> dict:
    return next(found for found in record["verdict"]["findings"] if metric in (None, found["metric"]))


@pytest.mark.parametrize("day", [1, 2])
def test_runs_before_the_first_maturity_are_skipped_although_no_labels_exist(small, day):
    require(small, {"metric": "accuracy", "geq_to": 0.7}, {"metric": "label_coverage", "geq_to": 0.9})
    record = night(small, day)
    assert record["verdict"]["outcome"] == "skipped"
    assert "labels are complete 2 days after a run" in finding(record)["sentence"]
    assert f"the labels of this run are complete on 2026-03-0{day + 2}" in finding(record)["sentence"]
    assert record["result"]["metrics"] == []


def test_labels_filed_under_the_day_of_the_rows_are_joined_when_they_are_complete(small):
    arrive(small, 1)
    record = night(small, 3)
    assert record["verdict"]["outcome"] == "pass"
    read = {dataset["role"]: dataset["uri"] for dataset in record["datasets"]}
    assert read["labelled_current"] == "nights/2026-03-01.parquet"
    assert read["labels"] == "labels/2026-03-01.parquet"
    coverage = next(metric for metric in record["result"]["metrics"] if metric["name"] == "label_coverage")
    assert coverage["value"] == 1


def test_labels_in_one_file_are_joined_too(small):
    both = pd.concat(synthetic.rows(seed=day)[["row", "label"]] for day in (1, 2))
    both.drop_duplicates("row").to_parquet(small.folder / "labels.parquet", index=False)
    small.change(datasets=small.raw["datasets"] | {"labels": {"uri": "labels.parquet", "maturity_days": 2}})
    assert night(small, 3)["verdict"]["outcome"] in ("pass", "fail")


def test_keys_of_another_type_are_an_error_at_maturity_that_shows_both(small):
    arrive(small, 1, rename=lambda keys: "L" + keys.astype(str))
    record = night(small, 3)
    assert record["verdict"]["outcome"] == "error"
    sentence = finding(record)["sentence"]
    assert "none of 400 keys in column 'row' (object like 'a99999')" in sentence
    assert "occurs among the 400 of labelled_current (int64 like 99999)" in sentence


def test_keys_of_the_right_type_that_never_match_are_an_error_at_maturity(small):
    arrive(small, 1, rename=lambda keys: keys + 1_000_000)
    assert night(small, 3)["verdict"]["outcome"] == "error"


def test_labels_that_are_missing_for_a_run_that_there_was_are_an_error(small):
    small.change(schedule={})
    arrive(small, 1)
    night(small, 1, archived=True)
    assert night(small, 3)["verdict"]["outcome"] == "pass"
    (small.folder / "labels" / "2026-03-01.parquet").unlink()
    assert night(small, 3)["verdict"]["outcome"] == "error"


def test_a_model_that_was_not_governed_then_is_skipped_although_the_schedule_began_earlier(small):
    small.change(schedule={})
    night(small, 2, archived=True)
    record = night(small, 3)
    assert record["verdict"]["outcome"] == "skipped"
    assert "the model had no run yet on 2026-03-01" in finding(record)["sentence"]
    assert "labels/2026-03-01.parquet" in finding(record)["sentence"]
    assert night(small, 4)["verdict"]["outcome"] == "error", "run 2 there was, and its labels are due"


@pytest.mark.parametrize(("bound", "outcome"), [(0.9, "fail"), (0.2, "pass")])
def test_a_bound_on_label_coverage_is_judged_although_quality_waits(small, bound, outcome):
    arrive(small, 1, share=0.325)
    require(
        small, {"metric": "accuracy", "geq_to": 0.7}, {"metric": "label_coverage", "geq_to": bound},
        minimum_label_coverage=0.5,
    )  # fmt: skip
    record = night(small, 3)
    coverage = finding(record, "label_coverage")
    assert (coverage["outcome"], coverage["value"]) == (outcome, 0.325)
    assert "labels for 32.5% of 400 rows so far" in finding(record)["sentence"]
    assert finding(record)["outcome"] == "skipped"
    assert all(found["metric"] != "accuracy" for found in record["verdict"]["findings"])


def test_a_coverage_of_zero_is_a_value(small):
    """Without `maturity_days` nobody knows when labels are due: a policy that waits for them may bound the share."""
    arrive(small, 1, rename=lambda keys: keys + 1_000_000)
    small.change(datasets=small.raw["datasets"] | {"labels": {"uri": "labels/{{ ds }}.parquet"}})
    require(
        small, {"metric": "accuracy", "geq_to": 0.7}, {"metric": "label_coverage", "geq_to": 0.9}, immature="skip"
    )  # fmt: skip
    coverage = finding(night(small, 1), "label_coverage")
    assert (coverage["outcome"], coverage["value"]) == ("fail", 0)
