from __future__ import annotations

from model_governance.ui.board.wings import verdict_by_wing


def checks(*pairs):
    return [{"name": f"c{place}", "kind": kind, "outcome": outcome} for place, (kind, outcome) in enumerate(pairs)]


def test_a_wing_has_the_worst_outcome_of_its_checks_and_stands_in_the_order_of_the_registry():
    found = verdict_by_wing(
        checks(
            ("membership_inference", "pass"), ("model_quality", "warn"), ("data_drift", "fail"), ("data_validation", "pass"),
            ("fairness", "uncertain"), ("artifact_scan", "skipped"),
        )
    )  # fmt: skip
    assert list(found.items()) == [
        ("data", "fail"), ("quality", "uncertain"), ("privacy", "pass"), ("supply_chain", "skipped"),
    ]  # fmt: skip


def test_a_check_that_never_reported_is_of_another_wing_and_an_unknown_outcome_of_none():
    assert verdict_by_wing(checks((None, "error"), ("written_elsewhere", "pass"), ("model_quality", "future"))) == {
        "other": "error"
    }
    assert verdict_by_wing([]) == {}
