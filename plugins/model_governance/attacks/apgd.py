"""Auto-PGD: projected gradient ascent with a step size that adapts per row.

Croce and Hein (2020), "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
attacks", section 3. Differences: rows (and all targets of a row) advance together, and a row is dropped once it is fooled.
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
class _Ascents:
    """One line per row and target that is still attacked; `owner` is the row that a line attacks."""

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
            for field in fields(self):
                setattr(self, field.name, getattr(self, field.name)[mask])


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
        loss: the loss to maximise without targets.
        targets: classes (n, t) to reach; every row is then attacked t times with the targeted DLR.
    """
    import numpy as np

    points, fooled = x.copy(), np.zeros(len(x), dtype=bool)
    if len(x) == 0:
        return points, fooled
    lines = _initial(x, y, ball, streams, targets)
    name: LossName = loss if targets is None else "dlr"
    _evaluate(network, lines, name, targets is not None, points, fooled)
    _update_best(lines, lines.loss > -np.inf)
    lines.window_loss = lines.best_loss.copy()
    window, least, shorter = (max(int(share * steps), 1) for share in (0.22, 0.06, 0.03))
    inside = 0
    for iteration in range(steps):
        if len(lines.owner) == 0:
            break
        _advance(lines, ball, momentum=MOMENTUM if iteration else 1.0)
        before = lines.loss
        _evaluate(network, lines, name, targets is not None, points, fooled, before=before)
        _update_best(lines, lines.loss > lines.best_loss)
        inside += 1
        if inside == window:
            _halve_steps(lines, window)
            inside, window = 0, max(window - shorter, least)
    return points, fooled


def _initial(
    x: np.ndarray, y: np.ndarray, ball: Ball, streams: list[np.random.Generator], targets: np.ndarray | None
) -> _Ascents:
    import numpy as np

    times = 1 if targets is None else targets.shape[1]
    owner = np.repeat(np.arange(len(x)), times)
    centre = x[owner]
    start = ball.random_points(centre, [streams[row] for row in owner])
    nothing, zeros = np.zeros_like(centre), np.zeros(len(owner))
    return _Ascents(
        owner=owner, centre=centre, label=y[owner], target=y[owner] if targets is None else targets.reshape(-1),
        point=start, previous=start.copy(), gradient=nothing, loss=zeros, best_point=start.copy(),
        best_gradient=nothing.copy(), best_loss=np.full(len(owner), -np.inf), step=np.full(len(owner), 2 * ball.epsilon),
        raised=zeros.copy(), window_loss=zeros.copy(), halved=np.ones(len(owner), dtype=bool),
    )  # fmt: skip


def _evaluate(
    network: Network, lines: _Ascents, name: LossName, targeted: bool, points: np.ndarray, fooled: np.ndarray,  # noqa: FBT001
    before: np.ndarray | None = None,
) -> None:  # fmt: skip
    """Losses and gradients at every line's point; all lines of rows that are fooled are dropped."""
    import numpy as np

    logits, back = network.vjp(lines.point, lines.owner)
    values, derivatives = loss_of(name, logits, lines.label, lines.target if targeted else None)
    hit = logits.argmax(axis=1) != lines.label
    lines.loss, lines.gradient = values, back(derivatives)
    if before is not None:
        lines.raised = lines.raised + (values > before)
    if hit.any():
        first = np.flatnonzero(hit)[::-1]
        points[lines.owner[first]] = lines.point[first]
        fooled[lines.owner[first]] = True
        lines.keep(~fooled[lines.owner])


def _update_best(lines: _Ascents, better: np.ndarray) -> None:
    lines.best_point[better] = lines.point[better]
    lines.best_gradient[better] = lines.gradient[better]
    lines.best_loss[better] = lines.loss[better]


def _advance(lines: _Ascents, ball: Ball, *, momentum: float) -> None:
    """One projected step, mixed with the step before."""
    ahead = ball.inside(lines.point + lines.step[:, None] * ball.steepest(lines.gradient), lines.centre)
    mixed = lines.point + momentum * (ahead - lines.point) + (1 - momentum) * (lines.point - lines.previous)
    lines.previous, lines.point = lines.point, ball.inside(mixed, lines.centre)


def _halve_steps(lines: _Ascents, window: int) -> None:
    """Halve the step of lines that oscillate or made no progress since a window without halving; restart at their best."""
    oscillating = lines.raised < IMPROVING * window
    idle = ~lines.halved & (lines.best_loss <= lines.window_loss)
    stuck = oscillating | idle
    lines.step[stuck] /= 2
    lines.point[stuck] = lines.best_point[stuck]
    lines.gradient[stuck] = lines.best_gradient[stuck]
    lines.loss[stuck] = lines.best_loss[stuck]
    lines.halved, lines.window_loss = stuck, lines.best_loss.copy()
    lines.raised[:] = 0
