"""Laws of the rows that attacks make: whatever the threat model and the point, the row is one it allows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_governance.checks.robustness.evasion.answers import Answers
from model_governance.checks.robustness.evasion.greedy import search
from model_governance.checks.robustness.evasion.queries import Queries
from model_governance.checks.robustness.evasion.threat_space import row_space
from model_governance.checks.robustness.evasion.validity import valid_rows
from model_governance.contract.subject import Columns, Feature, Model
from model_governance.contract.threat_model import ThreatModel

COLUMNS = Columns(
    features={
        "amount": Feature(kind="numeric"),
        "age": Feature(kind="integer", minimum=18, maximum=60),
        "shop": Feature(kind="category"),
        "vip": Feature(kind="boolean"),
        "fixed": Feature(kind="category", mutable=False),
    }
)
ROWS = pd.DataFrame(
    {
        "amount": np.array([0.0, 12.5, 40.0, 99.9, 100.0, 63.1]),
        "age": np.array([18, 25, 60, 41, 70, 33]),  # 70 lies beyond the range
        "shop": ["a", "b", "c", "d", "a", "b"],
        "vip": [True, False, True, False, True, False],
        "fixed": list("uvwxyz"),
    }
)

numbers = st.fixed_dictionaries(
    {},
    optional={
        "minimum": st.sampled_from([0.0, 10.0]),
        "maximum": st.sampled_from([50.0, 90.0]),
        "step": st.sampled_from([1.0, 5.0]),
        "direction": st.sampled_from(["up", "down"]),
        "cost": st.sampled_from([0.0, 0.5, 4.0]),
    },
)
shop_moves = st.sampled_from(["any", "none", ["a", "b"], {"a": ["b"], "b": ["a", "d"], "d": ["c"]}])


def _threat(amount: dict, age: dict, shop: object, *, grows: bool) -> ThreatModel:
    features = {
        "amount": {"mutable": True, **amount}, "age": age, "shop": {"mutable": True, "moves": shop},
        "vip": {"mutable": not grows},
    }  # fmt: skip
    return ThreatModel.model_validate({"features": features, "increase_only": ["age"] if grows else []})


threats = st.builds(_threat, numbers, numbers, shop_moves, grows=st.booleans())


def allowed(threat: ThreatModel, before: pd.Series, after: pd.Series) -> bool:
    """The policy's words, read once more from scratch."""
    for name, feature in COLUMNS.features.items():
        old, new = before[name], after[name]
        rule = threat.capability(name, kind=feature.kind, mutable=feature.mutable)
        if old == new:
            continue
        if not rule.moves:
            return False
        if feature.kind in ("numeric", "integer"):
            low = next(one for one in (rule.minimum, feature.minimum, ROWS[name].min()) if one is not None)
            high = next(one for one in (rule.maximum, feature.maximum, ROWS[name].max()) if one is not None)
            step = rule.step or (1.0 if name == "age" else None)
            right_way = rule.direction is None or (new > old) == (rule.direction == "up")
            on_grid = step is None or abs(new / step - round(new / step)) < 1e-6
            if not (low - 1e-6 <= new <= high + 1e-6 and right_way and on_grid):
                return False
        elif (isinstance(rule.allowed, dict) and new not in rule.allowed.get(old, ())) or (
            isinstance(rule.allowed, tuple) and new not in rule.allowed
        ):
            return False
    return True


@settings(max_examples=60, deadline=None)
@given(threat=threats, seed=st.integers(0, 2**31), inward=st.booleans())
def test_every_point_becomes_a_row_that_the_threat_model_allows(threat, seed, inward):
    space = row_space(COLUMNS, [("current", ROWS)], threat=threat, categories="fixed")
    origins = space.place(ROWS)
    draw = np.random.default_rng(seed)
    rows = draw.integers(0, len(ROWS), 40)
    points = draw.uniform(-0.5, 1.5, (40, space.width)).astype(np.float32)
    keep = draw.random(points.shape) < 0.3
    points[keep] = origins.encoded[rows][keep]
    moves = space.moves(points, origins, rows, inward=inward)
    if inward:
        asked = (points - origins.encoded[rows])[:, : len(space.axes)] * space.spans
        lows, highs = np.array([one.low for one in space.axes]), np.array([one.high for one in space.axes])
        values = origins.values[rows]
        # A row from beyond a range can only come back into it.
        inside = (values >= lows) & (values <= highs)
        assert (np.abs(moves.deltas) <= np.abs(asked) + 1e-4 * space.spans)[inside].all()
    made = space.rows(moves, origins, rows)
    before = ROWS.iloc[rows].reset_index(drop=True)
    assert (made.dtypes == ROWS.dtypes).all()
    assert valid_rows(space, before, made).all()
    assert all(allowed(threat, before.iloc[one], made.iloc[one]) for one in range(40))


