from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from model_governance.checks.data.data_drift.column_drift import compare_columns, row_statistics
from model_governance.checks.data.data_drift.row_dependence import RowDependence
from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.dependence import INDEPENDENT, Dependence, DesignEffect
from model_governance.engine.profiles import profile_of
from model_governance.engine.witnesses import compare_functions
from model_governance.stats.limits import WassersteinLimits

LAWS = {
    "normal": lambda draw, n: draw.normal(size=n),
    "skewed": lambda draw, n: draw.lognormal(size=n),
    "very heavy tails": lambda draw, n: draw.standard_t(2, n),
    "mostly zero": lambda draw, n: np.where(draw.random(n) < 0.8, 0.0, draw.exponential(size=n)),
    "few values": lambda draw, n: draw.poisson(1, n).astype(float),
}


def profiles(reference, current):
    sides = [
        open_relation(
            Dataset(role=role, uri=role, sha256="0" * 64, frame=pd.DataFrame({"x": np.asarray(values, dtype=float)}))
        )
        for role, values in (("reference", reference), ("current", current))
    ]
    frozen = profile_of(sides[0], {"x": "numbers"})
    return sides, frozen, profile_of(sides[1], {"x": "numbers"}, cells=frozen.cells)


def distance(reference, current, **options):
    sides, before, now = profiles(reference, current)
    statistics = row_statistics(*sides, {"x": "numbers"})
    (found,) = compare_columns(before, now, statistics=statistics, **options)
    return found.wasserstein


def witnesses(before, now, *, unit):
    return tuple(one for _, one in compare_functions(before.columns["x"], now.columns["x"], unit=unit))


def alone(found):
    """The limits without the witnesses."""
    return replace(found.limits, witnesses=())


@pytest.mark.parametrize("law", LAWS)
def test_witnesses_of_one_law_differ_no_more_than_chance_allows(law):
    draw, found, n, m = np.random.default_rng(7), [], 1_500, 300
    nothing = {"value": 1e9, "error": 1e9, "mean": 1e9, "deviation": 1e8}
    for _ in range(300):
        _, before, now = profiles(LAWS[law](draw, n), LAWS[law](draw, m))
        seen = witnesses(before, now, unit=1.0)
        assert seen
        found.append(WassersteinLimits(**nothing, witnesses=seen).p_above(0.0))
    assert np.mean(np.array(found) <= 0.1) <= 0.09 + 3.5 * 0.0165, "nine tenths of a level are theirs"


def test_a_spread_that_grows_by_a_sixth_is_seen_where_the_distance_alone_sees_nothing():
    draw = np.random.default_rng(11)
    reference = draw.normal(size=10_000)
    found = [distance(reference, draw.normal(scale=1.15, size=1_000)) for _ in range(20)]
    assert np.median([alone(one).p_above(0.0) for one in found]) > 0.002
    assert np.median([one.limits.p_above(0.0) for one in found]) < 1e-4


def test_a_shift_is_seen_sooner_and_the_stated_one_is_seen():
    draw, tail = np.random.default_rng(12), 1e-4
    reference = draw.normal(size=10_000)
    unchanged = distance(reference, draw.normal(size=1_000))
    stated = unchanged.limits.detectable(0.0, tail)
    assert stated < alone(unchanged).detectable(0.0, tail)
    moved = [distance(draw.normal(size=10_000), draw.normal(stated, size=1_000)) for _ in range(100)]
    assert np.mean([one.limits.low(tail) > 0 for one in moved]) >= 0.88, "95 in 100, less three standard errors"


def test_a_true_distance_at_the_bound_is_exceeded_no_more_often_than_stated():
    draw = np.random.default_rng(13)
    reference = draw.exponential(size=5_000)
    unit = distance(reference, draw.exponential(size=500)).unit
    found = [distance(reference, draw.exponential(size=500) + 0.1).limits.p_above(0.1 / unit) for _ in range(120)]
    assert np.mean(np.array(found) <= 0.1) <= 0.1 + 0.08


