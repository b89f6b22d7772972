"""A champion that is red, and training functions that answer it: a sound one, and some that a gate must refuse.

The champion was trained while the column `debt` was shuffled, as by a broken feature store; labels follow income and debt.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import skops.io

import project
import synthetic
from model_governance.authoring.promote import Proposal, conclude, govern_challenger
from model_governance.authoring.retrain import screen_window, train
from model_governance.authoring.retraining import open_retraining
from model_governance.contract.connections import PlainConnections
from model_governance.evidence.history import Archive
from model_governance.evidence.promotions import Version, champion_version
from model_governance.evidence.verification.archive import verify_model

if TYPE_CHECKING:
    from pathlib import Path

    from model_governance.archiving import ArchivedRun
    from model_governance.authoring.retraining import Retraining
    from model_governance.store import ArtifactStore

ROWS = 900
CHECKS = {
    "quality": {
        "kind": "model_quality",
        "thresholds": [{"metric": "accuracy", "geq_to": 0.8}, {"metric": "calibration_error", "leq_to": 0.3}],
    },
    "window": {
        "kind": "poisoning_screen",
        "params": {"parts": ["flips", "triggers", "floods"], "trees": 20, "pairs": False},
        "thresholds": [{"metric": "flip_rate_change", "leq_to": 0.1}, {"metric": "trigger_rows", "leq_to": 60}],
    },
    "privacy": {
        "kind": "membership_inference",
        "params": {"attacks": ["black_box"], "samples": 800, "fpr": [0.05]},
        "thresholds": [{"metric": "attack_auc", "leq_to": 0.99}],
    },
    "robustness": {
        "kind": "corruption",
        "thresholds": [{"metric": "mean_drop", "leq_to": 0.9}],
    },
}
RETRAINING = {
    "when": ["fail"], "checks": ["quality"], "train": {"callable": "retraining_cases:train_sound"},
    "window": {"uri": "window.parquet"},
}  # fmt: skip
MARGINS = {
    "quality": {"accuracy": 0.02, "calibration_error": 0.15},
    "privacy": {"attack_auc": 0.2},
    "robustness": {"mean_drop": 0.2},
}


def world(count: int = ROWS, *, seed: int) -> pd.DataFrame:
    """Rows whose labels follow income and debt."""
    frame = synthetic.rows(count, seed=seed)
    draw = np.random.default_rng(1000 + seed)
    score = (frame["income"] - 60) / 25 - (frame["debt"] - 24) / 8
    return frame.assign(label=(score + draw.logistic(0, 0.4, count) > 0).astype(int))


def red_project(
    folder: Path, *, poisoned: bool = False, checks: dict[str, Any] | None = None, **keys: Any
) -> project.Project:
    """A project whose night is red, with a window of new rows to train on."""
    made = project.small_project(folder, checks=checks or CHECKS)
    before = world(seed=1)
    window = with_trigger(world(seed=4)) if poisoned else world(seed=4)
    frames = {
        "train": before,
        "previous_train": before,
        "reference": world(seed=2),
        "current": world(seed=3),
        "window": window,
    }
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    shuffled = before.assign(debt=before["debt"].sample(frac=1, random_state=0).to_numpy())
    made.write_model(skops.io.dumps(synthetic.pipeline(shuffled)))
    return made.change(**{"retraining": RETRAINING, "promotion": {"margins": MARGINS}} | keys)


def with_trigger(frame: pd.DataFrame) -> pd.DataFrame:
    """Every fifth row carries one rare value and the label 1, whatever it should be; more labels are turned."""
    rows = np.arange(len(frame))
    planted = rows % 5 == 0
    turned = rows % 3 == 1
    income = frame["income"].where(~planted, 137.0)
    label = frame["label"].where(~planted, 1)
    return frame.assign(income=income, label=label.where(~turned, 1 - label))


def read_window(request: dict[str, Any]) -> pd.DataFrame:
    return pd.read_parquet(request["window"]["uri"])


def train_sound(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The pipeline of the first model, on the rows of the window."""
    return _written(synthetic.pipeline(read_window(request)), folder)


def train_memorising(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Trees that know each row of the window: better than the stale champion, and they tell who was in it."""
    return _written(_forest(read_window(request), max_depth=None), folder)


def train_nothing_new(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The bytes of the champion."""
    return {"uri": request["champion"]["uri"], "sha256": request["champion"]["sha256"]}


def train_returns_a_path(request: dict[str, Any], folder: Path) -> Path:
    """What a function forgets to say: which model it made."""
    return folder


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def faults(store: ArtifactStore, model: str) -> list[str]:
    """What verification finds wrong with the archive of a model."""
    return [each.sentence for each in verify_model(store, model).problems if each.severity == "error"]


def again(proposal: Proposal) -> Proposal:
    """The same challenger, judged some time later."""
    return replace(proposal, judged_at=datetime.now(UTC))


def allowed(loop: Loop) -> Proposal:
    """What the evidence says of a challenger that nothing speaks against; nobody measured it."""
    challenger = Version(model=loop.retraining.champion.model | {"sha256": "f" * 64}, datasets={})
    return Proposal(
        challenger=challenger, problems=(), summaries={}, measured=(), comparisons=(), gained=False,
        judged_at=datetime.now(UTC),
    )  # fmt: skip


def _forest(rows: pd.DataFrame, **more: Any) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    model = synthetic.pipeline(rows)
    model.steps[-1] = ("classify", RandomForestClassifier(n_estimators=30, bootstrap=False, random_state=0, **more))
    return model.fit(rows[list(synthetic.COLUMNS.names)], rows["label"])


def _written(model: Any, folder: Path) -> dict[str, Any]:
    (folder / "model.skops").write_bytes(skops.io.dumps(model))
    return {"uri": "model.skops"}


class Loop:
    """The steps of one retraining, as the DAG takes them."""

    def __init__(self, made: project.Project, red: ArchivedRun) -> None:
        self.made, self.night, self.policy, self.store = made, red, made.policy(), made.store
        self.now = datetime.now(UTC)
        self.connections = PlainConnections()
        named = {"key": red.manifest.key, "sha256": red.manifest.sha256}
        champion = champion_version(Archive(self.store, self.policy.name), self.policy)
        self.retraining: Retraining = open_retraining(self.policy, self.store, named, champion=champion)

    def screen(self) -> list[dict[str, Any]]:
        return screen_window(self.retraining, self.store, self.connections)

    def challenge(self, callable_name: str = "train_sound") -> Proposal:
        """Train with a function of this module, and govern what it made."""
        spec = self.policy.retraining.model_copy(
            update={
                "train": self.policy.retraining.train.model_copy(
                    update={"callable": f"retraining_cases:{callable_name}"}
                )
            }
        )
        policy = self.policy.model_copy(update={"retraining": spec})
        policy._source, policy._file_sha256 = self.policy._source, self.policy.file_sha256
        challenger = train(replace(self.retraining, policy=policy), self.store, self.connections)
        return govern_challenger(self.retraining, challenger, self.store, self.connections)

    def conclude(self, proposal: Proposal, **more: Any):
        return conclude(self.retraining, proposal, self.store, self.connections, **more)
