"""Membership attacks against their formulas written out row by row, and against models whose leakage is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, norm

from model_governance.checks.privacy.membership_inference import ensemble, lira, quantile, rmia
from model_governance.checks.privacy.membership_inference.rates import (
    auc,
    cross_validated_advantage,
    operating_point,
    permuted_tpr,
)
from model_governance.checks.privacy.membership_inference.references import References, draw_subsets
from model_governance.checks.privacy.membership_inference.signals import (
    Signals,
    SignalTransform,
    fit_transform,
    of_classes,
    of_residuals,
)


@pytest.fixture(scope="module")
def some() -> tuple[Signals, References]:
    """Thirty records and five models; every model was trained on record 0 and none on record 1."""
    draw = np.random.default_rng(1)
    inside = draw.random((5, 30)) < 0.5
    inside[:, 0], inside[:, 1] = True, False
    target = of_classes(draw.uniform(0.01, 0.99, 30), floor=1e-6)
    return target, References(of_classes(draw.uniform(0.01, 0.99, (5, 30)), floor=1e-6), inside)


def split(values: np.ndarray, inside: np.ndarray) -> tuple[list[float], list[float]]:
    """What models say without and with a record."""
    return [v for v, i in zip(values, inside, strict=True) if not i], [
        v for v, i in zip(values, inside, strict=True) if i
    ]


@pytest.mark.parametrize("a", [0.0, 0.3, 1.0])
def test_rmia_offline_is_its_formula(some, a):
    target, references = some
    scores = rmia.offline(target, references, a=a)
    for x in range(30):
        every = references.signals.confidence[:, x]
        out, _ = split(every, references.inside[:, x])
        mean = sum(out) / len(out) if out else sum(every) / 5
        assert scores[x] == pytest.approx(target.confidence[x] / (((1 + a) * mean + (1 - a)) / 2), rel=1e-12)


def test_rmia_online_is_its_formula(some):
    target, references = some
    scores = rmia.online(target, references)
    for x in range(30):
        every = references.signals.confidence[:, x]
        means = [sum(one) / len(one) if one else sum(every) / 5 for one in split(every, references.inside[:, x])]
        assert scores[x] == pytest.approx(target.confidence[x] / (sum(means) / 2), rel=1e-12)


def test_the_share_of_a_population_keeps_the_order_of_the_ratios(some):
    target, references = some
    ratios, population = rmia.offline(target, references), np.random.default_rng(2).uniform(0, 2, 400)
    shares = np.array([(population <= ratio).mean() for ratio in ratios])
    assert len(np.unique(shares)) > 10
    assert (np.lexsort((ratios, shares)) == np.argsort(ratios)).all()


def gaussian(value: float, mean: float, spread: float) -> float:
    return math.log(math.exp(-0.5 * ((value - mean) / spread) ** 2) / (spread * math.sqrt(2 * math.pi)))


def test_lira_is_its_formula(some):
    target, references = some
    phi, inside = references.signals.certainty, references.inside
    overall = phi[~inside].mean(), phi[inside].mean()
    means = [
        [sum(one) / len(one) if one else overall[side] for side, one in enumerate(split(phi[:, x], inside[:, x]))]
        for x in range(30)
    ]
    spreads = [
        math.sqrt(np.mean([(phi[k, x] - means[x][side]) ** 2 for k in range(5) for x in range(30) if inside[k, x] == side]))
        for side in (0, 1)
    ]  # fmt: skip
    offline, online = lira.offline(target, references), lira.online(target, references)
    for x in range(30):
        own = target.certainty[x]
        assert offline[x] == pytest.approx(norm.logcdf((own - means[x][0]) / spreads[0]), rel=1e-9)
        ratio = gaussian(own, means[x][1], spreads[1]) - gaussian(own, means[x][0], spreads[0])
        assert online[x] == pytest.approx(ratio, rel=1e-9)


def test_lira_does_not_saturate_where_a_probability_would():
    target = Signals(np.array([0.5, 0.5]), np.array([40.0, 60.0]))
    references = References(
        Signals(np.full((4, 2), 0.5), np.array([[0.0, 1.0]] * 2 + [[1.0, 0.0]] * 2)), np.zeros((4, 2), dtype=bool)
    )
    low = Signals(target.confidence, -target.certainty)
    assert norm.cdf(40) == norm.cdf(60) == 1
    assert len(set(lira.offline(low, references).tolist())) == 2


def test_many_models_get_a_variance_for_each_record():
    draw = np.random.default_rng(3)
    inside, spread = draw_subsets(64, 3, root_seed=1), np.array([0.1, 1.0, 10.0])
    phi = draw.normal(0, spread, (64, 3))
    references = References(Signals(np.full((64, 3), 0.5), phi), inside)
    one = lira.online(Signals(np.full(3, 0.5), spread), references)
    for x in range(3):
        out, within = (np.array(side) for side in split(phi[:, x], inside[:, x]))
        expected = norm.logpdf(spread[x], within.mean(), within.std()) - norm.logpdf(spread[x], out.mean(), out.std())
        assert one[x] == pytest.approx(expected, rel=1e-9)


def test_signals_are_their_formulas():
    seen = of_classes(np.array([0.0, 0.5, 0.9, 1.0]), floor=1e-3)
    assert seen.certainty == pytest.approx([math.log(0.001 / 0.999), 0, math.log(9), math.log(999)])
    assert fit_transform(np.array([0.2, 1.0, 0.97, 1.0]), residuals=False).floor == 1e-3
    assert fit_transform(np.array([0.2, 0.99, 0.97]), residuals=False).floor == 1e-6
    wrong = of_residuals(np.array([0.0, -2.0, 6.0]), scale=2.0)
    assert wrong.certainty == pytest.approx([-math.log(0.5), -math.log(1.5), -math.log(3.5)])
    assert wrong.confidence == pytest.approx([1, 1 / 3, 1 / 7])
    assert fit_transform(np.array([-1.0, 3.0, 2.0]), residuals=True) == SignalTransform(residuals=True, scale=2.0)


def mean_of_gaussians(*, rows: int, width: int, shared: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """LiRA's scores of members and non-members where the model is the mean of its rows, seen by 16 references."""
    draw, models = np.random.default_rng(seed), 16
    pool = draw.normal(size=(2 * rows, width))
    target = pool[:rows].mean(axis=0)
    if shared:
        inside = draw_subsets(models, 2 * rows, root_seed=seed)
        means = np.array([pool[one].mean(axis=0) for one in inside])
    else:
        inside = np.zeros((models, 2 * rows), dtype=bool)
        means = draw.normal(size=(models, rows, width)).mean(axis=1)

    def certainty(mean: np.ndarray) -> np.ndarray:
        return -0.5 * np.square(pool - mean).sum(axis=1)

    references = References(Signals(np.zeros(inside.shape), np.array([certainty(one) for one in means])), inside)
    scores = lira.offline(Signals(np.zeros(2 * rows), certainty(target)), references)
    return scores[:rows], scores[rows:]


