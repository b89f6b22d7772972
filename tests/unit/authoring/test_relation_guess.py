"""Relations that a draft proposes: what the rows show is found with its support, and chance is not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from model_governance.authoring.relation_guess import propose_relations
from model_governance.contract.relations import Relation
from model_governance.contract.subject import Columns, Feature

COUNT = 600


def applicants() -> pd.DataFrame:
    draw = np.random.default_rng(4)
    frame = pd.DataFrame({"debt": draw.gamma(2, 900, COUNT), "annual income": draw.uniform(20e3, 150e3, COUNT)})
    frame["dti"] = (1200 * frame["debt"] / frame["annual income"]).round(2)
    frame["accounts"] = draw.integers(1, 12, COUNT)
    frame["open"] = draw.binomial(frame["accounts"], 0.6)
    home = draw.choice(["own", "rent", "other"], COUNT)
    frame = frame.assign(**{f"home_{name}": (home == name).astype(int) for name in ("own", "rent", "other")})
    frame["city"] = draw.choice([f"c{number}" for number in range(20)], COUNT)
    frame["state"] = "s" + (frame["city"].str[1:].astype(int) // 4).astype(str)
    frame["noise"] = draw.normal(size=COUNT)
    frame["channel"] = draw.choice(["web", "branch"], COUNT)
    return frame


def columns_of(frame: pd.DataFrame) -> Columns:
    kinds = {"f": "numeric", "i": "integer", "O": "category"}
    return Columns(
        features={name: Feature(kind=kinds.get(frame[name].dtype.kind, "category")) for name in frame.columns}
    )


def proposed(frame: pd.DataFrame) -> dict[str, float]:
    found = propose_relations(frame, columns_of(frame))
    return {Relation.model_validate(proposal.relation).text: proposal.support for proposal in found}


def test_what_the_rows_show_is_proposed_with_its_support():
    frame = applicants()
    frame.loc[:2, "dti"] += 7.0
    assert proposed(frame) == {
        "dti = 1200 * debt / `annual income`": 0.995, "open <= accounts": 1.0, "one of home_own, home_rent, home_other": 1.0,
        "city determines state": 1.0,
    }  # fmt: skip


def test_columns_that_have_nothing_to_do_with_one_another_are_left_alone():
    frame = applicants()
    draw = np.random.default_rng(1)
    for name in frame.columns:
        frame[name] = draw.permutation(frame[name])
    assert proposed(frame) == {}


def test_a_sum_is_proposed_once_and_not_as_its_differences():
    draw = np.random.default_rng(2)
    frame = pd.DataFrame({"a": draw.uniform(0, 9, COUNT), "b": draw.uniform(0, 9, COUNT)})
    assert list(proposed(frame.assign(total=frame["a"] + frame["b"]))) == ["total = a + b"]


def test_too_few_rows_show_nothing():
    assert proposed(applicants().head(30)) == {}
