"""A check prepared in shares through the store, without Airflow."""

from __future__ import annotations

import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.errors import CheckError
from model_governance.evidence.record import read_record
from model_governance.run import prepare_check
from project import DAY, small_project

MEMBERSHIP = {
    "membership": {
        "kind": "membership_inference",
        "params": {"attacks": ["rmia"], "reference_models": 3, "fpr": [0.1], "audit_guesses": 40, "samples": 100},
        "thresholds": [{"metric": "attack_auc", "less_than": 0.99}],
    },
    "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]},
}


@pytest.fixture
def project(tmp_path):
    return small_project(tmp_path, checks=MEMBERSHIP)


def prepare(project, name="membership", *, share=0, shares=2, night=None):
    return prepare_check(
        project.policy(), name, share=share, shares=shares, run=night or project.night(), store=project.store,
        connections=PlainConnections(),
    )  # fmt: skip


def test_shares_are_content_addressed_and_the_record_names_those_that_were_read(project):
    stored = [prepare(project, share=share) for share in (0, 1)]

    assert [one.name for one in stored] == ["reference_answers_0.npz", "reference_answers_1.npz"]
    assert all(one.sha256 in one.key for one in stored)
    assert prepare(project) == stored[0]  # a repeated task finds its own bytes
    done = project.check("membership", prepared=[one.record() for one in stored])
    record = read_record(project.store, done.record.record())
    assert record["stored"][-2:] == [one.record() for one in stored]
    assert record["damaged"] == []


def test_an_address_with_another_digest_is_not_believed(project):
    first, second = (prepare(project, share=share) for share in (0, 1))
    done = project.check("membership", prepared=[first.record() | {"sha256": second.sha256}])

    record = read_record(project.store, done.record.record())
    assert [damage["key"] for damage in record["damaged"]] == [first.key]
    assert "stored with sha256" in record["damaged"][0]["reason"]
    assert not {first.key, second.key} & {stored["key"] for stored in record["stored"]}
    alone = read_record(project.store, project.check("membership").record.record())
    assert record["result"] == alone["result"]


def test_a_run_after_another_one_prepares_nothing_that_it_cached(project):
    project.run()

    assert prepare(project, night=project.night(DAY.replace(day=2), "night-2")) is None


def test_a_check_without_parts_is_refused(project):
    with pytest.raises(CheckError, match="quality: model_quality has no work that mapped tasks can share"):
        prepare(project, "quality")