def test_values_of_few_kinds_are_compared_by_hand():
    reference = np.repeat([0.0, 1.0, 3.0], [400, 400, 200])
    current = np.repeat([0.0, 1.0, 3.0], [200, 200, 100])
    current[:50] = 3.0
    _, before, now = profiles(reference, current)
    middle, spread = witnesses(before, now, unit=2.0)
    assert middle[0] == pytest.approx((50 * 3 / 500) / 2)
    assert spread[0] == pytest.approx((50 * (2 - 1) / 500) / 2)
    assert middle[3] == pytest.approx(0.4), "a shift moves the rows between the ends"


def test_a_few_extreme_values_widen_no_witness():
    draw = np.random.default_rng(14)
    reference, current = draw.normal(size=5_000), draw.normal(0.3, size=1_000)
    far = current.copy()
    far[:3] = 1e9
    plain, blown = distance(reference, current).limits, distance(reference, far).limits
    assert blown.witnesses[0][1] == pytest.approx(plain.witnesses[0][1], rel=0.05)
    assert blown.p_above(0.0) < 1e-9 < alone(distance(reference, far)).p_above(0.0)


def test_a_column_that_hardly_varies_has_no_witness():
    reference, current = np.zeros(5_000), np.zeros(1_000)
    reference[:100], current[:30] = 1.0, 1.0
    assert distance(reference, current).limits.witnesses == ()


def test_no_witness_says_more_than_the_distance():
    draw = np.random.default_rng(15)
    for law in LAWS.values():
        found = distance(law(draw, 2_000), law(draw, 400) + 0.2)
        assert all(difference <= found.value for difference, *_ in found.limits.witnesses)


def test_dependent_rows_widen_witnesses_as_they_widen_the_distance():
    draw = np.random.default_rng(16)
    rows = draw.normal(size=3_000), draw.normal(size=600)
    plain = distance(*rows).limits
    wider = distance(*rows, dependence=RowDependence(values={"x": Dependence.of(DesignEffect(mean=4.0))})).limits
    for own, one in zip(wider.witnesses, plain.witnesses, strict=True):
        assert own[1] == pytest.approx(2 * one[1])
    assert wider == plain.inflated(4.0)


def of_runs(draw, reference, *, level, spread, rows=1_000):
    """The column of 30 earlier runs, on the cells of the reference."""
    found = []
    for _ in range(30):
        scale = np.exp(draw.normal(0, spread))
        values = draw.normal(draw.normal(0, level), scale, rows)
        found.append(profiles(reference, values)[2].columns["x"])
    return tuple(found)


def learnt(runs):
    """What the check knows where the level moves: noise of all directions, and none of clusters."""
    noisy = Dependence.of(DesignEffect(mean=1.5, unevenness=1.0, largest=8.0, directions=9))
    return RowDependence(values={"x": noisy}, clusters={"x": INDEPENDENT}, runs={"x": runs})


def test_a_level_that_moves_from_day_to_day_hides_no_change_of_the_spread():
    draw = np.random.default_rng(17)
    reference = draw.normal(size=10_000)
    noise = learnt(of_runs(draw, reference, level=0.1, spread=0.0))
    wider = [distance(reference, draw.normal(draw.normal(0, 0.1), 1.15, 1_000), dependence=noise) for _ in range(9)]
    assert np.median([one.limits.p_above(0.0) for one in wider]) < 1e-4


def test_a_spread_that_changes_from_day_to_day_is_no_drift():
    draw = np.random.default_rng(18)
    reference = draw.normal(size=10_000)
    noise = learnt(of_runs(draw, reference, level=0.0, spread=0.1))
    days = [draw.normal(0, np.exp(draw.normal(0, 0.1)), 1_000) for _ in range(20)]
    assert min(distance(reference, day).limits.p_above(0.0) for day in days) < 1e-4, "without earlier runs"
    assert min(distance(reference, day, dependence=noise).limits.p_above(0.0) for day in days) > 1e-4


def test_noise_of_the_bulk_says_nothing_of_values_beyond_the_reference():
    draw = np.random.default_rng(19)
    reference, current = draw.normal(size=5_000), draw.normal(size=500)
    current[:6] = 50.0
    sides, before, now = profiles(reference, current)
    found = [
        compare_columns(before, now, statistics=row_statistics(*sides, {"x": "numbers"}), dependence=dependence)[0]
        for dependence in (RowDependence(), learnt(()))
    ]
    assert found[0].unseen.limits == found[1].unseen.limits
    assert found[1].psi.limits != found[0].psi.limits
