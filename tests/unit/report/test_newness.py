"""What a manifest keeps of the runs before, and how many of their manifests are read for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from model_governance.report.newness import RUNS, history_of
from unit.report import conftest as make

DAY = datetime(2026, 3, 31, tzinfo=UTC)
MODEL = "a" * 64


def judged(value):
    metric = make.metric("psi", value, low=value, high=value)
    return make.judged("drift", (metric,), [{"metric": "psi", "less_than": 0.1}])


def archived(values, *, kept=True, model=MODEL):
    """Manifests of a run a day with these values, the newest first, and what of them was read."""
    manifests, outcomes = [], []
    for place, value in enumerate(values):
        moment, verdict = DAY - timedelta(days=len(values) - place), judged(value)
        history = {"outcomes": outcomes[1 - RUNS :], "findings": []} if kept else None
        content = {"verdict": verdict.record(), "model": {"sha256": model}, "history": history}
        manifests.append((moment, content))
        outcomes = [*outcomes, verdict.outcome]
    read = []

    def runs():
        for each in reversed(manifests):
            read.append(each[0])
            yield each

    return runs(), read


def kept_of(value, earlier):
    return history_of(judged(value), moment=DAY, model=MODEL, earlier=earlier)


@pytest.mark.parametrize(
    ("before", "value", "read", "runs"),
    [
        ([0.01] * 30, 0.01, 1, None),
        ([0.01] * 30, 0.5, 1, 1),
        ([0.01] * 20 + [0.5, 0.6, 0.7], 0.8, 4, 4),
        ([0.01] * 20 + [0.5, 0.6], 0.01, 3, None),
    ],
    ids=["green", "new", "for four runs", "over"],
)
def test_only_as_many_manifests_are_read_as_the_findings_go_on(before, value, read, runs):
    earlier, asked = archived(before)
    history = kept_of(value, earlier)
    assert len(asked) == read
    assert [each["runs"] for each in history["findings"]] == ([] if runs is None else [runs])
    expected = ["fail" if each > 0.1 else "pass" for each in before]
    assert list(history["outcomes"]) == expected[1 - RUNS :]


def test_a_manifest_that_knows_no_outcomes_before_it_has_all_read():
    earlier, asked = archived([0.01, 0.5, 0.01], kept=False)
    assert list(kept_of(0.01, earlier)["outcomes"]) == ["pass", "fail", "pass"]
    assert len(asked) == 3


def test_the_same_number_of_the_same_model_is_followed_as_far_as_it_goes():
    earlier, _ = archived([0.01, 0.4, 0.5, 0.5])
    (finding,) = kept_of(0.5, earlier)["findings"]
    assert (finding["runs"], finding["unchanged_since"]) == (4, (DAY - timedelta(days=2)).isoformat())
    earlier, _ = archived([0.5], model="b" * 64)
    (finding,) = kept_of(0.5, earlier)["findings"]
    assert (finding["runs"], finding["unchanged_since"]) == (2, None)


def test_a_first_run_has_no_history():
    earlier, _ = archived([])
    assert kept_of(0.01, earlier) == {"outcomes": [], "findings": []}
