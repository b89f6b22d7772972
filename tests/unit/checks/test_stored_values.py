"""Whatever data_drift and fairness store of a dataset of unique values and groups of one row, it names none of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import synthetic
from model_governance.checks.data.data_drift import CHECK as DRIFT
from model_governance.checks.quality.fairness import CHECK as FAIRNESS
from model_governance.contract.result import canonical_json
from model_governance.engine.stored_profiles import read_profile

ROWS = 1200
SECRET = re.compile(rb"secret-\d+")


def rows(seed):
    draw = np.random.default_rng(seed)
    frame = synthetic.rows(ROWS, seed=seed)
    income = draw.gamma(4.0, 15.0, ROWS)
    income[:3] = [173.512345, 181.123457, 199.987653]
    region = frame["region"].to_numpy(dtype=object)
    region[:4] = [f"secret-{seed}{number}" for number in range(4)]
    return frame.assign(
        income=income, debt=np.round(draw.lognormal(3, 0.5, ROWS).clip(0, 99), 2), age=draw.permutation(ROWS) * 7.0 + seed,
        region=region,
    )  # fmt: skip


@pytest.fixture(scope="module")
def subject():
    healthy = synthetic.subject()
    model = replace(
        healthy.model, native=None, call=lambda frame: (frame["debt"] > 20).astype(int).to_numpy(), call_proba=None
    )
    for role, seed in (("reference", 1), ("current", 2)):
        healthy = healthy.with_frame(role, rows(seed))
    return replace(healthy, model=model)


@pytest.fixture(scope="module")
def drift(subject):
    return DRIFT.measure(subject, DRIFT.params(), 4)


def kept(result):
    return {"check.json": canonical_json(result.record())} | {one.name: one.content for one in result.artifacts}


def test_no_label_of_a_single_row_is_stored(subject, drift):
    params = FAIRNESS.params.model_validate({"groups": ["region"], "resamples": 500})
    for result in (drift, FAIRNESS.measure(subject, params, 4)):
        for name, content in kept(result).items():
            assert not SECRET.search(content), (result.kind, name)


def test_no_value_of_a_single_row_is_stored(subject, drift):
    spelled = re.compile(rb"\d+\.\d{4,}")
    values = {repr(value).encode() for role in ("reference", "current") for value in subject.frame(role)["income"]}
    for name, content in kept(drift).items():
        assert not values & set(spelled.findall(content)), name


@pytest.mark.parametrize("column", ["income", "debt", "age"])
def test_the_profile_holds_no_value_of_fewer_than_ten_rows(subject, drift, column):
    content = next(one.content for one in drift.artifacts if one.name == "profile.json")
    record = json.loads(content)["columns"][column]
    numbers = {
        *record["cells"]["edges"], *record["cells"]["inner"], *record["sketch"]["edges"], record["minimum"], record["maximum"],
    }  # fmt: skip
    held = pd.concat([subject.frame(role)[column] for role in ("reference", "current")]).value_counts()
    assert not {number for number in numbers if 0 < held.get(number, 0) < 10}
    assert len(record["cells"]["edges"]) > 80
    assert sum(record["counts"]) == ROWS


def test_extremes_are_exact_where_the_policy_discloses_the_column(subject):
    result = DRIFT.measure(replace(subject, disclose=("income",)), DRIFT.params(joint=False), 4)
    content = next(one.content for one in result.artifacts if one.name == "profile.json")
    columns = read_profile(content, origin="run").columns
    current = subject.frame("current")
    assert columns["income"].maximum == current["income"].max()
    assert columns["age"].maximum > current["age"].max()
