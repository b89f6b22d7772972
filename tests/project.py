"""A small governed project on disk: a skops model, three datasets, a policy that passes."""

from __future__ import annotations

import hashlib
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import skops.io
import yaml

import synthetic
from model_governance.archiving import ArchivedRun, archive_run
from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.contract.run import Run
from model_governance.policy import Policy, load_policy
from model_governance.run import CheckRun, run_check, run_policy
from model_governance.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

DAY = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Project:
    """Paths of the project and the verbs of a night; `change` edits the policy's YAML."""

    folder: Path
    raw: dict

    @property
    def policy_file(self) -> Path:
        return self.folder / "policy.yaml"

    def change(self, **keys) -> Project:
        self.raw |= keys
        self.policy_file.write_text(yaml.safe_dump(self.raw, sort_keys=False))
        return self

    def policy(self) -> Policy:
        return load_policy(self.policy_file, catalogue())

    @property
    def store(self):
        return open_store("archive", folder=self.folder, connections=PlainConnections())

    def night(self, logical_date: datetime = DAY, run_id: str = "night-1") -> Run:
        return Run(run_id=run_id, logical_date=logical_date)

    def check(self, name: str, **more) -> CheckRun:
        return run_check(
            self.policy(), name, run=self.night(), store=self.store, connections=PlainConnections(), **more
        )

    def run(self, logical_date: datetime = DAY, run_id: str = "night-1") -> ArchivedRun:
        return run_policy(
            self.policy(), run=self.night(logical_date, run_id), store=self.store, connections=PlainConnections()
        )

    def archive(self, *runs: CheckRun) -> ArchivedRun:
        return archive_run(self.policy(), {one.name: one.summary() for one in runs}, run=self.night(), store=self.store)

    def write_current(self, frame) -> None:
        frame.to_parquet(self.folder / "current.parquet", index=False)

    def write_model(self, content: bytes, name: str = "model.skops", **more) -> None:
        """Put other model bytes in place and approve them."""
        (self.folder / name).write_bytes(content)
        model = {key: value for key, value in self.raw["model"].items() if key not in ("format", "allow_pickle")}
        self.change(model=model | {"uri": name, "sha256": hashlib.sha256(content).hexdigest()} | more)


def small_project(folder: Path, *, checks: dict | None = None) -> Project:
    """A project whose night passes; `checks` replaces the cheap default of validation and drift."""
    frames = {
        role: synthetic.rows(seed=seed)
        for seed, role in enumerate(("train", "reference", "current", "previous_train"), start=1)
    }
    for role, frame in frames.items():
        frame.to_parquet(folder / f"{role}.parquet", index=False)
    content = skops.io.dumps(synthetic.pipeline(frames["train"]))
    (folder / "model.skops").write_bytes(content)
    raw = {
        "version": 1,
        "owner": "risk@example.com",
        "model": {
            "name": "synthetic",
            "task": "binary_classification",
            "uri": "model.skops",
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "datasets": {role: {"uri": f"{role}.parquet"} for role in frames},
        "columns": synthetic.COLUMNS.model_dump(mode="json", exclude_none=True),
        "checks": deepcopy(checks or CHEAP_CHECKS),
        "artifacts": {"uri": "archive"},
    }
    return Project(folder=folder, raw=raw).change()


CHEAP_CHECKS = {
    "validation": {
        "kind": "data_validation",
        "params": {"expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "income"}}]},
        "thresholds": [{"metric": "critical_failures", "equal_to": 0}],
    },
    "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]},
}
