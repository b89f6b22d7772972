"""Small models on disk with policies that attack them: what `threat_mutants.py` changes."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import skops.io
import yaml

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

from linked_rows import RELATIONS, linked_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

ROWS = 90
CITIES = {1: 10, 2: 10, 3: 20, 4: 30}  # cities and their states are codes, so that a call to the model is quick
FEATURES: Mapping[str, Mapping[str, Any]] = {
    "debt": {"kind": "numeric", "minimum": 0, "maximum": 200}, "income": {"kind": "numeric", "minimum": 10, "maximum": 200},
    "dti": {"kind": "numeric"}, "open": {"kind": "integer"}, "accounts": {"kind": "integer"},
    "own": {"kind": "integer"}, "rent": {"kind": "integer"}, "other": {"kind": "integer"},
    "city": {"kind": "category"}, "state": {"kind": "category"}, "score": {"kind": "numeric"},
    "ticket": {"kind": "integer", "mutable": False},
}  # fmt: skip
NUMBERS = ("debt", "income", "dti", "open", "accounts", "own", "rent", "other", "score")
WORDS = ("city", "state")
EVASION = {"samples": 16, "max_iterations": 2, "max_evaluations": 40, "initial_size": 60, "exact_rows": 4}


def frame_of(rows: int, *, seed: int, gaps: bool) -> pd.DataFrame:
    """Applicants whose columns depend on one another; `ticket` numbers the rows."""
    draw = np.random.default_rng(seed)
    frame, home = linked_rows(draw, rows, CITIES)
    frame["score"] = draw.normal(0, 1, rows)
    if gaps:
        frame["score"] = frame["score"].mask(draw.random(rows) < 0.3)
    frame["ticket"] = np.arange(rows) + 1_000 * seed
    bad = 3 * frame["dti"] + 0.2 * frame["open"] + 0.8 * (home == "rent") + (frame["state"] == 20)
    bad += 0.7 * frame["score"].fillna(1.5) - frame["income"] / 80
    frame["amount"] = bad * 10
    frame["label"] = (bad + draw.normal(0, 0.4, rows) > bad.median()).astype(int)
    return frame


def _models() -> dict[str, Any]:
    from sklearn.ensemble import (
        GradientBoostingRegressor,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
    )
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return {
        "linear": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": RandomForestClassifier(7, max_depth=4, random_state=0),
        "gaps": HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=8, min_samples_leaf=5, random_state=0),
        "regression": GradientBoostingRegressor(n_estimators=12, random_state=0),
    }


WORLDS = ("linear", "forest", "gaps", "regression")


def make_world(folder: Path, name: str) -> dict[str, Any]:
    """Write model and data of a world; gives its policy as YAML would.

    Args:
        folder: is made; model, data and the archive of runs lie in it.
        name: one of WORLDS.
    """
    folder.mkdir(parents=True, exist_ok=True)
    classify, gaps = name != "regression", name == "gaps"
    target = "label" if classify else "amount"
    rows = {role: frame_of(ROWS, seed=seed, gaps=gaps) for seed, role in enumerate(("reference", "current"), start=1)}
    train = frame_of(3 * ROWS, seed=9, gaps=gaps)
    native = _models()[name].fit(train[list(FEATURES)], train[target])
    content = skops.io.dumps(native)
    (folder / "model.skops").write_bytes(content)
    for role, frame in rows.items():
        frame[[*FEATURES, target]].to_parquet(folder / f"{role}.parquet", index=False)
    task = "binary_classification" if classify else "regression"
    columns: dict[str, Any] = {"features": {key: dict(value) for key, value in FEATURES.items()}, "target": target}
    params: dict[str, Any] = dict(EVASION) | ({} if classify else {"tolerance": 1.0})
    return {
        "version": 1,
        "owner": "risk@example.com",
        "model": {"name": name, "task": task, "uri": "model.skops", "sha256": hashlib.sha256(content).hexdigest()},
        "datasets": {role: {"uri": f"{role}.parquet"} for role in rows},
        "columns": columns | ({"positive": 1} if classify else {}),
        "threat_model": {"relations": [dict(each) for each in RELATIONS]},
        "checks": {
            "evasion": {
                "params": params,
                "thresholds": [{"metric": "attack_success_rate", "key": "all", "leq_to": 0.6}],
            }
        },
        "artifacts": {"uri": "archive"},
    }


def write_policy(folder: Path, raw: Mapping[str, Any], name: str = "policy.yaml") -> Path:
    """The policy as a file beside its model."""
    path = folder / name
    path.write_text(yaml.safe_dump(dict(raw), sort_keys=False))
    return path
