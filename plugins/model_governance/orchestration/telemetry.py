"""Counts and durations for StatsD or OpenTelemetry, as Airflow's `[metrics]` are set; nothing where they are off.

Model, check and outcome stand in the name, because plain StatsD drops tags, and as tags for those that keep them. No
metric says more than a verdict: thresholds are compared in the policy and not on a dashboard.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

PREFIX = "model_governance"


def count_check(model: str, summary: Mapping[str, Any]) -> None:
    """One check that was judged: its outcome, and how long it took. `summary` is what the task pushes."""
    name, outcome = summary["name"], summary["outcome"]
    tags = {"model": model, "check": name, "kind": summary["kind"], "outcome": outcome}
    _emit("incr", f"{PREFIX}.check.{model}.{name}.{outcome}", tags=tags)
    taken = timedelta(seconds=summary["seconds"])
    _emit("timing", f"{PREFIX}.check_duration.{model}.{name}", taken, tags={"model": model, "check": name})


def count_run(model: str, summary: Mapping[str, Any]) -> None:
    """One run that was archived: its outcome, and whether it stops. `summary` is what the archive pushes."""
    outcome, stops = summary["outcome"], bool(summary["stops"])
    _emit("incr", f"{PREFIX}.run.{model}.{outcome}", tags={"model": model, "outcome": outcome})
    _emit("gauge", f"{PREFIX}.stops.{model}", float(stops), tags={"model": model})


def count_watch(alerts: int) -> None:
    """How many models are not governed."""
    _emit("gauge", f"{PREFIX}.not_governed", float(alerts))


def _emit(kind: str, name: str, *values: Any, **more: Any) -> None:
    """A metric; what keeps it from being sent is no reason to fail a task."""
    try:
        from airflow.sdk.observability import stats

        getattr(stats, kind)(name, *values, **more)
    except Exception:
        log.debug("metric %s was not sent", name, exc_info=True)