@settings(max_examples=12, deadline=None)
@given(threat=threats, seed=st.integers(0, 2**31), norm=st.sampled_from(["linf", "l2", "cost"]))
def test_greedy_search_asks_within_its_budget_and_about_allowed_rows_only(threat, seed, norm):
    asked: list[pd.DataFrame] = []

    def chances(frame: pd.DataFrame) -> np.ndarray:
        asked.append(frame)
        score = (frame["amount"] / 100 + frame["age"] / 60 + (frame["shop"] == "c") - 0.5 * frame["vip"]).to_numpy(
            float
        )
        chance = 1 / (1 + np.exp(-3 * (score - 1)))
        return np.column_stack([1 - chance, chance])

    model = Model(
        name="m", format="skops", sha256="", task="binary_classification", native=None, classes=(0, 1),
        call=lambda frame: chances(frame).argmax(axis=1), call_proba=chances,
    )  # fmt: skip
    space = row_space(COLUMNS, [("current", ROWS)], threat=threat, categories="fixed")
    queries = Queries(model, space, space.place(ROWS), Answers(predicted=model.predict(ROWS)), norm)
    asked.clear()
    search(queries, np.arange(len(ROWS)), 0.3, seed=seed)
    for frame in asked:
        owners = [ROWS.index[ROWS["fixed"] == one][0] for one in frame["fixed"]]
        assert all(allowed(threat, ROWS.iloc[own], frame.iloc[one]) for one, own in enumerate(owners))
    flipped = np.flatnonzero(np.isfinite(queries.nearest))
    assert (queries.nearest[flipped] <= 0.3 + 1e-6).all()
    sizes = space.distance(queries.best.take(flipped), norm)
    assert np.allclose(sizes, queries.nearest[flipped])


@pytest.mark.parametrize(
    ("column", "value"), [("amount", 100.5), ("age", 25.5), ("age", 61), ("shop", "z"), ("fixed", "q"), ("vip", "yes")]
)
def test_a_row_that_nobody_could_send_is_seen(column, value):
    threat = ThreatModel.model_validate({"features": {"shop": {"moves": "any"}, "vip": {"mutable": True}}})
    space = row_space(COLUMNS, [("current", ROWS)], threat=threat, categories="fixed")
    before = ROWS.astype(object)
    after = before.copy()
    after.loc[1, column] = value
    assert valid_rows(space, before, after).tolist() == [True, False, True, True, True, True]


def test_rows_of_another_shape_are_seen():
    space = row_space(COLUMNS, [("current", ROWS)], threat=ThreatModel(), categories="fixed")
    assert not valid_rows(space, ROWS, ROWS.astype({"age": "float64"})).any()
    assert not valid_rows(space, ROWS, ROWS[list(reversed(ROWS.columns))]).any()


def test_a_move_the_wrong_way_or_to_a_closed_value_is_seen():
    threat = ThreatModel.model_validate(
        {"features": {"amount": {"direction": "up"}, "shop": {"moves": {"a": ["b"]}}, "age": {"step": 5}}}
    )
    space = row_space(COLUMNS, [("current", ROWS)], threat=threat, categories="fixed")
    down = ROWS.assign(amount=ROWS["amount"] - 1)
    assert not valid_rows(space, ROWS, down).any()
    closed = ROWS.assign(shop=["b", "a", "c", "d", "c", "b"])
    assert valid_rows(space, ROWS, closed).tolist() == [True, False, True, True, False, True]
    off_grid = ROWS.assign(age=[20, 26, 60, 41, 70, 33])
    assert valid_rows(space, ROWS, off_grid).tolist() == [True, False, True, True, True, True]
