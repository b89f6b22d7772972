"""Valid moves against the truth: greedy search and HopSkipJump beside the smallest flips that exist, row by row.

    python security_trees.py --folder FOLDER [--quick]

Runs in the peers' environment, where the credit data are. Distances are shares of a feature's range (Linf).
"""

from __future__ import annotations

import argparse
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml
from kept import Kept, cpu_of
from security_targets import credit

from model_governance.attacks.schedule import AttackBudget
from model_governance.attacks.trees import lower_bound, partition_cells, read_ensemble
from model_governance.checks.robustness.evasion import exact
from model_governance.checks.robustness.evasion.answers import Answers
from model_governance.checks.robustness.evasion.attacks import run_attack
from model_governance.checks.robustness.evasion.params import EvasionParams
from model_governance.checks.robustness.evasion.target import Target
from model_governance.checks.robustness.evasion.threat_space import row_space
from model_governance.contract.subject import Columns, Model
from model_governance.contract.threat_model import ThreatModel

if TYPE_CHECKING:
    from model_governance.checks.robustness.evasion.outcome import Outcome
    from model_governance.contract.subject import Feature

ROOT = Path(__file__).resolve().parents[2]
SEED = 0
# What the person who applies cannot change.
FIXED = ("Age", "Marital", "Records")
# Trees, their depth, rows under attack.
SIZES = {"XGB 50 d3": (50, 3, 200), "XGB 100 d5": (100, 5, 200), "XGB 200 d6": (200, 6, 100), "RF 25 d5": (25, 5, 200)}
CELLS = {
    "credit, XGB 50 d3": ("credit", "XGB 50 d3", (0.02, 0.05, 0.10), "fixed"),
    "credit, XGB 50 d3, categories free": ("credit", "XGB 50 d3", (0.05,), "free"),
    "credit, XGB 100 d5": ("credit", "XGB 100 d5", (0.02, 0.05), "fixed"),
    "census, XGB 50 d3": ("census", "XGB 50 d3", (0.05, 0.10, 0.20), "fixed"),
    "census, XGB 50 d3, categories free": ("census", "XGB 50 d3", (0.05,), "free"),
    "credit, XGB 200 d6": ("credit", "XGB 200 d6", (0.02,), "fixed"),
    "credit, RF 25 d5": ("credit", "RF 25 d5", (0.05, 0.10, 0.20), "fixed"),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    kept = Kept(options.folder)
    for name in CELLS:
        kept.once(f"trees {name}", functools.partial(measure, name, 6 if options.quick else None))


def measure(name: str, samples: int | None) -> dict[str, Any]:
    """All attacks on one model: flip rates, valid rows and CPU seconds by budget, and whether the order holds."""
    data, size, budgets, categories = CELLS[name]
    target = _target(data, size, budgets, categories, samples or SIZES[size][2])
    truth, solving = cpu_of(lambda: run_attack(target, "exact", AttackBudget()).exact)
    moves = exact.feature_moves(target)  # what the check itself asks about
    partition = partition_cells(target.trees, moves, target.origins.frame)
    bounds, bounding = cpu_of(lambda: np.array([lower_bound(partition, row) for row in range(target.rows)]))
    walked, walking = cpu_of(lambda: run_attack(target, "hopskipjump", AttackBudget()))
    rows = [_at(target, truth, budget) for budget in budgets]
    greedy, _ = cpu_of(lambda: run_attack(target, "greedy", AttackBudget()))
    known = truth.solved
    return {
        "samples": target.rows,
        "trees": target.trees.ensemble.trees,
        "leaves": int((target.trees.ensemble.feature < 0).sum()),
        "solved": int(known.sum()),
        "solving": solving / target.rows,
        "bounding": bounding / target.rows,
        "walking": walking / target.rows,
        "median": _median(truth.distance[known]),
        "bound": float(np.median(_ratio(bounds[known], truth.distance[known]))),
        "beyond_bound": _median(_ratio(truth.distance[known], bounds[known])),
        "walked": _median(_ratio(walked.nearest[known], truth.distance[known])),
        "greedy": _median(_ratio(greedy.nearest[known], truth.distance[known])),
        "out_of_order": _out_of_order(bounds, truth.distance, (walked, greedy)),
        "budgets": rows,
    }


def _at(target: Target, truth: exact.ExactDistances, budget: float) -> dict[str, Any]:
    """Greedy search with one budget: what a policy with this one epsilon would run."""
    alone = Target(**{one: getattr(target, one) for one in Target.__slots__} | {"params": _params((budget,), target)})
    found, seconds = cpu_of(lambda: run_attack(alone, "greedy", AttackBudget()))
    flips, known = found.within(budget), truth.solved
    return {
        "epsilon": budget,
        "exact": float(truth.flips(budget)[known].mean()),
        "greedy": float(flips[known].mean()),
        "missed": int((truth.flips(budget) & ~flips)[known].sum()),
        "beyond": int((flips & ~truth.flips(budget))[known].sum()),
        "rows": int(known.sum()),
        "valid": found.valid,
        "returned": found.returned,
        "queries": float(found.asked.mean()),
        "cpu": seconds / target.rows,
    }


def _out_of_order(bounds: np.ndarray, distances: np.ndarray, attacks: tuple[Outcome, ...]) -> int:
    """How many samples break lower bound <= exact <= every attack."""
    known, slack = ~np.isnan(distances), 1e-6
    wrong = bounds[known] > distances[known] + slack
    for one in attacks:
        wrong |= one.nearest[known] < distances[known] - slack
    return int(wrong.sum())


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotients where both are finite and the lower one is above 0."""
    fine = np.isfinite(above) & np.isfinite(below) & (below > 0)
    return above[fine] / below[fine]


def _median(values: np.ndarray) -> float | None:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else None


def _params(budgets: tuple[float, ...], target: Target | None = None, categories: str = "fixed") -> EvasionParams:
    moves = categories if target is None else target.params.categories
    return EvasionParams(epsilon=budgets, norm="linf", categories=moves, exact_rows=1000)


def _target(data: str, size: str, budgets: tuple[float, ...], categories: str, samples: int) -> Target:
    frame, columns = DATA[data]()
    order = np.random.default_rng(SEED).permutation(len(frame))
    train, test = frame.iloc[order[: len(frame) // 2]], frame.iloc[order[len(frame) // 2 :]]
    model = _model(columns, train, size)
    features = test[list(columns.names)].reset_index(drop=True)
    right = np.flatnonzero(model.predict(features) == test["label"].to_numpy())[:samples]
    rows = features.iloc[right].reset_index(drop=True)
    frames = [("train", train[list(columns.names)]), ("current", features)]
    space = row_space(columns, frames, threat=ThreatModel(), categories=categories)
    trees = read_ensemble(model.native, columns.names)
    return Target(
        model=model, columns=columns, space=space, origins=space.place(rows),
        answers=Answers(predicted=model.predict(rows), tolerance=None),
        donors=frames[0][1].sample(500, random_state=SEED).reset_index(drop=True),
        params=_params(budgets, categories=categories), seed=SEED, trees=trees,
    )  # fmt: skip


def _model(columns: Columns, train: pd.DataFrame, size: str) -> Model:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder
    from xgboost import XGBClassifier

    trees, depth, _ = SIZES[size]
    words = list(columns.of_kind("category"))
    prepare = ColumnTransformer(
        [("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words)], remainder="passthrough"
    )
    if size.startswith("XGB"):
        last: Any = XGBClassifier(n_estimators=trees, max_depth=depth, random_state=SEED, n_jobs=1)
    else:
        last = RandomForestClassifier(trees, max_depth=depth, random_state=SEED, n_jobs=1)
    native = Pipeline([("prepare", prepare), ("classify", last)])
    native.fit(train[list(columns.names)], train["label"])
    return Model(
        name=size, format="skops", sha256="0" * 64, task="binary_classification", native=native, call=native.predict,
        call_proba=native.predict_proba, classes=tuple(native.classes_.tolist()),
    )  # fmt: skip


def _credit() -> tuple[pd.DataFrame, Columns]:
    frame = credit()
    features: dict[str, Feature | dict[str, Any]] = {}
    for name in frame.columns.drop("label"):
        kind = "integer" if pd.api.types.is_numeric_dtype(frame[name]) else "category"
        features[name] = {"kind": kind, "mutable": name not in FIXED}
    return frame, Columns.model_validate({"features": features, "target": "label"})


def _census() -> tuple[pd.DataFrame, Columns]:
    policy = yaml.safe_load((ROOT / "include" / "policies" / "acs_employment.yaml").read_text())
    frame = pd.read_parquet(ROOT / "include" / "demo" / "acs_employment_ma.parquet")
    frame = frame[frame["year"] == 2015].rename(columns={policy["columns"]["target"]: "label"}).head(8000)
    return frame, Columns.model_validate({"features": policy["columns"]["features"], "target": "label"})


DATA = {"credit": _credit, "census": _census}


if __name__ == "__main__":
    main()
