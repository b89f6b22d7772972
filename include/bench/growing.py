"""Grows archives of real runs for the bench.

Every link, manifest, record and announcement is written by the code that writes those of a run, signed, and each verdict is
judged from its numbers. Only the measuring is left out: the numbers of one measured run are moved a little from run to run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from model_governance.authoring.keys import make_keys
from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import Artifact, canonical_json
from model_governance.contract.run import Run
from model_governance.contract.stored_result import read_result
from model_governance.evidence.chain import find_head, link_key, read_link
from model_governance.evidence.history import Archive
from model_governance.evidence.links import announce, link_run
from model_governance.evidence.manifest import read_manifest, write_manifest
from model_governance.evidence.record import read_record
from model_governance.evidence.signing import signer_of
from model_governance.policy import load_policy
from model_governance.report.newness import RUNS as NEWNESS_RUNS
from model_governance.report.newness import history_of
from model_governance.run import run_check
from model_governance.store import put_blob
from model_governance.store.local import LocalStore
from model_governance.verdict import combine, fail_policy_of, judge, read_verdict
from model_governance.verdict.noise import RUNS as NOISE_RUNS

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.evidence.envelope import Signer
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore
    from model_governance.verdict import Verdict

FIRST = datetime(2000, 1, 1, tzinfo=UTC)
MODEL = "loans"


@dataclass(slots=True)
class Growing:
    """An archive that grows run by run."""

    folder: Path
    policy: Policy
    store: ArtifactStore
    signer: Signer
    measured: dict[str, dict[str, Any]]
    earlier: dict[str, list[dict[str, str]]]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    runs: int = 0

    def grow(self, count: int) -> list[float]:
        """Append runs; the CPU seconds that each took for manifest, announcement, notes, link, repair and index."""
        return [self.append() for _ in range(count)]

    def append(self) -> float:
        """One run."""
        moment = FIRST + timedelta(days=self.runs)
        records, summaries, verdicts = {}, {}, []
        for name in self.policy.checks:
            records[name], summaries[name] = self._record(name, moment)
            verdicts.append(read_verdict(records[name]["verdict"]))
        verdict = combine(self.policy.name, verdicts, fail_policy=fail_policy_of(self.policy))
        began = time.process_time()
        manifest, stored = write_manifest(
            self.policy, records=records, summaries=summaries, verdicts=verdicts, verdict=verdict, store=self.store,
            run=Run(run_id=f"night-{self.runs}", logical_date=moment),
            history=lambda: self._history(verdict, moment, records),
            announce=lambda key, content: announce(
                self.store, key, content, model=self.policy.name, signer=self.signer
            ),
        )  # fmt: skip
        link_run(self.store, manifest, address=stored.record(), signer=self.signer, records=records, policy=self.policy)
        seconds = time.process_time() - began
        self.runs += 1
        return seconds

    def _history(self, verdict: Verdict, moment: datetime, records: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """What the manifest says of the runs before, read as a run reads them."""
        archive = Archive(self.store, self.policy.name, before=moment)
        earlier = [(each.logical_date, each.content) for each in islice(archive.runs(), NEWNESS_RUNS - 1)]
        model = next((record["model"]["sha256"] for record in records.values() if record["model"]), None)
        return history_of(verdict, moment=moment, model=model, earlier=earlier)

    def _record(self, name: str, moment: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
        """The record of a check whose numbers moved a little, judged as a run judges it."""
        draw = np.random.default_rng([self.runs, len(name)])
        first = self.measured[name]
        metrics = [
            metric | {"value": metric["value"] + 0.002 * draw.standard_normal()}
            if isinstance(metric["value"], float) and 0.1 < metric["value"] < 0.9
            else metric
            for metric in first["result"]["metrics"]
        ]  # fmt: skip
        result = first["result"] | {"metrics": metrics}
        known = self.earlier[name][:NOISE_RUNS]
        earlier = [self.verdicts[stored["sha256"]] for stored in known]
        verdict = judge(
            name, read_result(result, origin=name), self.policy, moment=moment, baselines={}, earlier=earlier,
            basis=first["judged"]["basis"],
        )  # fmt: skip
        record = first | {
            "result": result,
            "verdict": verdict.record(),
            "judged": first["judged"] | {"earlier": known},
        }
        artifact = Artifact(name="check.json", media_type="application/json", content=canonical_json(record))
        stored = put_blob(self.store, artifact)
        address = {"key": stored.key, "sha256": stored.sha256}
        self.earlier[name] = [address, *known]
        self.verdicts[stored.sha256] = verdict
        if len(known) == NOISE_RUNS:
            self.verdicts.pop(known[-1]["sha256"], None)
        summary = {
            "record": stored.record(), "report": first["report"], "started_at": moment.isoformat(), "seconds": 1.0,
        }  # fmt: skip
        return record, summary


def grown(folder: Path, length: int) -> Path:
    """The folder of an archive of this length, which is made where it is not there."""
    if not (folder / "grown").exists():
        folder.mkdir(parents=True)
        begin(folder).grow(length)
        (folder / "grown").touch()
    return folder


def copied(grown: Path, folder: Path) -> Growing:
    """A copy of an archive, to be appended to: objects are written once, so that it can share them."""
    shutil.copytree(grown, folder, copy_function=os.link)
    return resumed(folder)


def begin(folder: Path) -> Growing:
    """A project whose checks were measured once, and its empty archive."""
    policy, store = load_policy(_policy(folder), catalogue()), LocalStore(str(folder / "archive"))
    measured = {}
    for name in policy.checks:
        done = run_check(
            policy, name, run=Run(run_id="first", logical_date=FIRST), store=store, connections=PlainConnections()
        )
        measured[name] = read_record(store, done.record.record()) | {"report": done.report.record() | {"uri": ""}}
    return Growing(
        folder=folder, policy=policy, store=store, signer=_signer(policy), measured=measured,
        earlier={name: [] for name in measured},
    )  # fmt: skip


def resumed(folder: Path) -> Growing:
    """An archive that was grown before, with what its next run needs of the last ones."""
    policy, store = load_policy(folder / "policy.yaml", catalogue()), LocalStore(str(folder / "archive"))
    runs = find_head(store, MODEL).sequence
    growing = Growing(
        folder=folder, policy=policy, store=store, signer=_signer(policy), measured={},
        earlier={name: [] for name in policy.checks}, runs=runs,
    )  # fmt: skip
    for number in range(runs, max(0, runs - NOISE_RUNS), -1):
        for row in read_manifest(store, read_link(store, link_key(MODEL, number)).about["key"])["checks"]:
            record = read_record(store, row["record"])
            growing.measured.setdefault(row["name"], record | {"report": row["report"] | {"uri": ""}})
            growing.earlier[row["name"]].append(row["record"])
            growing.verdicts[row["record"]["sha256"]] = read_verdict(record["verdict"])
    return growing


def _signer(policy: Policy) -> Signer:
    signer = signer_of(policy)
    if signer is None:
        raise SystemExit("the policy of the bench names no signing key")
    return signer


def _policy(folder: Path) -> Path:
    """A policy with two checks that call no model file beyond a table of predictions."""
    make_keys(folder / "keys", owner="bench", moment=datetime(1999, 1, 1, tzinfo=UTC))
    draw = np.random.default_rng(1)
    for role in ("reference", "current"):
        x = draw.normal(size=(2000, 4))
        label = (x[:, 0] + draw.normal(size=2000) > 0).astype(int)
        frame = pd.DataFrame(x, columns=[f"x{place}" for place in range(4)]).assign(label=label)
        frame.to_parquet(folder / f"{role}.parquet", index=False)
    sha256 = _model(folder / "model.skops", pd.read_parquet(folder / "reference.parquet"))
    policy = {
        "version": 1,
        "owner": "bench@example.com",
        "model": {"name": MODEL, "task": "binary_classification", "uri": "model.skops", "sha256": sha256},
        "datasets": {role: {"uri": f"{role}.parquet"} for role in ("reference", "current")},
        "columns": {
            "target": "label", "positive": 1, "features": {f"x{place}": {"kind": "numeric"} for place in range(4)},
        },
        "checks": {
            "validation": {
                "kind": "data_validation",
                "params": {"expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "x0"}}]},
                "thresholds": [{"metric": "critical_failures", "equal_to": 0}],
            },
            "quality": {
                "kind": "model_quality",
                "thresholds": [
                    {"metric": "accuracy", "geq_to": 0.6}, {"metric": "roc_auc", "geq_to": 0.6},
                    {"metric": "log_loss", "leq_to": 0.9}, {"metric": "calibration_error", "leq_to": 0.2},
                ],
            },
        },
        "archive": {"signing_key": "file:keys/signing_key.pem"},
    }  # fmt: skip
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(policy, sort_keys=False))
    return path


def _model(path: Path, rows: pd.DataFrame) -> str:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    content = skops.io.dumps(LogisticRegression().fit(rows.drop(columns="label"), rows["label"]))
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()
