"""AutoAttack: four attacks that fail for different reasons, each on the rows that the ones before did not fool.

Croce and Hein (2020): APGD on cross entropy, APGD towards targets, FAB towards targets, Square; the standard ensemble
for the robustness of image classifiers. Here with the interface of ART's attacks, and on anything with gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from model_governance.attacks.apgd import apgd
from model_governance.attacks.art_attack import attack_base, check_positive, make_attack
from model_governance.attacks.balls import Ball, norm_named, streams_of
from model_governance.attacks.estimators import box_of, labels_of
from model_governance.attacks.fab import fab
from model_governance.attacks.losses import nearest_classes
from model_governance.attacks.networks import Network, network_of
from model_governance.attacks.square import square
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.networks import Vjp

Member = Literal["apgd-ce", "apgd-t", "fab-t", "square"]
MEMBERS: tuple[Member, ...] = ("apgd-ce", "apgd-t", "fab-t", "square")
CELLS = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoSettings:
    """Members in their order, and their cost: gradient steps, target classes, queries of Square per row."""

    members: tuple[Member, ...] = MEMBERS
    steps: int = 100
    targets: int = 9
    square_queries: int = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoAttackResult:
    """Points (n, d); the mask (n,) of those that fool; by which member (n,): "" where none, "none needed" before.

    `asked` counts, per member, the points whose logits were computed.
    """

    points: np.ndarray
    fooled: np.ndarray
    by: np.ndarray
    asked: dict[str, int]


def auto_attack(
    network: Network, x: np.ndarray, y: np.ndarray, *, ball: Ball, settings: AutoSettings, seed: int,
    shape: tuple[int, ...] | None = None, rows: np.ndarray | None = None,
) -> AutoAttackResult:  # fmt: skip
    """Attack rows with the members of the ensemble, each on the rows that the members before did not fool.

    Args:
        network: logits and gradients.
        x: rows (n, d) in the box.
        y: classes (n,) to leave.
        ball: norm, size and box.
        settings: members and their cost.
        seed: of every random draw; a row draws the same numbers whichever other rows are attacked.
        shape: (channels, height, width) of a row for the blocks of Square; None for rows without neighbourhoods.
        rows: mask (n,) of the rows to attack; None for all.

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
    logits = counted.logits(x, np.arange(len(x)))
    attacked = np.ones(len(x), dtype=bool) if rows is None else rows
    by[logits.argmax(axis=1) != y] = "none needed"
    most = max(1, CELLS // max(1, x.shape[1] * settings.targets))
    for member in settings.members:
        counted.asked = 0
        open_ = np.flatnonzero((by == "") & attacked)
        for first in range(0, len(open_), most):
            part = open_[first : first + most]
            found, fooled = _run(
                member, counted, x, y, logits, part, ball=ball, settings=settings, seed=seed, shape=shape
            )
            fooled &= ball.holds(found, x[part])
            points[part[fooled]], by[part[fooled]] = found[fooled], member
        asked[member] = counted.asked
    return AutoAttackResult(points=points, fooled=by != "", by=by, asked=asked)


def _run(
    member: Member, network: _Counted, x: np.ndarray, y: np.ndarray, logits: np.ndarray, rows: np.ndarray, *, ball: Ball,
    settings: AutoSettings, seed: int, shape: tuple[int, ...] | None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    own, labels = x[rows], y[rows]
    if member == "square":
        return square(network.logits, own, labels, ball=ball, queries=settings.square_queries, seed=seed, shape=shape,
                      rows=rows, total=len(x))  # fmt: skip
    part = _Part(network, rows)
    streams = streams_of(seed, rows, purpose=MEMBERS.index(member))
    if member == "apgd-ce":
        return apgd(part, own, labels, ball=ball, steps=settings.steps, streams=streams)
    targets = nearest_classes(logits[rows], labels, most=settings.targets)
    if member == "apgd-t":
        return apgd(part, own, labels, ball=ball, steps=settings.steps, streams=streams, targets=targets)
    return fab(part, own, labels, ball=ball, steps=settings.steps, targets=targets)


class _Counted:
    """A network that counts the points whose logits it computes."""

    def __init__(self, network: Network) -> None:
        self.network, self.asked = network, 0

    def logits(self, points: np.ndarray, rows: np.ndarray) -> np.ndarray:
        self.asked += len(points)
        return self.network.logits(points, rows)

    def vjp(self, points: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, Vjp]:
        self.asked += len(points)
        return self.network.vjp(points, rows)


class _Part:
    """The network for an attack on some rows: its row numbers count among these."""

    def __init__(self, network: Network, rows: np.ndarray) -> None:
        self.network, self.rows = network, rows

    def logits(self, points: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return self.network.logits(points, self.rows[rows])

    def vjp(self, points: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, Vjp]:
        return self.network.vjp(points, self.rows[rows])


def batched_autoattack(estimator: Any, **settings: Any) -> Any:
    """An `art.attacks.EvasionAttack` against ART's PyTorchClassifier.

    Settings, most with ART's names: `norm` (inf), `eps` (.3), `attacks` (names, in order), `max_iter` (100) steps,
    `nb_targets` (9), `square_queries` (5000), `seed` (0). `generate(x, y)` returns float32 points;
    `attack.result` says which member fooled which row and how many points each member evaluated.

    Raises:
        CheckError: a setting that does not exist or would do nothing, or no access to gradients.
        art.exceptions.EstimatorError: the estimator is no classifier.
    """
    return make_attack(_attack_class(), estimator, settings)


@cache
def _attack_class() -> type[Any]:
    import numpy as np

    base: Any = attack_base()

    class BatchedAutoAttack(base):
        """AutoAttack (Croce and Hein, 2020) on all rows at once; fooled rows are dropped."""

        defaults = {  # noqa: RUF012
            "norm": np.inf, "eps": 0.3, "attacks": MEMBERS, "max_iter": 100, "nb_targets": 9, "square_queries": 5000,
            "seed": 0,
        }  # fmt: skip

        def __init__(self, estimator: Any, settings: dict[str, Any]) -> None:
            self.network = network_of(estimator)
            super().__init__(estimator, settings)

        def check_settings(self) -> None:
            norm_named(self.norm)
            check_positive(eps=self.eps, max_iter=self.max_iter, nb_targets=self.nb_targets,
                           square_queries=self.square_queries, attacks=len(self.attacks))  # fmt: skip
            if not set(self.attacks) <= set(MEMBERS):
                raise CheckError(f"attacks {self.attacks!r} are not all known; known: {', '.join(MEMBERS)}")

        def generate(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
            """Points within `eps` that are misclassified; rows that withstood come back unchanged. float32."""
            flat = x.astype(np.float32).reshape(len(x), -1)
            low, high = box_of(self.estimator, x)
            ball = Ball(norm=norm_named(self.norm), epsilon=float(self.eps), low=low, high=high)
            settings = AutoSettings(members=tuple(self.attacks), steps=self.max_iter, targets=self.nb_targets,
                                    square_queries=self.square_queries)  # fmt: skip
            self.result = auto_attack(
                self.network, flat, labels_of(self.estimator, x, y), ball=ball, settings=settings, seed=self.seed,
                shape=x.shape[1:],
            )  # fmt: skip
            return self.result.points.reshape(x.shape)

    return BatchedAutoAttack
