"""Small worlds whose rows can all be listed, tree models of every library on them, and the smallest flips by asking about each row.

Nothing here calls the product: what is allowed, and what it costs, is written down once more.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

FLAGS = ("own", "rent", "other")
HOMES = ("city", "town", "village")
SPANS = {"open": 6.0, "closed": 5.0, "score": 4.0}
RELATIONS = (
    {"derived": "total = open + closed"}, {"inequality": "open - 2 <= closed"}, {"one_of": list(FLAGS)},
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What rows there are: whether columns depend on one another, may be missing, and are words."""

    relations: bool = False
    gaps: bool = False
    categories: bool = False

    @property
    def rows(self) -> pd.DataFrame:
        """Every row that the world can make, shape (m, d)."""
        flags = [tuple(int(flag == up) for flag in FLAGS) for up in FLAGS] if self.relations else [()]
        homes = HOMES if self.categories else ("city",)
        scores = (*map(float, range(5)), *((np.nan,) if self.gaps else ()))
        listed = [
            (a, b, score, *((a + b, *flag) if self.relations else ()), *((home,) if self.categories else ()))
            for a, b, score, flag, home in itertools.product(range(7), range(6), scores, flags, homes)
            if not self.relations or a - b <= 2
        ]
        names = ["open", "closed", "score", *(("total", *FLAGS) if self.relations else ())]
        return pd.DataFrame(listed, columns=[*names, *(("home",) if self.categories else ())])

    @property
    def features(self) -> dict[str, dict[str, Any]]:
        """As `columns.features` of a policy."""
        whole: dict[str, dict[str, Any]] = {
            name: {"kind": "integer", "minimum": 0, "maximum": int(span)} for name, span in SPANS.items()
        }
        tied = {name: {"kind": "integer"} for name in ("total", *FLAGS)} if self.relations else {}
        return whole | tied | ({"home": {"kind": "category"}} if self.categories else {})

    @property
    def threat(self) -> dict[str, Any]:
        """As `threat_model` of a policy: words change freely, and gaps are made and filled."""
        features: dict[str, Any] = {"home": {"moves": "any"}} if self.categories else {}
        if self.gaps:
            features["score"] = {"may_be_omitted": True, "may_be_filled": True}
        return {"features": features} | ({"relations": [dict(each) for each in RELATIONS]} if self.relations else {})

    def sizes(self, rows: pd.DataFrame, row: pd.Series, norm: str) -> np.ndarray:
        """How large a change to each of these rows is, shape (m,).

        A changed word, flag or gap costs nothing in linf and 1 in norm cost; a sum costs nothing.
        """
        shares, changes = [], np.zeros(len(rows))
        for name, span in SPANS.items():
            here, own = rows[name].to_numpy(dtype=float), float(row[name])
            gap = np.isnan(here) != np.isnan(own)
            shares.append(np.where(gap, 0.0, np.nan_to_num(np.abs(here - own)) / span))
            changes += gap
        for name in (*(FLAGS if self.relations else ()), *(("home",) if self.categories else ())):
            changes += (rows[name] != row[name]).to_numpy()
        parts = np.array(shares)
        return parts.max(axis=0) if norm == "linf" else parts.sum(axis=0) + changes

    def frame(self, count: int, *, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
        """Rows of the world, and labels that follow all of it with noise."""
        draw, rows = np.random.default_rng(seed), self.rows
        frame = rows.iloc[draw.integers(0, len(rows), count)].reset_index(drop=True)
        score = (
            np.sin(2.0 * frame["open"])
            + 0.4 * frame["closed"]
            + np.where(frame["score"].isna(), 1.5, frame["score"] / 3)
        )
        if self.relations:
            score += 1.5 * np.sin(frame["total"]) + 0.8 * frame["rent"]
        if self.categories:
            score += 0.9 * (frame["home"] == "town")
        return frame, (score + draw.normal(0, 0.5, count) > score.median()).astype(int).to_numpy()


def _models(seed: int) -> dict[str, Callable[[], Any]]:
    import lightgbm
    import xgboost
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        GradientBoostingClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
    )
    from sklearn.tree import DecisionTreeClassifier

    leaves = {"num_leaves": 6, "min_child_samples": 4, "verbose": -1, "n_jobs": 1}
    return {
        "xgboost": lambda: xgboost.XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1, random_state=seed),
        "lightgbm": lambda: lightgbm.LGBMClassifier(n_estimators=8, random_state=seed, **leaves),
        "histogram": lambda: HistGradientBoostingClassifier(max_iter=7, max_leaf_nodes=6, min_samples_leaf=4),
        "forest": lambda: RandomForestClassifier(7, max_depth=4, random_state=seed),
        "extra trees": lambda: ExtraTreesClassifier(7, max_depth=4, random_state=seed),
        "tree": lambda: DecisionTreeClassifier(max_depth=5, random_state=seed),
        "boosting": lambda: GradientBoostingClassifier(n_estimators=7, random_state=seed),
    }


LIBRARIES = ("xgboost", "lightgbm", "histogram", "forest", "extra trees", "tree", "boosting")
NO_GAPS = ("boosting",)


def fitted(library: str, world: World, frame: pd.DataFrame, labels: np.ndarray, *, seed: int) -> Any:
    """A model of a library; words are encoded one-hot before it."""
    model = _models(seed)[library]()
    if not world.categories:
        return model.fit(frame, labels)
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    words = OneHotEncoder(categories=[list(HOMES)], sparse_output=False)
    return make_pipeline(ColumnTransformer([("words", words, ["home"])], remainder="passthrough"), model).fit(
        frame, labels
    )
