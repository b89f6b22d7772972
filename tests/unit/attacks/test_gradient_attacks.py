"""Losses, APGD, FAB, Square, AutoAttack and PGD with repair on networks of a few lines of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from model_governance.attacks.apgd import apgd
from model_governance.attacks.autoattack import MEMBERS, AutoSettings, auto_attack
from model_governance.attacks.balls import Ball, sizes, streams_of
from model_governance.attacks.fab import fab, nearest_change
from model_governance.attacks.losses import loss_of, nearest_classes
from model_governance.attacks.networks import CallableNetwork
from model_governance.attacks.pgd import pgd_ascent
from model_governance.attacks.square import square
from model_governance.errors import CheckError

D, K = 8, 4
DRAW = np.random.default_rng(3)
LINEAR = DRAW.normal(size=(D, K))
HIDDEN, OUT = DRAW.normal(size=(D, 16)), DRAW.normal(size=(16, K))
linear = CallableNetwork(lambda x: (x - 0.5) @ LINEAR, lambda x, weights: weights @ LINEAR.T)


def _curved_gradient(x, weights):
    return (weights @ OUT.T * (1 - np.tanh((x - 0.5) @ HIDDEN) ** 2)) @ HIDDEN.T


curved = CallableNetwork(lambda x: np.tanh((x - 0.5) @ HIDDEN) @ OUT, _curved_gradient)


def rows_of(n: int, network: CallableNetwork) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(11).uniform(0.3, 0.7, (n, D))
    return x, network.logits(x).argmax(axis=1)


def exact(x: np.ndarray, y: np.ndarray, norm: str) -> np.ndarray:
    """Smallest change that makes another class of the linear network the largest, away from the walls of the box."""
    z = linear.logits(x)
    best = np.full(len(x), np.inf)
    for other in range(K):
        normal = LINEAR[:, other][None, :] - LINEAR[:, y].T
        dual = np.linalg.norm(normal, axis=1) if norm == "l2" else np.abs(normal).sum(axis=1)
        gap = z[np.arange(len(x)), y] - z[:, other]
        best = np.where(y == other, best, np.minimum(best, gap / np.maximum(dual, 1e-12)))
    return best


@pytest.mark.parametrize("k", [2, 3, 4, 6])
@pytest.mark.parametrize(("name", "targeted"), [("cross_entropy", False), ("dlr", False), ("dlr", True)])
def test_the_derivatives_are_those_of_the_loss(name, targeted, k):
    draw = np.random.default_rng(k)
    z, y = draw.normal(size=(20, k)), draw.integers(0, k, 20)
    targets = (y + 1) % k if targeted else None
    values, derivatives = loss_of(name, z, y, targets)
    for column in range(k):
        ahead, behind = z.copy(), z.copy()
        ahead[:, column] += 1e-6
        behind[:, column] -= 1e-6
        difference = (loss_of(name, ahead, y, targets)[0] - loss_of(name, behind, y, targets)[0]) / 2e-6
        assert derivatives[:, column] == pytest.approx(difference, abs=1e-4)
    assert values.shape == (20,)


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("member", MEMBERS[:3])
def test_a_linear_network_is_fooled_exactly_where_it_can_be(norm, member):
    x, y = rows_of(60, linear)
    distance = exact(x, y, norm)
    ball = Ball(norm=norm, epsilon=float(np.median(distance)))
    done = auto_attack(linear, x, y, ball=ball, settings=AutoSettings(members=(member,), steps=40), seed=0)
    # Cross entropy climbs towards all classes at once and may miss the nearest: that is what the targets are for.
    near, far = distance < 0.98 * ball.epsilon, distance > 1.001 * ball.epsilon
    assert done.fooled[near].mean() > (0.8 if member == "apgd-ce" else 0.999)
    assert not done.fooled[far].any()
    assert ball.holds(done.points, x).all()
    assert (linear.logits(done.points).argmax(axis=1) != y)[done.fooled].all()


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_ensemble_beats_each_of_its_members_and_says_who_did_it(norm):
    x, y = rows_of(60, curved)
    ball = Ball(norm=norm, epsilon=0.05 if norm == "linf" else 0.12)
    effort = {"steps": 20, "square_queries": 200}
    whole = auto_attack(curved, x, y, ball=ball, settings=AutoSettings(**effort), seed=1)
    assert 0.05 < whole.fooled.mean() < 0.95
    for member in MEMBERS:
        alone = auto_attack(curved, x, y, ball=ball, settings=AutoSettings(members=(member,), **effort), seed=1)
        assert not (alone.fooled & ~whole.fooled).any() or member == "square"
        assert alone.fooled.any()
        assert alone.asked[member] > 0
    assert set(whole.by) <= {"", *MEMBERS}
    assert (whole.points[~whole.fooled] == x[~whole.fooled]).all()


def test_a_row_that_is_misclassified_already_needs_no_attack():
    x, y = rows_of(5, curved)
    done = auto_attack(curved, x, (y + 1) % K, ball=Ball(norm="l2", epsilon=0.1), settings=AutoSettings(), seed=0)
    assert set(done.by) == {"none needed"}
    assert (done.points == x).all()


def test_rows_outside_the_box_are_refused():
    x, y = rows_of(3, curved)
    with pytest.raises(CheckError, match="outside the box"):
        auto_attack(curved, x + 1, y, ball=Ball(norm="l2", epsilon=0.1), settings=AutoSettings(), seed=0)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_two_runs_agree_to_the_byte_and_a_row_does_not_notice_its_neighbours(norm):
    x, y = rows_of(20, curved)
    ball = Ball(norm=norm, epsilon=0.04 if norm == "linf" else 0.1)
    first, second = (
        auto_attack(curved, x, y, ball=ball, settings=AutoSettings(steps=10, square_queries=50), seed=4)
        for _ in range(2)
    )
    assert first.points.tobytes() == second.points.tobytes()
    streams = streams_of(4, np.arange(20))
    together, _ = apgd(curved, x, y, ball=ball, steps=10, streams=streams)
    alone, _ = apgd(curved, x[7:8], y[7:8], ball=ball, steps=10, streams=streams_of(4, np.array([7])))
    assert together[7] == pytest.approx(alone[0], abs=1e-12)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_nearest_change_reaches_the_plane_with_the_smallest_step_that_the_box_allows(norm):
    from scipy.optimize import minimize

    draw = np.random.default_rng(0)
    points, normal, above = draw.random((12, 4)), draw.normal(size=(12, 4)), draw.uniform(-0.5, 0.5, 12)
    ball = Ball(norm=norm, epsilon=1.0)
    found = nearest_change(points, normal, above, ball)
    assert ((points + found >= -1e-9) & (points + found <= 1 + 1e-9)).all()
    for row in range(12):
        reach = np.where(-np.sign(above[row]) * normal[row] > 0, 1 - points[row], points[row]) @ np.abs(normal[row])
        if reach < abs(above[row]):
            continue
        assert normal[row] @ found[row] == pytest.approx(-above[row], abs=1e-9)
        if norm == "l2":
            best = minimize(
                lambda c: c @ c, found[row], method="SLSQP", bounds=list(zip(-points[row], 1 - points[row], strict=True)),
                constraints={"type": "eq", "fun": lambda c, row=row: normal[row] @ c + above[row]},
            )  # fmt: skip
            assert sizes(found[row : row + 1], "l2")[0] <= np.sqrt(best.fun) + 1e-6


@pytest.mark.parametrize("shape", [None, (2, 2, 2)])
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_square_needs_scores_only_and_stays_in_its_ball(shape, norm):
    x, y = rows_of(40, curved)
    ball = Ball(norm=norm, epsilon=0.1 if norm == "linf" else 0.25)
    points, fooled = square(curved.logits, x, y, ball=ball, queries=300, seed=0, shape=shape)
    assert fooled.mean() > 0.2
    assert ball.holds(points, x).all()
    assert ((points >= 0) & (points <= 1)).all()
    assert (curved.logits(points[fooled]).argmax(axis=1) != y[fooled]).all()


def test_fab_finds_near_points_without_a_budget_to_fill():
    x, y = rows_of(30, linear)
    targets = nearest_classes(linear.logits(x), y, most=K - 1)
    distance = exact(x, y, "l2")
    points, fooled = fab(linear, x, y, ball=Ball(norm="l2", epsilon=10.0), steps=30, targets=targets)
    assert fooled.all()
    assert (sizes(points - x, "l2") >= distance * (1 - 1e-9)).all()


def flips_of(network: CallableNetwork, y: np.ndarray):
    return lambda points, rows: network.logits(points).argmax(axis=1) != y[rows]


def ascend(network: CallableNetwork, x, y, *, ball: Ball, repair=None, steps: int = 40):
    """Five starts of PGD on the DLR loss: nearest repaired points that flip inside the ball, NaN where there is none."""
    nearest, evaluated = np.full_like(x, np.nan), []
    for start in range(5):
        rows = np.flatnonzero(np.isnan(nearest).any(axis=1))

        def gradients(points, lines, rows=rows):
            logits, back = network.vjp(points)
            return back(loss_of("dlr", logits, y[rows[lines]])[1])

        def flips(points, lines, rows=rows):
            repaired = points if repair is None else repair(points, rows[lines])
            inside = ball.holds(repaired, x[rows[lines]])
            evaluated.append(repaired[inside])
            hit = inside & (network.logits(repaired).argmax(axis=1) != y[rows[lines]])
            nearest[rows[lines[hit]]] = repaired[hit]
            return hit

        starts = ball.random_points(x[rows], streams_of(start, rows)) if start else x[rows]
        pgd_ascent(
            starts, gradients=gradients, flips=flips, norm=ball.norm, step=ball.epsilon / 8, steps=steps,
            project=lambda points, lines, rows=rows: ball.inside(points, x[rows[lines]]),
        )  # fmt: skip
    return nearest, np.concatenate(evaluated)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_pgd_counts_flips_of_repaired_rows_only(norm):
    x, y = rows_of(40, curved)
    x = np.round(x, 1)
    y = curved.logits(x).argmax(axis=1)
    movable = np.arange(D) < 6
    ball = Ball(norm=norm, epsilon=0.2 if norm == "linf" else 0.45)
    nearest, _ = ascend(
        curved, x, y, ball=ball, repair=lambda points, rows: np.where(movable, np.round(points, 1), x[rows])
    )
    found = ~np.isnan(nearest).any(axis=1)
    assert found.mean() > 0.3
    points = nearest[found]
    assert (points == np.round(points, 1)).all()
    assert (points[:, 6:] == x[found, 6:]).all()
    assert ball.holds(points, x[found]).all()
    assert (curved.logits(points).argmax(axis=1) != y[found]).all()


def test_pgd_finds_nothing_where_the_repair_leaves_the_ball():
    x, y = rows_of(10, curved)
    ball = Ball(norm="linf", epsilon=0.01)
    nearest, evaluated = ascend(curved, x, y, ball=ball, repair=lambda points, rows: points + 0.5, steps=5)
    assert len(evaluated) == 0
    assert np.isnan(nearest).all()


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_pgd_flips_a_linear_network_where_it_can_be_flipped(norm):
    x, y = rows_of(60, linear)
    distance = exact(x, y, norm)
    ball = Ball(norm=norm, epsilon=float(np.median(distance)))
    nearest, _ = ascend(linear, x, y, ball=ball)
    decided = np.abs(distance / ball.epsilon - 1) > 0.05
    assert (~np.isnan(nearest).any(axis=1) == (distance < ball.epsilon))[decided].all()


def test_pgd_stops_a_row_at_its_first_flip_and_where_a_step_leads_nowhere():
    asked: list[np.ndarray] = []

    def flips(points, rows):
        asked.append(rows.copy())
        return (points[:, 0] > 0.25) & (rows == 0)

    points, flipped = pgd_ascent(
        np.zeros((3, 1)), gradients=lambda points, rows: (rows[:, None] < 2).astype(float), flips=flips, norm="linf",
        project=lambda points, rows: np.minimum(points, 0.5), step=0.1, steps=20,
    )  # fmt: skip
    assert flipped.tolist() == [True, False, False]
    assert points[:, 0] == pytest.approx([0.3, 0.5, 0.0])
    assert [rows.tolist() for rows in asked] == [[0, 1, 2], [0, 1], [0, 1], [1], [1], [1]]
