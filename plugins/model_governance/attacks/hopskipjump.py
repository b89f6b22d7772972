"""Batched HopSkipJump (Chen, Jordan and Wainwright, 2020) with the interface of ART's attacks."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

from model_governance.attacks.art_attack import attack_base, check_positive, make_attack
from model_governance.attacks.balls import norm_named
from model_governance.attacks.boundary_walk import BoundaryPoints, HopSkipJumpSettings, boundary_walk
from model_governance.attacks.estimators import box_of, labels_of, predicted_labels
from model_governance.attacks.starts import find_starts
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np


def batched_hopskipjump(estimator: Any, **settings: Any) -> Any:
    """An `art.attacks.EvasionAttack` against any ART classifier, of which it uses the predicted classes only.

    Settings, most with ART's names: `norm` (2), `max_iter` (20), `init_eval` (30) and `max_eval` (300) probes per
    step, `init_size` (100) tries for a start, `max_queries` per row (None: no limit), `targeted` (False), `seed` (0),
    `donors` (None): real rows to start from, of the shape of `x`. `generate(x, y, x_adv_init=, mask=)` returns
    float32 points; rows without a start come back unchanged. `attack.result` holds the distances, which rows failed
    and how many queries each took.

    Raises:
        CheckError: a setting that does not exist or would do nothing.
        art.exceptions.EstimatorError: the estimator is no classifier.
    """
    return make_attack(_attack_class(), estimator, settings)


@cache
def _attack_class() -> type[Any]:
    import numpy as np

    base: Any = attack_base()

    class BatchedHopSkipJump(base):
        """HopSkipJump on all rows at once, projected on to the boundary at the end."""

        defaults = {  # noqa: RUF012
            "norm": 2, "max_iter": 20, "init_eval": 30, "max_eval": 300, "init_size": 100, "max_queries": None,
            "targeted": False, "seed": 0, "donors": None,
        }  # fmt: skip

        def check_settings(self) -> None:
            norm_named(self.norm)
            check_positive(max_iter=self.max_iter, init_eval=self.init_eval, max_eval=self.max_eval,
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
            settings = HopSkipJumpSettings(
                norm=norm_named(self.norm), iterations=self.max_iter, directions=self.init_eval,
                most_directions=self.max_eval, queries=self.max_queries, low=low, high=high,
            )  # fmt: skip

            def flips(points: np.ndarray, rows: np.ndarray) -> np.ndarray:
                agree: np.ndarray = predicted_labels(self.estimator, points.reshape(-1, *shape)) == labels[rows]
                return agree if self.targeted else ~agree

            self.result = attack_rows(
                flips, _flat(x), settings=settings, seed=self.seed, tries=self.init_size,
                donors=None if self.donors is None else _flat(np.asarray(self.donors, dtype=np.float32)),
                given=None if x_adv_init is None else _flat(np.asarray(x_adv_init, dtype=np.float32)),
                movable=None if mask is None else _flat(np.broadcast_to(mask, x.shape)) != 0,
            )  # fmt: skip
            reached = np.where(self.result.failed[:, None], _flat(x), self.result.points)
            return reached.reshape(x.shape)

    return BatchedHopSkipJump


def attack_rows(
    flips: Any, origins: np.ndarray, *, settings: HopSkipJumpSettings, seed: int, tries: int, donors: np.ndarray | None = None,
    given: np.ndarray | None = None, movable: np.ndarray | None = None,
) -> BoundaryPoints:  # fmt: skip
    """Starts and boundary walks of rows (n, d); rows that flip already stay, at distance 0.

    `given` (n, d) are points to start from where they flip. `settings.queries` covers finding starts as well.
    """
    import numpy as np

    every_row = np.arange(len(origins))
    already = np.asarray(flips(origins, every_row), dtype=bool)
    starts, asked = np.full_like(origins, np.nan), np.ones(len(origins), dtype=np.int64)
    if given is not None:
        points = given if movable is None else np.where(movable, given, origins)
        usable = np.asarray(flips(points, every_row), dtype=bool)
        starts[usable] = points[usable]
        asked += 1
    searching = ~already & np.isnan(starts).any(axis=1)
    affordable = tries if settings.queries is None else min(tries, max(1, settings.queries - 2))
    found, tried = find_starts(
        flips, origins, donors=donors, settings=settings, seed=seed, tries=affordable, movable=movable, rows=searching
    )
    starts[searching] = found[searching]
    asked += tried
    starts[already] = np.nan
    result = boundary_walk(flips, origins, starts=starts, settings=settings, seed=seed, movable=movable, asked=asked)
    result.points[already], result.distances[already] = origins[already], 0.0
    return result


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), math.prod(x.shape[1:]))
