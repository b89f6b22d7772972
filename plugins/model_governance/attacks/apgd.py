"""Auto-PGD: gradient ascent whose step size each row finds for itself.

Croce and Hein (2020), "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
attacks", section 3. Differences: rows (and all targets of a row) advance together, and a row leaves once it is fooled.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from model_governance.attacks.losses import LossName, loss_of

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.balls import Ball
    from model_governance.attacks.networks import Network

MOMENTUM = 0.75
# A window in which fewer than this share of the steps raised the loss halves the step.
IMPROVING = 0.75


@dataclass(slots=True)
class _Climbers:
    """One line per row and target that still climbs; `owner` says which row it attacks."""

    owner: np.ndarray
    centre: np.ndarray
    label: np.ndarray
    target: np.ndarray
    point: np.ndarray
    previous: np.ndarray
    gradient: np.ndarray
    loss: np.ndarray
    best_point: np.ndarray
    best_gradient: np.ndarray
    best_loss: np.ndarray
    step: np.ndarray
    raised: np.ndarray
    window_loss: np.ndarray
    halved: np.ndarray

    def keep(self, mask: np.ndarray) -> None:
        """Drop the lines outside the mask."""
        if not mask.all():
            for one in fields(self):
                setattr(self, one.name, getattr(self, one.name)[mask])


def apgd(
    network: Network, x: np.ndarray, y: np.ndarray, *, ball: Ball, steps: int, streams: list[np.random.Generator],
    loss: LossName = "cross_entropy", targets: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Points (n, d) of the ball and the mask (n,) of rows that they fool.

    Args:
        network: logits and gradients.
        x: rows (n, d) in the box.
        y: classes (n,) to leave.
        ball: norm, size and box.
        steps: gradient steps per row and target.
        streams: one random stream per row.
        loss: what is climbed without targets.
        targets: classes (n, t) to reach; every row is then attacked t times with the targeted DLR.
    """
    import numpy as np

    points, fooled = x.copy(), np.zeros(len(x), dtype=bool)
    if len(x) == 0:
        return points, fooled
    lines = _begin(x, y, ball, streams, targets)
    name: LossName = loss if targets is None else "dlr"
    _see(network, lines, name, targets is not None, points, fooled)
    _remember(lines, lines.loss > -np.inf)
    lines.window_loss = lines.best_loss.copy()
    window, least, shorter = (max(int(share * steps), 1) for share in (0.22, 0.06, 0.03))
    inside = 0
    for iteration in range(steps):
        if len(lines.owner) == 0:
            break
        _advance(lines, ball, momentum=MOMENTUM if iteration else 1.0)
        before = lines.loss
        _see(network, lines, name, targets is not None, points, fooled, before=before)
        _remember(lines, lines.loss > lines.best_loss)
        inside += 1
        if inside == window:
            _halve_where_stuck(lines, window)
            inside, window = 0, max(window - shorter, least)
    return points, fooled


def _begin(
    x: np.ndarray, y: np.ndarray, ball: Ball, streams: list[np.random.Generator], targets: np.ndarray | None
) -> _Climbers:
    import numpy as np

    times = 1 if targets is None else targets.shape[1]
    owner = np.repeat(np.arange(len(x)), times)
    centre = x[owner]
    start = ball.anywhere(centre, [streams[row] for row in owner])
    nothing, zeros = np.zeros_like(centre), np.zeros(len(owner))
    return _Climbers(
        owner=owner, centre=centre, label=y[owner], target=y[owner] if targets is None else targets.reshape(-1),
        point=start, previous=start.copy(), gradient=nothing, loss=zeros, best_point=start.copy(),
        best_gradient=nothing.copy(), best_loss=np.full(len(owner), -np.inf), step=np.full(len(owner), 2 * ball.epsilon),
        raised=zeros.copy(), window_loss=zeros.copy(), halved=np.ones(len(owner), dtype=bool),
    )  # fmt: skip


def _see(
    network: Network, lines: _Climbers, name: LossName, targeted: bool, points: np.ndarray, fooled: np.ndarray,  # noqa: FBT001
    before: np.ndarray | None = None,
) -> None:  # fmt: skip
    """Ask the network about every line's point: losses and gradients; rows that are fooled leave with all their lines."""
    import numpy as np

    logits, back = network.look(lines.point)
    values, slopes = loss_of(name, logits, lines.label, lines.target if targeted else None)
    hit = logits.argmax(axis=1) != lines.label
    lines.loss, lines.gradient = values, back(slopes)
    if before is not None:
        lines.raised = lines.raised + (values > before)
    if hit.any():
        first = np.flatnonzero(hit)[::-1]
        points[lines.owner[first]] = lines.point[first]
        fooled[lines.owner[first]] = True
        lines.keep(~fooled[lines.owner])


def _remember(lines: _Climbers, better: np.ndarray) -> None:
    lines.best_point[better] = lines.point[better]
    lines.best_gradient[better] = lines.gradient[better]
    lines.best_loss[better] = lines.loss[better]


def _advance(lines: _Climbers, ball: Ball, *, momentum: float) -> None:
    """One projected step, mixed with the step before."""
    ahead = ball.inside(lines.point + lines.step[:, None] * ball.steepest(lines.gradient), lines.centre)
    mixed = lines.point + momentum * (ahead - lines.point) + (1 - momentum) * (lines.point - lines.previous)
    lines.previous, lines.point = lines.point, ball.inside(mixed, lines.centre)


def _halve_where_stuck(lines: _Climbers, window: int) -> None:
    """Halve the step of lines that swing, or that brought nothing since a window without halving; back to their best."""
    swinging = lines.raised < IMPROVING * window
    idle = ~lines.halved & (lines.best_loss <= lines.window_loss)
    stuck = swinging | idle
    lines.step[stuck] /= 2
    lines.point[stuck] = lines.best_point[stuck]
    lines.gradient[stuck] = lines.best_gradient[stuck]
    lines.loss[stuck] = lines.best_loss[stuck]
    lines.halved, lines.window_loss = stuck, lines.best_loss.copy()
    lines.raised[:] = 0