@pytest.mark.parametrize(("rows", "width"), [(100, 50), (100, 20)])
@pytest.mark.parametrize("shared", [False, True])
def test_a_mean_of_gaussians_leaks_what_theory_says(rows, width, shared):
    # A member's score lies width / rows above a non-member's. Its spread is that of the target around the mean of the
    # references: 1/rows + 1/(16 rows) for strangers; in a shared pool half of the first, and 8 of 16 models without it.
    variance = (1 / 2 + 1 / 16) if shared else (1 + 1 / 16)
    truth = norm.cdf(math.sqrt(width / rows / variance) / math.sqrt(2))
    found = [auc(*mean_of_gaussians(rows=rows, width=width, shared=shared, seed=seed))[0] for seed in range(30)]
    assert np.mean(found) == pytest.approx(truth, abs=0.02)


def test_a_tuned_a_is_one_that_finds_the_most_members_of_the_references():
    draw = np.random.default_rng(4)
    inside = draw_subsets(4, 800, root_seed=2)
    hard = draw.uniform(0.3, 0.9, 800)
    confidence = np.clip(hard + 0.05 * inside + draw.normal(0, 0.02, (4, 800)), 0.01, 0.99)
    references = References(of_classes(confidence, floor=1e-6), inside)

    def found(a: float) -> float:
        total = 0.0
        for k in range(4):
            ratio = rmia.offline(references.signals.rows(k), references.without(k), a=a)
            point = operating_point(ratio[inside[k]], ratio[~inside[k]], fpr=0.01)
            total += point.tpr
        return total

    chosen = rmia.tuned(references)
    assert found(chosen) == max(found(a) for a in rmia.GRID)
    assert chosen != rmia.PUBLISHED
    assert rmia.tuned(References(references.signals.rows(slice(1)), inside[:1])) == rmia.PUBLISHED


def leaking(rows: int, *, leak: float, seed: int, models: int = 4) -> tuple[Signals, References]:
    """A target trained on the first half of `rows` records, whose certainty of its members lies `leak` higher."""
    draw = np.random.default_rng(seed)
    inside = draw_subsets(models, rows, root_seed=seed)
    hard = draw.normal(0, 2, rows)
    member = np.arange(rows) < rows // 2
    seen = hard + leak * np.vstack([inside, member]) + draw.normal(0, 0.5, (models + 1, rows))
    signals = of_classes(1 / (1 + np.exp(-seen)), floor=1e-6)
    return signals.rows(models), References(signals.rows(slice(models)), inside)


