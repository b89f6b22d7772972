"""A model with a text column goes through every check: each measures it, or says in a sentence what it leaves out."""

from __future__ import annotations

import json

import pytest

import text_cases
from model_governance.checks import catalogue

PARAMS = {
    "data_validation": {
        "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "body"}}]
    },
    "fairness": {"groups": ["age"], "bins": {"age": [40]}},
    "attribute_inference": {"sensitive": ["age"]},
    "synthetic_release": {"release": "previous_train.parquet"},
    "membership_inference": {"samples": 100, "reference_models": 2},
}
THRESHOLDS = {
    "fairness": {"metric": "demographic_parity_difference", "key": "age", "less_than": 1},
    "attribute_inference": {"metric": "attack_gain", "key": "confidence@age", "less_than": 0.5},
    "corruption": {"metric": "mean_drop", "less_than": 1},
    "evasion": {"metric": "attack_success_rate", "key": "all", "less_than": 0.9},
}
SAYS = {
    "data_drift": "not compared, because no distance fits their kind: body (text)",
    "membership_inference": "text features (body): attacks that see labels only leave them as they are",
    "attribute_inference": "text features (body): the attacks that train a classifier do not read them",
    "model_extraction": "text features (body): surrogates do not read them",
    "model_inversion": "text features (body): a reconstruction takes whole texts",
    "synthetic_release": "text features (body): two texts are as far apart as two categories",
    "performance_estimation": "text features (body): their values are not compared",
    "poisoning_screen": "text features (body): a whole text is one value",
}
OWN_INPUT = {"external_report"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return text_cases.text_project(tmp_path_factory.mktemp("texts"), keyword=False, checks={})


@pytest.mark.parametrize("kind", sorted(set(catalogue()) - OWN_INPUT))
def test_every_check_takes_a_text_column(project, kind):
    threshold = THRESHOLDS.get(kind) or dict(catalogue()[kind].self_test.threshold)
    check = {"kind": kind, "thresholds": [threshold], "params": PARAMS.get(kind, {})}
    run = project.change(checks={kind: check}).check(kind)
    assert run.problem is None
    assert run.verdict.outcome in ("pass", "skipped"), run.verdict.sentence
    notes = json.loads((project.folder / "archive" / run.record.key).read_text())["result"]["notes"]
    if kind in SAYS:
        assert any(note.startswith(SAYS[kind]) for note in notes), notes
