"""Metrics of checks, runs and the watch: what is sent, in which words, and that a broken backend fails nothing."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from airflow.sdk.observability import stats

from model_governance.orchestration.telemetry import count_check, count_run, count_watch

GRAFANA = Path(__file__).resolve().parents[2] / "include" / "deploy" / "grafana"
CHECK = {"name": "quality", "kind": "model_quality", "outcome": "fail", "seconds": 1.5}


@pytest.fixture
def sent(monkeypatch):
    found = []
    for kind in ("incr", "gauge", "timing"):
        monkeypatch.setattr(
            stats, kind, lambda name, *values, kind=kind, tags=None: found.append((kind, name, values, tags))
        )
    return found


def emit_all():
    count_check("loans", CHECK)
    count_run("loans", {"outcome": "fail", "stops": True})
    count_watch(2)


def test_a_check_a_run_and_the_watch_are_counted(sent):
    emit_all()
    assert [entry[:3] for entry in sent] == [
        ("incr", "model_governance.check.loans.quality.fail", ()),
        ("timing", "model_governance.check_duration.loans.quality", (timedelta(seconds=1.5),)),
        ("incr", "model_governance.run.loans.fail", ()),
        ("gauge", "model_governance.stops.loans", (1.0,)),
        ("gauge", "model_governance.not_governed", (2.0,)),
    ]
    assert sent[0][3] == {"model": "loans", "check": "quality", "kind": "model_quality", "outcome": "fail"}


def test_a_backend_that_raises_fails_nothing(monkeypatch):
    def broken(*_, **__):
        raise OSError("no route to host")

    for kind in ("incr", "gauge", "timing"):
        monkeypatch.setattr(stats, kind, broken)
    emit_all()


def test_a_run_sends_the_metrics_of_its_checks_and_its_own(sent, policy_file, run_dag, scheduled):
    run_dag(scheduled(policy_file(name="measured")))
    names = {name for _, name, _, _ in sent if name.startswith("model_governance")}
    assert {"model_governance.check.measured.quality.pass", "model_governance.run.measured.pass"} <= names


def test_the_mapping_of_the_exporter_gives_every_series_of_the_dashboard(sent):
    emit_all()
    rules = yaml.safe_load((GRAFANA / "statsd_mapping.yaml").read_text())["mappings"]
    patterns = {rule["name"]: re.compile(re.escape(rule["match"]).replace(r"\*", "([^.]+)")) for rule in rules}
    mapped = {
        name for _, stat, _, _ in sent for name, pattern in patterns.items() if pattern.fullmatch(f"airflow.{stat}")
    }
    assert mapped == set(patterns)
    board = (GRAFANA / "model_governance.json").read_text()
    shown = {re.sub("_(sum|count)$", "", name) for name in re.findall(r"model_governance_[a-z_]+", board)}
    assert shown == set(patterns)
    panels = json.loads(board)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["description"] and panel["targets"][0]["expr"] for panel in panels)
