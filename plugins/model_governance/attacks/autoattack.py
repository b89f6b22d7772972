"""AutoAttack: four attacks that fail for different reasons, each on what the ones before left standing.

Croce and Hein (2020): APGD on cross entropy, APGD towards targets, FAB towards targets, Square; the standard ensemble
for the robustness of image classifiers. Here with the interface of ART's attacks, and on anything with gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from model_governance.attacks.apgd import apgd
from model_governance.attacks.art_toolbox import load_art
from model_governance.attacks.balls import Ball, norm_named, streams_of
from model_governance.attacks.estimators import box_of, check_effort, labels_of, made
from model_governance.attacks.fab import fab
from model_governance.attacks.losses import nearest_classes
from model_governance.attacks.networks import Network, network_of
from model_governance.attacks.square import square
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.networks import Way

Member = Literal["apgd-ce", "apgd-t", "fab-t", "square"]
MEMBERS: tuple[Member, ...] = ("apgd-ce", "apgd-t", "fab-t", "square")
CELLS = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoSettings:
    """Members in their order, and their effort: gradient steps, target classes, queries of Square."""

    members: tuple[Member, ...] = MEMBERS
    steps: int = 100
    targets: int = 9
    square_queries: int = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoAttacked:
    """Points (n, d); the mask (n,) of those that fool; who fooled each (n,), "" where nobody did, "none needed" before.

    `asked` counts the points of every member whose logits were computed.
    """

    points: np.ndarray
    fooled: np.ndarray
    by: np.ndarray
    asked: dict[str, int]


def auto_attack(
    network: Network, x: np.ndarray, y: np.ndarray, *, ball: Ball, settings: AutoSettings, seed: int,
    shape: tuple[int, ...] | None = None,
) -> AutoAttacked:  # fmt: skip
    """Attack rows (n, d) of classes y (n,) within the ball; `shape` (channels, height, width) tells Square of images.

    Raises:
        CheckError: rows outside the box, where the ball has no meaning.
    """
    import numpy as np

    if ((x < ball.low) | (x > ball.high)).any():
        raise CheckError(
            f"rows reach from {x.min():g} to {x.max():g}, outside the box that attacks keep to; "
            "scale the rows or give the box (clip_values) that they live in"
        )
    points, by = x.copy(), np.full(len(x), "", dtype=object)
    asked: dict[str, int] = {}
    counted = _Counted(network)
    logits = counted.logits(x)
    by[logits.argmax(axis=1) != y] = "none needed"
    most = max(1, CELLS // max(1, x.shape[1] * settings.targets))
    for member in settings.members:
        counted.asked = 0
        left = np.flatnonzero(by == "")
        for first in range(0, len(left), most):
            rows = left[first : first + most]
            found, fooled = _run(
                member, counted, x, y, logits, rows, ball=ball, settings=settings, seed=seed, shape=shape
            )
            fooled &= ball.holds(found, x[rows])
            points[rows[fooled]], by[rows[fooled]] = found[fooled], member
        asked[member] = counted.asked
    return AutoAttacked(points=points, fooled=by != "", by=by, asked=asked)


def _run(
    member: Member, network: Network, x: np.ndarray, y: np.ndarray, logits: np.ndarray, rows: np.ndarray, *, ball: Ball,
    settings: AutoSettings, seed: int, shape: tuple[int, ...] | None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    own, labels = x[rows], y[rows]
    if member == "square":
        return square(network.logits, own, labels, ball=ball, queries=settings.square_queries, seed=seed, shape=shape,
                      rows=rows, total=len(x))  # fmt: skip
    streams = streams_of(seed, rows, purpose=MEMBERS.index(member))
    if member == "apgd-ce":
        return apgd(network, own, labels, ball=ball, steps=settings.steps, streams=streams)
    targets = nearest_classes(logits[rows], labels, most=settings.targets)
    if member == "apgd-t":
        return apgd(network, own, labels, ball=ball, steps=settings.steps, streams=streams, targets=targets)
    return fab(network, own, labels, ball=ball, steps=settings.steps, targets=targets)


class _Counted:
    """A network that counts the points it is asked about."""

    def __init__(self, network: Network) -> None:
        self.network, self.asked = network, 0

    def logits(self, points: np.ndarray) -> np.ndarray:
        self.asked += len(points)
        return self.network.logits(points)

    def look(self, points: np.ndarray) -> tuple[np.ndarray, Way]:
        self.asked += len(points)
        return self.network.look(points)


def batched_autoattack(estimator: Any, **settings: Any) -> Any:
    """An `art.attacks.EvasionAttack` against ART's PyTorchClassifier.

    Settings, most with ART's names: `norm` (inf), `eps` (.3), `attacks` (names, in order), `max_iter` (100) steps,
    `nb_targets` (9), `square_queries` (5000), `seed` (0). `generate(x, y)` returns float32 points;
    `attack.attacked` says who fooled which row and how many points each member asked about.

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

    class BatchedAutoAttack(EvasionAttack):
        """AutoAttack (Croce and Hein, 2020) on all rows at once; fooled rows leave."""

        attack_params = [  # noqa: RUF012
            *EvasionAttack.attack_params, "norm", "eps", "attacks", "max_iter", "nb_targets", "square_queries", "seed",
        ]  # fmt: skip
        _estimator_requirements = (BaseEstimator, ClassifierMixin)

        def __init__(self, estimator: Any, settings: dict[str, Any]) -> None:
            super().__init__(estimator=estimator)
            self.network = network_of(estimator)
            self.norm: Any = np.inf
            self.eps, self.max_iter, self.nb_targets, self.square_queries, self.seed = 0.3, 100, 9, 5000, 0
            self.attacks: tuple[Member, ...] = MEMBERS
            self.attacked: AutoAttacked | None = None
            self.set_params(**settings)

        def _check_params(self) -> None:
            super()._check_params()
            if hasattr(self, "attacked"):
                norm_named(self.norm)
                check_effort(eps=self.eps, max_iter=self.max_iter, nb_targets=self.nb_targets,
                             square_queries=self.square_queries, attacks=len(self.attacks))  # fmt: skip
                if not set(self.attacks) <= set(MEMBERS):
                    raise CheckError(f"attacks {self.attacks!r} are not all known; known: {', '.join(MEMBERS)}")

        def generate(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
            """Points within `eps` that are misclassified; rows that withstood come back unchanged. float32."""
            flat = x.astype(np.float32).reshape(len(x), -1)
            low, high = box_of(self.estimator, x)
            ball = Ball(norm=norm_named(self.norm), epsilon=float(self.eps), low=low, high=high)
            effort = AutoSettings(members=tuple(self.attacks), steps=self.max_iter, targets=self.nb_targets,
                                  square_queries=self.square_queries)  # fmt: skip
            self.attacked = auto_attack(
                self.network, flat, labels_of(self.estimator, x, y), ball=ball, settings=effort, seed=self.seed,
                shape=x.shape[1:],
            )  # fmt: skip
            return self.attacked.points.reshape(x.shape)

    return BatchedAutoAttack
