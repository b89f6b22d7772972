"""A drafted policy is green on its reference and on held-out rows, and red on planted faults; the bench has more of both."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[3] / "include" / "bench"
sys.path.insert(0, str(BENCH))

import policy_init as bench  # noqa: E402
import policy_init_faults as faults  # noqa: E402
import policy_init_sets as sets  # noqa: E402

PLANTED = {
    "classification": (faults.column_missing, faults.exchanged),
    "regression": (faults.values_missing, faults.other_unit),
    "ranking": (faults.duplicated, faults.other_labels),
    "forecasting": (faults.stuck, faults.other_labels),
}


def data_of(kind: str) -> sets.DataSet:
    if kind == "classification":
        return sets.bundled("wine", "multiclass_classification", sets.logistic)
    if kind == "regression":
        return sets.bundled("diabetes", "regression", sets.linear)
    return sets.mode_choice() if kind == "ranking" else sets.carbon_dioxide()


@pytest.fixture(scope="module", params=PLANTED)
def drafted(request, tmp_path_factory):
    data = data_of(request.param)
    draft, parts = bench.drafted(data, 1, tmp_path_factory.mktemp(request.param))
    return request.param, data, draft, parts


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    monkeypatch.setattr(
        import_module("model_governance.checks.data.data_drift.measure"), "drift_artifacts", lambda *_, **__: ()
    )
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_the_draft_is_green_on_its_own_reference_and_on_held_out_rows(drafted):
    _, data, draft, parts = drafted
    assert draft.raw["model"]["task"] == data.task
    for rows in (parts["reference"], parts["current"]):
        outcomes = draft.outcomes(rows, ("data_validation", "data_drift", "model_quality"))
        assert not bench.is_red(outcomes), outcomes
        assert "error" not in {found[0] for found in outcomes.values()}


def test_the_draft_is_red_on_planted_faults(drafted):
    kind, data, draft, parts = drafted
    for fault in PLANTED[kind]:
        rows = fault(parts["current"], data, np.random.default_rng(0))
        assert bench.is_red(draft.outcomes(rows, bench.NIGHTLY, until_red=True)), fault.__name__
