"""Case T6: every row that an attack asks about obeys the relations between its columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier

from attack_cases import evasion, subject_of, table
from linked_rows import RELATIONS, linked_rows
from model_governance.attacks.relations import bind_relations
from model_governance.checks import find
from model_governance.checks.robustness.evasion.threat_space import row_space
from model_governance.checks.robustness.evasion.validity import valid_rows
from model_governance.contract.subject import Dataset, Subject
from model_governance.contract.threat_model import ThreatModel
from model_governance.errors import CheckError

LINKED = {
    "debt": {"kind": "numeric", "minimum": 0, "maximum": 200}, "income": {"kind": "numeric", "minimum": 10, "maximum": 200},
    "dti": {"kind": "numeric", "minimum": 0, "maximum": 5}, "open": {"kind": "integer"}, "accounts": {"kind": "integer"},
    "own": {"kind": "integer"}, "rent": {"kind": "integer"}, "other": {"kind": "integer"}, "city": {"kind": "category"},
    "state": {"kind": "category"},
}  # fmt: skip
STATES = {"Boston": "MA", "Salem": "MA", "Albany": "NY", "Buffalo": "NY", "Trenton": "NJ"}


def linked(*, relations=RELATIONS, count: int = 400, **threat) -> Subject:
    """Applicants whose columns depend on one another, and a boosted model that uses all of them."""
    draw = np.random.default_rng(21)
    frame, home = linked_rows(draw, count, STATES)
    frame = frame[list(LINKED)]
    bad = (
        3 * frame["dti"]
        + 0.2 * frame["open"]
        + 0.8 * (home == "rent")
        + (frame["state"] == "NY")
        - frame["income"] / 80
    )
    labels = (bad + draw.normal(0, 0.4, count) > bad.median()).astype(int).to_numpy()
    words = OneHotEncoder(handle_unknown="ignore")
    prepared = ColumnTransformer([("words", words, ["city", "state"])], remainder="passthrough")
    native = make_pipeline(prepared, XGBClassifier(n_estimators=25, max_depth=3, n_jobs=1)).fit(frame, labels)
    model = ThreatModel.model_validate({"relations": relations} | threat)
    return subject_of(native, frame, labels, LINKED, threat_model=model)


def possible(frame: pd.DataFrame) -> np.ndarray:
    """Which rows the world could make: the relations once more, written by hand."""
    ratio = np.abs(frame["dti"] - frame["debt"] / frame["income"]) <= 0.51e-4
    flags = frame[["own", "rent", "other"]]
    one = flags.isin([0, 1]).all(axis=1) & (flags.sum(axis=1) == 1)
    return (
        ratio & (frame["open"] <= frame["accounts"]) & one & (frame["city"].map(STATES) == frame["state"])
    ).to_numpy()


def test_t6_every_row_that_an_attack_asks_about_obeys_all_relations():
    asked: list[pd.DataFrame] = []
    subject = linked()

    def listening(frame):
        asked.append(frame.copy())
        return subject.model.call(frame)

    heard = replace(subject, model=replace(subject.model, call=listening))
    result = evasion(heard, categories="free", epsilon=0.15, attacks=["hopskipjump", "greedy"], samples=30)
    rows = pd.concat(asked)
    current = subject.features("current")
    assert len(rows) > 2_000
    assert possible(current).all()
    assert possible(rows).all()
    assert set(rows["dti"]) - set(current["dti"])
    assert set(map(tuple, rows[["city", "own"]].to_numpy())) - set(
        map(tuple, current[["city", "own"]].head(3).to_numpy())
    )
    assert result.metric("valid_share").value == 1.0
    assert result.metric("attack_success_rate", key="greedy").value > 0.3
    why = {row["feature"]: row["reason or source of the range"] for row in table(result, "threat_model")}
    assert why["dti"] == "recomputed: dti = debt / income"
    assert why["state"] == "recomputed: city determines state"


def test_t6_a_row_that_breaks_a_relation_is_not_valid_for_the_checker():
    subject = linked()
    frame = subject.features("current").head(6).reset_index(drop=True)
    frames = [("current", subject.features("current"))]
    relations = bind_relations(subject.threat_model.relations, subject.columns, frames)
    space = row_space(subject.columns, frames, threat=subject.threat_model, categories="free", relations=relations)
    assert valid_rows(space, frame, frame).all()
    broken = frame.copy()
    broken.loc[0, "debt"] += 5.0
    broken.loc[1, "open"] = broken.loc[1, "accounts"] + 1
    broken.loc[2, ["own", "rent", "other"]] = [1, 1, 0]
    broken.loc[3, "city"] = next(city for city, state in STATES.items() if state != frame.loc[3, "state"])
    broken.loc[4, "dti"] += 0.1
    assert valid_rows(space, frame, broken).tolist() == [False] * 5 + [True]


def test_t6_exact_says_in_words_that_it_is_not_available():
    with pytest.raises(
        CheckError, match=r"linear relations only, and one that ties columns that move is not: dti = debt / income"
    ):
        evasion(linked(), attacks=["exact"])
    free = linked(mutable=["debt"])
    assert any("the exact attack was not run: it takes linear" in note for note in evasion(free, samples=12).notes)
    linear = linked(relations=[{"inequality": "open <= accounts"}])
    with pytest.raises(CheckError, match=r"in norm l2 it moves every column by itself"):
        evasion(linear, attacks=["exact"], norm="l2")
    gaps = linked(relations=[{"inequality": "debt <= 20 * income"}], features={"debt": {"may_be_filled": True}})
    with pytest.raises(CheckError, match=r"a column of a relation may be left out or filled in: debt"):
        evasion(gaps, attacks=["exact"])


SUMS = [
    {"derived": "total = open + closed"}, {"inequality": "open - 2 <= closed"}, {"one_of": ["own", "rent", "other"]},
    {"derived": "`half paid` = 0.5 * paid - 1", "decimals": 1},
]  # fmt: skip


def summed(last) -> Subject:
    """Whole numbers with a sum, a difference, a half and flags; every allowed row can be listed."""
    draw = np.random.default_rng(8)
    frame = pd.DataFrame({"closed": draw.integers(0, 6, 400), "paid": draw.integers(0, 5, 400)})
    frame["open"] = np.minimum(draw.integers(0, 7, 400), frame["closed"] + 2)
    frame["total"], frame["half paid"] = frame["open"] + frame["closed"], (0.5 * frame["paid"] - 1).round(1)
    home = draw.choice(["own", "rent", "other"], 400)
    frame = frame.assign(**{name: (home == name).astype(int) for name in ("own", "rent", "other")})
    score = 2 * np.sin(frame["total"]) - 0.5 * frame["open"] + frame["half paid"] + (home == "rent")
    labels = (score + draw.normal(0, 0.6, 400) > score.median()).astype(int).to_numpy()
    kinds = {name: {"kind": "numeric" if name == "half paid" else "integer"} for name in frame.columns}
    threat = ThreatModel.model_validate({"relations": SUMS})
    return subject_of(last.fit(frame, labels), frame, labels, kinds, threat_model=threat)


@pytest.mark.parametrize("norm", ["linf", "cost"])
@pytest.mark.parametrize(
    "last",
    [XGBClassifier(n_estimators=12, max_depth=3, n_jobs=1), RandomForestClassifier(7, max_depth=4, random_state=0)],
    ids=["boosted", "forest"],
)
def test_exact_obeys_linear_relations_and_no_attack_comes_nearer(last, norm):
    result = evasion(summed(last), norm=norm, epsilon=0.25, samples=24, exact_rows=24)
    exact = result.metric("exact_attack_success_rate", key="exact@0.25")
    assert "undecided" not in exact.detail
    assert exact.value >= result.metric("attack_success_rate", key="greedy").value > 0.2
    assert result.metric("valid_share").value == 1.0
    assert result.metric("missed_share", key="exact@0.25").value <= 0.05
    for attack in ("greedy", "hopskipjump"):
        assert result.metric("optimality_gap", key=attack).value >= 0.0
    (solved,) = (row for row in table(result, "attacks") if row["attack"] == "exact")
    assert solved["flipped at any distance"] == solved["rows attacked"]


def test_t6_relations_between_columns_that_stay_leave_exact_as_it_is():
    still = linked(mutable=["city"], relations=RELATIONS[:3])
    result = evasion(still, attacks=["exact"], samples=12)
    assert result.metric("exact_attack_success_rate", key="exact@0.1").n > 0


def test_t6_rows_that_break_a_relation_already_are_not_attacked_and_counted():
    subject = linked()
    frame = subject.datasets["current"].frame.copy()
    frame.loc[:39, "dti"] += 1.0
    steps = {
        row["step"]: row for row in table(evasion(subject.with_frame("current", frame), attacks=["greedy"]), "rows")
    }
    assert steps["that can be attacked"]["rows"] == 360
    assert steps["that can be attacked"]["remark"].startswith("40 hold infinite values")


def test_t6_a_relation_that_the_data_contradict_is_an_error():
    with pytest.raises(CheckError, match=r"dti = income / debt holds in \d% of 400 rows of current"):
        evasion(linked(relations=[{"derived": "dti = income / debt"}]))


@pytest.mark.parametrize("outputs", ["probabilities", "label"])
@pytest.mark.parametrize("kind", ["model_inversion", "model_extraction"])
def test_t6_queries_of_privacy_attacks_obey_all_relations(kind, outputs):
    asked: list[pd.DataFrame] = []
    subject = linked(count=700)
    rows = subject.datasets["current"].frame

    def listening(call):
        return lambda frame: (asked.append(frame.copy()), call(frame))[1]

    heard = replace(subject.model, call=listening(subject.model.call), call_proba=listening(subject.model.call_proba))
    roles = {"train": rows.head(300), "reference": rows.tail(400).reset_index(drop=True)}
    data = {role: Dataset(role=role, uri=role, sha256=role, frame=frame) for role, frame in roles.items()}
    check = find(kind)
    small = {
        "model_inversion": {"restarts": 6, "sweeps": 1, "refinements": 3},
        "model_extraction": {"query_budgets": [100]},
    }
    params = check.params.model_validate(small[kind] | {"attacker_access": {"outputs": outputs}})
    check.measure(replace(subject, model=heard, datasets=data), params, 1)
    made = pd.concat(asked)
    assert len(set(made["debt"]) - set(rows["debt"])) > 0 or kind == "model_extraction"
    assert possible(made).all()


def test_t6_corrupted_rows_obey_all_relations_and_what_follows_from_a_gap_is_missing():
    asked: list[pd.DataFrame] = []
    subject = linked()

    def listening(frame):
        asked.append(frame.copy())
        return subject.model.call(frame)

    heard = replace(subject, model=replace(subject.model, call=listening))
    check = find("corruption")
    result = check.measure(heard, check.params.model_validate({"samples": 300, "severities": [1, 5]}), 1)
    made = pd.concat(asked, ignore_index=True)
    whole = made[made.notna().all(axis=1)]
    assert len(whole) > 3_000
    assert possible(whole).all()
    assert set(whole["dti"]) - set(subject.features("current")["dti"])
    gone = made["debt"].isna() | made["income"].isna()
    assert gone.sum() > 100
    assert made.loc[gone, "dti"].isna().all()
    assert made.loc[made["city"].isna(), "state"].isna().all()
    assert "dti" not in {row["column"] for row in table(result, "fragile_columns")}
    assert any("relations of the threat model hold in corrupted rows" in note for note in result.notes)


def test_t6_categoricals_can_be_corrupted_by_values_that_they_never_held():
    subject = linked()
    frame = subject.datasets["current"].frame
    typed = frame.assign(**{name: frame[name].astype("category") for name in ("city", "state")})
    check = find("corruption")
    params = check.params.model_validate(
        {"samples": 200, "corruptions": ["unseen_category", "missing"], "severities": [5]}
    )
    result = check.measure(subject.with_frame("current", typed), params, 1)
    assert result.metric("drop", key="missing@5").value is not None
