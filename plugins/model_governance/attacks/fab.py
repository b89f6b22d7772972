"""FAB towards targets: the nearest point of another class, found by projecting on to linearised boundaries.

Croce and Hein (2020), "Minimally distorted adversarial examples with a fast adaptive boundary attack". Differences:
all targets of all rows advance together, and a row is dropped once a point within the ball fools it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.balls import sizes

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.balls import Ball
    from model_governance.attacks.networks import Network

# The paper's: overshoot of a projection, way back after a hit, largest pull towards the origin.
OVERSHOOT = 1.05
BACKWARD = 0.9
PULL = 0.1


def fab(
    network: Network, x: np.ndarray, y: np.ndarray, *, ball: Ball, steps: int, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, d) of the ball and the mask (n,) of rows that they fool. Deterministic: it draws no random numbers.

    Args:
        network: logits and gradients.
        x: rows (n, d) in the box.
        y: classes (n,) to leave.
        ball: norm, size and box.
        steps: projections per row and target.
        targets: classes (n, t) to reach; every row is attacked t times.
    """
    import numpy as np

    points, fooled = x.copy(), np.zeros(len(x), dtype=bool)
    owner = np.repeat(np.arange(len(x)), targets.shape[1])
    target, here = targets.reshape(-1), x[owner].copy()
    for _ in range(steps):
        if len(owner) == 0:
            break
        centre, own, lines = x[owner], y[owner], np.arange(len(owner))
        logits, back = network.vjp(here, owner)
        weights = np.zeros(logits.shape)
        weights[lines, own], weights[lines, target] = 1.0, -1.0
        normal = back(weights).astype(np.float64)
        above = (logits[lines, own] - logits[lines, target]).astype(np.float64)
        here = _approach(here, centre, normal, above, ball)
        hit = network.logits(here, owner).argmax(axis=1) != own
        near = hit & ball.holds(here, centre)
        points[owner[near]], fooled[owner[near]] = here[near], True
        here[hit] = (centre[hit] + BACKWARD * (here[hit] - centre[hit])).astype(x.dtype)
        active = ~fooled[owner]
        owner, target, here = owner[active], target[active], here[active]
    return points, fooled


def _approach(here: np.ndarray, centre: np.ndarray, normal: np.ndarray, above: np.ndarray, ball: Ball) -> np.ndarray:
    """The next points (n, d): past the linearised boundary, between its points nearest to here and to the centre."""
    import numpy as np

    change = nearest_change(here, normal, above, ball)
    from_centre = above + (normal * (centre - here)).sum(axis=1)
    change_centre = nearest_change(centre, normal, from_centre, ball)
    one, two = sizes(change, ball.norm), sizes(change_centre, ball.norm)
    share = np.minimum(one / np.maximum(one + two, 1e-12), PULL)[:, None]
    ahead = (here + OVERSHOOT * change) * (1 - share) + (centre + OVERSHOOT * change_centre) * share
    return np.clip(ahead, ball.low, ball.high).astype(here.dtype)


def nearest_change(points: np.ndarray, normal: np.ndarray, above: np.ndarray, ball: Ball) -> np.ndarray:
    """The smallest changes c (n, d) with normal . c = -above that stay in the box; as far as it goes where none does.

    Exact: every coordinate moves by min(t * slope, room), with slope 1 (Linf) or |normal| (L2), and t is found
    among the sorted values at which coordinates hit the box.
    """
    import numpy as np

    towards = -np.sign(above)[:, None] * np.sign(normal)
    room = np.where(towards > 0, ball.high - points, points - ball.low).astype(np.float64)
    room = np.where(towards == 0, 0.0, np.maximum(room, 0.0))
    pull = np.abs(normal)
    slope = np.ones_like(pull) if ball.norm == "linf" else pull
    stops = np.divide(room, slope, out=np.zeros_like(room), where=slope > 0)
    order = np.argsort(stops, axis=1, kind="stable")
    sorted_stops = np.take_along_axis(stops, order, axis=1)
    reached = np.cumsum(np.take_along_axis(pull * room, order, axis=1), axis=1)
    rates = np.take_along_axis(pull * slope, order, axis=1)
    still = rates[:, ::-1].cumsum(axis=1)[:, ::-1] - rates
    required = np.abs(above)[:, None]
    at_stop = reached + sorted_stops * still
    first = (at_stop >= required).argmax(axis=1)[:, None]
    done = np.take_along_axis(reached - np.take_along_axis(pull * room, order, axis=1), first, axis=1)
    rate = np.take_along_axis(still + rates, first, axis=1)
    t = np.divide(required - done, rate, out=np.zeros_like(required), where=rate > 0)
    t = np.where(at_stop[:, -1:] >= required, t, np.inf)
    with np.errstate(invalid="ignore"):
        moved = np.where(slope > 0, np.minimum(t * slope, room), 0.0)
    changed: np.ndarray = towards * moved
    return changed
