"""Batched HopSkipJump with the interface of ART's attacks."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

from model_governance.attacks.art_toolbox import load_art
from model_governance.attacks.balls import norm_named
from model_governance.attacks.boundary_walk import Walked, WalkSettings, walk
from model_governance.attacks.estimators import answers_of, box_of, check_effort, labels_of, made
from model_governance.attacks.starts import find_starts
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np


def batched_hopskipjump(estimator: Any, **settings: Any) -> Any:
    """An `art.attacks.EvasionAttack` against any ART classifier, of which it sees the predicted classes only.

    Settings, most with ART's names: `norm` (2), `max_iter` (20), `init_eval` (30) and `max_eval` (300) probes per
    step, `init_size` (100) tries for a start, `max_queries` per row (None: no limit), `targeted` (False), `seed` (0),
    `donors` (None): real rows to start from, of the shape of `x`. `generate(x, y, x_adv_init=, mask=)` returns
    float32 points; rows without a start come back unchanged, and `attack.walked` says which, how far and how many
    rows were asked.

    Raises:
        CheckError: a setting that does not exist or would do nothing.
        art.exceptions.EstimatorError: the estimator is no classifier.
    """
    return made(_attack_class(), estimator, settings)


@cache
def _attack_class() -> type[Any]:
    load_art()
    import numpy as np
    from art.attacks import EvasionAttack
    from art.estimators import BaseEstimator
    from art.estimators.classification import ClassifierMixin

    class BatchedHopSkipJump(EvasionAttack):
        """HopSkipJump (Chen et al., 2020) on all rows at once, projected on to the boundary at the end."""

        attack_params = [  # noqa: RUF012
            *EvasionAttack.attack_params, "norm", "max_iter", "init_eval", "max_eval", "init_size", "max_queries",
            "targeted", "seed", "donors",
        ]  # fmt: skip
        _estimator_requirements = (BaseEstimator, ClassifierMixin)

        def __init__(self, estimator: Any, settings: dict[str, Any]) -> None:
            super().__init__(estimator=estimator)
            self.norm: Any = 2
            self.max_iter, self.init_eval, self.max_eval, self.init_size = 20, 30, 300, 100
            self.max_queries: int | None = None
            self.seed = 0
            self.donors: np.ndarray | None = None
            self.walked: Walked | None = None
            self.set_params(**settings)

        def _check_params(self) -> None:
            super()._check_params()
            if hasattr(self, "walked"):
                norm_named(self.norm)
                check_effort(max_iter=self.max_iter, init_eval=self.init_eval, max_eval=self.max_eval,
                             init_size=self.init_size, max_queries=1 if self.max_queries is None else self.max_queries)  # fmt: skip

        def generate(
            self, x: np.ndarray, y: np.ndarray | None = None, *, x_adv_init: np.ndarray | None = None,
            mask: np.ndarray | None = None,
        ) -> np.ndarray:  # fmt: skip
            """Nearest points found that are misclassified (or classified as `y`, if targeted); shape of `x`, float32.

            Rows that already are come back unchanged, with distance 0. `mask` is zero where nothing may change.

            Raises:
                CheckError: targeted without `y`.
            """
            x = x.astype(np.float32)
            if self.targeted and y is None:
                raise CheckError("a targeted attack needs the classes to reach: give y")
            labels, shape = labels_of(self.estimator, x, y), x.shape[1:]
            low, high = box_of(self.estimator, x)
            settings = WalkSettings(
                norm=norm_named(self.norm), iterations=self.max_iter, directions=self.init_eval,
                most_directions=self.max_eval, queries=self.max_queries, low=low, high=high,
            )  # fmt: skip

            def flips(points: np.ndarray, rows: np.ndarray) -> np.ndarray:
                agree: np.ndarray = answers_of(self.estimator, points.reshape(-1, *shape)) == labels[rows]
                return agree if self.targeted else ~agree

            self.walked = attack_rows(
                flips, _flat(x), settings=settings, seed=self.seed, tries=self.init_size,
                donors=None if self.donors is None else _flat(np.asarray(self.donors, dtype=np.float32)),
                given=None if x_adv_init is None else _flat(np.asarray(x_adv_init, dtype=np.float32)),
                movable=None if mask is None else _flat(np.broadcast_to(mask, x.shape)) != 0,
            )  # fmt: skip
            reached = np.where(self.walked.failed[:, None], _flat(x), self.walked.points)
            return reached.reshape(x.shape)

    return BatchedHopSkipJump


def attack_rows(
    flips: Any, origins: np.ndarray, *, settings: WalkSettings, seed: int, tries: int, donors: np.ndarray | None = None,
    given: np.ndarray | None = None, movable: np.ndarray | None = None,
) -> Walked:  # fmt: skip
    """Starts and walks of rows (n, d); rows that flip already stay, at distance 0.

    `given` (n, d) are points to start from where they flip. `settings.queries` covers finding starts as well.
    """
    import numpy as np

    everyone = np.arange(len(origins))
    already = np.asarray(flips(origins, everyone), dtype=bool)
    starts, asked = np.full_like(origins, np.nan), np.ones(len(origins), dtype=np.int64)
    if given is not None:
        points = given if movable is None else np.where(movable, given, origins)
        usable = np.asarray(flips(points, everyone), dtype=bool)
        starts[usable] = points[usable]
        asked += 1
    searching = ~already & np.isnan(starts).any(axis=1)
    affordable = tries if settings.queries is None else min(tries, max(1, settings.queries - 2))
    found, tried = find_starts(
        flips, origins, donors=donors, settings=settings, seed=seed, tries=affordable, movable=movable, wanted=searching
    )
    starts[searching] = found[searching]
    asked += tried
    starts[already] = np.nan
    walked = walk(flips, origins, starts=starts, settings=settings, seed=seed, movable=movable, asked=asked)
    walked.points[already], walked.distances[already] = origins[already], 0.0
    return walked


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), math.prod(x.shape[1:]))
