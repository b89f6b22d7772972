"""What people and the retraining loop decided, on the page of a model: promotions, refusals, rollbacks, waivers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from board_cases import app_for, board_over
from model_governance.authoring.decisions import store_decision
from model_governance.authoring.waive import Person, WaiverRequest, decide_waiver
from model_governance.evidence.promotions import Promotion, Version
from model_governance.ui.board.model_page import model_view
from project import DAY, small_project

DAG = "governance_synthetic"
MARGINS = {"quality": {"accuracy": 0.02}}
CHECKS = {"quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}}
COMPARED = {
    "check": "quality", "metric": "accuracy", "key": None, "challenger": 0.84, "champion": 0.8, "gain": 0.04, "low": 0.01,
    "high": 0.07, "margin": 0.02, "is_paired": True, "outcome": "pass", "sentence": "quality: accuracy is 84%",
}  # fmt: skip


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """Two runs, a promotion after the first, a refusal behind the second, a rollback and a waiver, in this order."""
    made = small_project(tmp_path_factory.mktemp("decided"), checks=CHECKS).change(promotion={"margins": MARGINS})
    policy = made.policy()
    first = made.run(DAY, "night-1")
    old, new = (Version(model=made.raw["model"] | {"sha256": digit * 64}, datasets={}) for digit in "ab")

    def decide(decision, at, **more):
        fields = {
            "model": "synthetic", "decision": decision, "reason": "shown on the rows of March", "challenger": new,
            "policy_sha256": policy.file_sha256, "named_sha256": policy.model.sha256, "by": "policy", "decided_at": at,
            "champion": new if decision == "promoted" else old, "replaced": None if decision == "refused" else old,
        }  # fmt: skip
        store_decision(Promotion(**fields | more), made.store, None)

    address = {name: first.manifest.record()[name] for name in ("key", "sha256")}
    decide("promoted", DAY + timedelta(hours=9), request=address, comparisons=(COMPARED,))
    made.run(DAY + timedelta(days=1), "night-2")
    decide("refused", DAY + timedelta(days=1, hours=9), reason="worse for women")
    decide("rolled_back", DAY + timedelta(days=1, hours=12), by="Ada")
    request = WaiverRequest(
        check="quality", metric="accuracy", key=None, reason="known until the feed is repaired", ticket="RISK-1",
        expires="2026-03-31", requested_by="bob",
    )  # fmt: skip
    decide_waiver(
        policy, made.store, request, granted=True, by=Person(id="ada", name="Ada Byron"),
        moment=DAY + timedelta(days=2), signer=None,
    )  # fmt: skip
    return made


@pytest.fixture
def board(decided, tmp_path):
    return board_over(tmp_path, decided.store)


def view_of(board):
    (model,) = board.index.models()
    return model_view(board.index, model, now=model["moment"], span=90, chosen="")


def test_decisions_on_versions_and_waivers_are_events_of_the_model(board):
    events = [(event["letter"], event["night"][:10], event["text"]) for event in reversed(view_of(board)["events"])]
    assert [event for event in events if event[0] in "DW"] == [
        ("D", "2026-03-01", "version bbbbbbbb replaces aaaaaaaa by policy: shown on the rows of March"),
        ("D", "2026-03-02", "version bbbbbbbb refused, aaaaaaaa stays by policy: worse for women"),
        ("D", "2026-03-02", "rolled back from bbbbbbbb to aaaaaaaa by Ada: shown on the rows of March"),
        (
            "W", "2026-03-03",
            "waiver of accuracy of quality granted, until 2026-03-31 (RISK-1) by Ada Byron (ada): known until the feed is repaired",
        ),
    ]  # fmt: skip


def test_a_decision_stands_at_the_run_that_asked_for_it_or_at_the_first_run_behind_it(board):
    (model,) = board.index.models()
    first, _ = (run["name"] for run in board.index.runs(model["id"]))
    events = {
        event["text"].split(" ")[2]: event["name"] for event in view_of(board)["events"] if event["letter"] == "D"
    }
    assert events["replaces"] == first
    assert events["refused,"] == ""


def test_the_newest_decision_that_compared_shows_champion_against_challenger(board):
    view = view_of(board)["challenger"]
    assert view["decided"].startswith("version bbbbbbbb replaces aaaaaaaa by policy, 2026-03-01 09:00")
    (row,) = view["rows"]
    assert (row["plain_name"], row["gain"], row["interval"], row["margin"]) == ("accuracy", "4%", "1% to 7%", "2%")
    assert "accuracy: 80%, then 84%" in view["picture"]


def test_the_page_shows_them_and_a_decision_about_a_run_of_another_dag_is_not_told(board):
    page = TestClient(app_for(board, DAG)).get(f"/dags/{DAG}").text
    assert "Champion against challenger" in page
    assert "rolled back from bbbbbbbb" in page
    (model,) = board.index.models()
    stranger = model | {"id": -1}
    assert [each["kind"] for each in board.index.documents(stranger)] == ["promotion", "promotion", "waiver"]


def test_a_model_without_decisions_shows_no_challenger(tmp_path):
    made = small_project(tmp_path, checks=CHECKS)
    made.run()
    assert view_of(board_over(tmp_path, made.store))["challenger"] is None