ATTACKS = {
    "rmia": lambda target, references: rmia.offline(target, references, a=rmia.tuned(references)),
    "rmia_online": rmia.online,
    "lira": lira.online,
    "lira_offline": lira.offline,
    "ensemble": lambda target, references: ensemble.scores(target, references, seed=0),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_finds_what_leaks(attack):
    target, references = leaking(1200, leak=1.0, seed=5)
    scores = ATTACKS[attack](target, references)
    assert auc(scores[:600], scores[600:])[1][0] > 0.65


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_accuses_nobody_where_nothing_leaks(attack):
    wrong = dict.fromkeys(("auc", "tpr", "advantage"), 0)
    for seed in range(20):
        target, references = leaking(400, leak=0.0, seed=seed, models=3)
        scores = ATTACKS[attack](target, references)
        members, others = scores[:200], scores[200:]
        wrong["auc"] += auc(members, others)[1][0] > 0.5
        wrong["tpr"] += operating_point(members, others, fpr=0.05).interval[0] > 0.05
        wrong["advantage"] += cross_validated_advantage(members, others).interval()[0] > 0
    # Each may be wrong in one of 40 runs: more than three of 20 would happen once in 700 such tests.
    assert all(count <= 3 for count in wrong.values()), wrong


def test_a_quantile_regression_is_not_scored_on_its_own_rows():
    own, strangers = [], []
    for seed in range(3):
        draw = np.random.default_rng(seed)
        rows, certainty = draw.normal(size=(900, 12)), draw.normal(size=900)
        fitting = rows[:300], certainty[:300]
        scores = quantile.scores(fitting, (rows[300:], certainty[300:]), seed=0)
        low, high = auc(scores[:300], scores[300:])[1]
        assert low < 0.5 < high
        strangers.append(scores)
        own.append(quantile.scores(fitting, fitting, seed=0))
    # Beside the fitted rows every stranger looks exposed: it passes the quantile several times as often.
    assert (np.array(strangers) > 0).mean() > 3 * (np.array(own) > 0).mean()


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_the_interval_of_the_rate_covers_the_truth_although_its_threshold_is_estimated(shift):
    fpr, truth = 0.01, norm.cdf(norm.ppf(0.01) + shift)
    covered = given = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        point = operating_point(draw.normal(shift, 1, 500), draw.normal(0, 1, 500), fpr=fpr)
        covered += point.interval[0] <= truth <= point.interval[1]
        given += point.binomial_interval[0] <= truth <= point.binomial_interval[1]
    assert binom.cdf(covered, 200, 0.95) > 0.001
    assert given < 185


def test_a_rate_that_is_held_keeps_its_promise():
    broken = 0
    for seed in range(300):
        draw = np.random.default_rng(seed)
        others = draw.normal(size=500)
        # Members spread evenly over the tail tell the true rate of the threshold that was used.
        members = np.sort(norm.isf(np.linspace(0, 0.05, 5001)[1:]))
        point = operating_point(members, others, fpr=0.02)
        broken += 0.05 * point.guaranteed_tpr > 0.02 + 1e-4
    assert binom.sf(broken - 1, 300, 0.025) > 0.001


def test_a_crossed_advantage_earns_nothing_by_chance_and_finds_what_is_there():
    found = []
    for seed in range(100):
        draw = np.random.default_rng(seed)
        found.append(cross_validated_advantage(draw.normal(size=200), draw.normal(size=150)).value)
    assert abs(np.mean(found)) < 4 * np.std(found) / 10
    draw = np.random.default_rng(1)
    limits = cross_validated_advantage(draw.normal(1, 1, 4000), draw.normal(0, 1, 4000))
    low, high = limits.interval()
    assert limits.value == pytest.approx(2 * norm.cdf(0.5) - 1, abs=0.04)
    assert low < limits.value < high


def test_by_lot_every_attack_names_as_many_as_it_accuses():
    draw = np.random.default_rng(7)
    mean, (low, high) = permuted_tpr(draw.normal(3, 1, 500), draw.normal(0, 1, 500), fpr=0.05, seed=1)
    assert mean == pytest.approx(0.05, abs=0.005)
    assert low < 0.05 < high
    assert permuted_tpr(np.ones(50), np.ones(50), fpr=0.1, seed=1)[0] == 0


def test_sides_that_do_not_touch_still_have_an_interval():
    value, (low, high) = auc(np.arange(50.0) + 100, np.arange(40.0))
    assert (value, high) == (1, 1)
    assert low == pytest.approx(0.912, abs=0.001)
    assert auc(np.arange(40.0), np.arange(50.0) + 100)[1] == pytest.approx((0, 1 - low), abs=1e-9)


def test_more_models_keep_the_subsets_of_fewer():
    assert (draw_subsets(8, 500, root_seed=9)[:3] == draw_subsets(3, 500, root_seed=9)).all()
    assert (draw_subsets(3, 500, root_seed=9) != draw_subsets(3, 500, root_seed=10)).any()
    assert draw_subsets(20, 500, root_seed=9).mean() == pytest.approx(0.5, abs=0.02)
