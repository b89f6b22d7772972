"""Projected gradient descent that repairs its points on the way and believes only rows that are valid.

Madry et al. (2018) inside; the repair in the loop follows constrained attacks on tables (Simonetto et al., 2024:
CAPGD): what a continuous point promises is worth nothing until a row on the grid keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from model_governance.attacks.art_toolbox import load_art
from model_governance.attacks.balls import Ball, norm_named, sizes, streams_of
from model_governance.attacks.estimators import answers_of, box_of, check_effort, labels_of, made
from model_governance.attacks.losses import LossName, loss_of
from model_governance.attacks.networks import network_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.attacks.boundary_walk import Flips
    from model_governance.attacks.networks import Network

    Repair = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimbSettings:
    """The effort: `restarts` climbs of `steps` steps (the first from the row itself), a repair every `repair_every`."""

    steps: int = 40
    restarts: int = 5
    repair_every: int = 5
    step: float = 0.25
    loss: LossName = "dlr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Climbed:
    """Nearest repaired point that flips (n, d), NaN where none was found; its distance (n,), infinite there.

    `asked` (n,) counts the points whose gradients or answers were computed.
    """

    points: np.ndarray
    distances: np.ndarray
    asked: np.ndarray


def climb(
    network: Network, flips: Flips, origins: np.ndarray, labels: np.ndarray, *, ball: Ball, settings: ClimbSettings,
    seed: int, repair: Repair | None = None, movable: np.ndarray | None = None,
) -> Climbed:  # fmt: skip
    """Climb the loss of every row (n, d) inside the ball, and keep the nearest repaired point that flips.

    Args:
        network: logits and gradients at continuous points (m, d).
        flips: whether valid points flip the rows with these numbers; what is believed.
        origins: rows under attack, in the box.
        labels: class numbers (n,) to leave.
        ball: norm, size and box.
        settings: effort. A row whose first flip is found stops climbing; its nearest flip of one round counts.
        seed: every row draws from a stream of its own.
        repair: (points (m, d), rows (m,)) -> valid points (m, d); None where every point is valid.
        movable: features that may change, bool (d,) or (n, d).

    Repaired points beyond the ball or with a changed immovable feature are not asked about.
    """
    import numpy as np

    free = np.broadcast_to(True if movable is None else movable, origins.shape)
    found = Climbed(points=np.full_like(origins, np.nan), distances=np.full(len(origins), np.inf),
                    asked=np.zeros(len(origins), dtype=np.int64))  # fmt: skip
    streams = streams_of(seed, np.arange(len(origins)), purpose=5)
    for restart in range(settings.restarts):
        rows = np.flatnonzero(np.isinf(found.distances))
        if len(rows) == 0:
            break
        centres = origins[rows]
        points = centres.copy()
        if restart:
            drawn = ball.anywhere(centres, [streams[row] for row in rows])
            points = np.where(free[rows], drawn, centres).astype(origins.dtype)
        for step in range(1, settings.steps + 1):
            logits, back = network.look(points)
            _, slopes = loss_of(settings.loss, logits, labels[rows])
            pull = np.where(free[rows], back(slopes), 0.0)
            length = settings.step * ball.epsilon * (1 - (step - 1) / settings.steps)
            points = ball.inside(points + length * ball.steepest(pull), centres)
            found.asked[rows] += 1
            if step % settings.repair_every == 0 or step == settings.steps:
                _try(flips, points, rows, origins, ball, repair, free, found)
                going = np.isinf(found.distances[rows])
                rows, points, centres = rows[going], points[going], centres[going]
                if len(rows) == 0:
                    break
    return found


def _try(
    flips: Flips, points: np.ndarray, rows: np.ndarray, origins: np.ndarray, ball: Ball, repair: Repair | None,
    free: np.ndarray, found: Climbed,
) -> None:  # fmt: skip
    """Repair copies of the points, ask about those that are valid, and remember what flips."""
    import numpy as np

    repaired = points if repair is None else np.asarray(repair(points.copy(), rows), dtype=origins.dtype)
    kept = (free[rows] | (repaired == origins[rows])).all(axis=1) & ball.holds(repaired, origins[rows])
    places = np.flatnonzero(kept)
    if len(places) == 0:
        return
    hit = places[np.asarray(flips(repaired[places], rows[places]), dtype=bool)]
    found.asked[rows[places]] += 1
    found.points[rows[hit]] = repaired[hit]
    found.distances[rows[hit]] = sizes(repaired[hit].astype(np.float64) - origins[rows[hit]], ball.norm)


def repaired_pgd(estimator: Any, **settings: Any) -> Any:
    """An `art.attacks.EvasionAttack` against ART's PyTorchClassifier, or any ART classifier with `look` and `logits`.

    Settings, most with ART's names: `norm` (inf), `eps` (.3), `max_iter` (40), `num_random_init` (5) climbs,
    `repair` (None): flat points (m, d), row numbers (m,) -> valid points (m, d), `seed` (0). `generate(x, y, mask=)`
    returns float32 points; rows that withstood come back unchanged, and `attack.climbed` says which.

    Raises:
        CheckError: a setting that does not exist or would do nothing, or no access to gradients.
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

    class RepairedPGD(EvasionAttack):
        """Projected gradient descent (Madry et al., 2018) that counts only repaired rows."""

        attack_params = [  # noqa: RUF012
            *EvasionAttack.attack_params, "norm", "eps", "max_iter", "num_random_init", "repair", "seed",
        ]  # fmt: skip
        _estimator_requirements = (BaseEstimator, ClassifierMixin)

        def __init__(self, estimator: Any, settings: dict[str, Any]) -> None:
            super().__init__(estimator=estimator)
            self.network = network_of(estimator)
            self.norm: Any = np.inf
            self.eps, self.max_iter, self.num_random_init, self.seed = 0.3, 40, 5, 0
            self.repair: Repair | None = None
            self.climbed: Climbed | None = None
            self.set_params(**settings)

        def _check_params(self) -> None:
            super()._check_params()
            if hasattr(self, "climbed"):
                norm_named(self.norm)
                check_effort(eps=self.eps, max_iter=self.max_iter, num_random_init=self.num_random_init)

        def generate(self, x: np.ndarray, y: np.ndarray | None = None, *, mask: np.ndarray | None = None) -> np.ndarray:
            """Valid points within `eps` that are misclassified, float32; `mask` is zero where nothing may change."""
            shape, labels = x.shape[1:], labels_of(self.estimator, x, y)
            flat = x.astype(np.float32).reshape(len(x), -1)
            low, high = box_of(self.estimator, x)

            def flips(points: np.ndarray, rows: np.ndarray) -> np.ndarray:
                found: np.ndarray = answers_of(self.estimator, points.reshape(-1, *shape)) != labels[rows]
                return found

            self.climbed = climb(
                self.network, flips, flat, labels, seed=self.seed, repair=self.repair,
                ball=Ball(norm=norm_named(self.norm), epsilon=float(self.eps), low=low, high=high),
                settings=ClimbSettings(steps=self.max_iter, restarts=self.num_random_init),
                movable=None if mask is None else np.broadcast_to(mask, x.shape).reshape(len(x), -1) != 0,
            )  # fmt: skip
            reached = np.isfinite(self.climbed.distances)[:, None]
            return np.where(reached, self.climbed.points, flat).reshape(x.shape)

    return RepairedPGD
