"""Trains when a governance run requests it: Airflow DAGs scheduled on the retraining assets.

Every policy that names `retraining.train` has the whole loop: screen the window, train, govern the challenger, promote or
refuse it. The DAG below, for the policy of the demo, which names none, shows a loop by hand: it stops at the candidate, and a new
model goes live when its digest is written into the policy, which is a change that people review.
"""

from __future__ import annotations

import logging
import runpy
from datetime import timedelta
from pathlib import Path

from airflow.sdk import conf, dag, task

from model_governance.orchestration import governance_retraining_dags, manifest_behind, retraining_asset

BESIDE = Path(__file__).resolve().parents[1] / "include" / "policies"
DEMO = Path(__file__).resolve().parents[1] / "include" / "demo"
REQUESTED = retraining_asset("acs-employment")

log = logging.getLogger(__name__)


@dag(
    schedule=[REQUESTED],
    max_active_runs=1,
    tags=["model-governance", "retraining"],
    default_args={"retries": 1, "retry_delay": timedelta(seconds=30)},
)
def governance_retraining():
    @task
    def read_request(triggering_asset_events):
        """The latest request, with the digest of its archived manifest verified."""
        event = max(triggering_asset_events[REQUESTED], key=lambda event: event.timestamp)
        manifest = manifest_behind(event.extra)
        log.info(
            "run %s of %s requests:\n%s",
            event.extra["run"]["run_id"],
            event.extra["model"],
            "\n".join(event.extra["findings"]),
        )
        return {
            "manifest": event.extra["manifest"],
            "findings": event.extra["findings"],
            "replaces": manifest["model"]["sha256"] if manifest["model"] else None,
        }

    @task
    def train_candidate(request):
        """Train into a folder named after the request, so that a retry starts over in the same place."""
        folder = DEMO / "build" / "candidates" / request["manifest"]["sha256"][:12]
        return runpy.run_path(str(DEMO / "train.py"))["train"](folder)

    @task
    def propose(request, candidate):
        """Say what to review: the two lines of the policy that would put the candidate live."""
        if candidate["sha256"] == request["replaces"]:
            log.warning("training gave the model that is live already; the data it learns from did not change")
        log.info("model:\n  uri: %s\n  sha256: %s", candidate["path"], candidate["sha256"])
        return candidate | {"replaces": request["replaces"], "because": request["findings"]}

    request = read_request()
    propose(request, train_candidate(request))


governance_retraining()
globals().update(governance_retraining_dags(conf.get("model_governance", "policies", fallback="") or BESIDE))
