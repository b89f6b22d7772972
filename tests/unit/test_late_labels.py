"""Labels that take a day: tonight is skipped with what is known, and judged on the night when they are due."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

import project
import synthetic

QUALITY = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.7}]}}


@pytest.fixture
def small(tmp_path):
    """DrawnRuns without labels, labels that arrive a day later, for a third of the rows at once."""
    made = project.small_project(tmp_path, checks=QUALITY | {"validation": project.CHEAP_CHECKS["validation"]})
    (tmp_path / "nights").mkdir()
    (tmp_path / "labels").mkdir()
    for day, seed in ((1, 3), (2, 4)):
        rows = synthetic.rows(seed=seed)
        rows.drop(columns="label").to_parquet(tmp_path / "nights" / f"2026-03-0{day}.parquet", index=False)
    first = synthetic.rows(seed=3)[["row", "label"]]
    first.head(130).to_parquet(tmp_path / "labels" / "2026-03-01.parquet", index=False)
    first.to_parquet(tmp_path / "labels" / "2026-03-02.parquet", index=False)
    datasets = {
        "train": {"uri": "train.parquet"},
        "reference": {"uri": "reference.parquet"},
        "current": {"uri": "nights/{{ ds }}.parquet"},
        "labels": {"uri": "labels/{{ ds }}.parquet", "maturity_days": 1},
    }
    return made.change(datasets=datasets, schedule={"start_date": "2026-03-01"})


def night(small, day: int) -> dict:
    from model_governance.contract.connections import PlainConnections
    from model_governance.run import run_check
    from model_governance.subjects import render_sources, run_variables

    policy, when = small.policy(), datetime(2026, 3, day, tzinfo=UTC)
    done = run_check(
        policy, "quality", run=small.night(when, f"night-{day}"), store=small.store, connections=PlainConnections(),
        sources=render_sources(policy, run_variables(when)),
    )  # fmt: skip
    return json.loads(small.store.get(done.record.key))


def test_a_night_whose_labels_are_not_due_is_skipped_and_shows_what_is_known(small):
    record = night(small, 1)
    assert record["verdict"]["outcome"] == "skipped"
    assert "labels for 32.5% of 400 rows so far" in record["verdict"]["findings"][0]["sentence"]
    (coverage,) = record["result"]["metrics"]
    assert coverage["value"] == 0.325


def test_it_is_judged_on_the_night_when_they_are(small):
    record = night(small, 2)
    assert record["verdict"]["outcome"] == "pass"
    judged = {one["role"]: one["uri"] for one in record["datasets"]}
    assert judged["labelled_current"] == "nights/2026-03-01.parquet"
    assert next(one for one in record["result"]["metrics"] if one["name"] == "label_coverage")["value"] == 1
