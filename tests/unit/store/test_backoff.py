from __future__ import annotations

import time

import pytest

from model_governance.store.backoff import Backoff


@pytest.fixture
def pauses(monkeypatch):
    found = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def test_pauses_grow_with_jitter_up_to_the_longest(pauses):
    backoff = Backoff(attempts=6, first=0.1, longest=1.0, factor=4.0)
    assert backoff.until(lambda: "busy", done=lambda found: found == "free") == "busy"
    assert len(pauses) == 5
    for pause, low in zip(pauses, (0.1, 0.4, 1.0, 1.0, 1.0), strict=True):
        assert low <= pause <= min(low + 0.1, 1.0)
    again = list(pauses)
    pauses.clear()
    backoff.until(lambda: "busy", done=lambda found: found == "free")
    assert pauses != again, "two tasks that fail together do not ask together again"


def test_the_first_good_result_ends_the_tries_and_an_error_is_not_retried(pauses):
    results = iter(["busy", "free", "busy"])
    backoff = Backoff(attempts=6, first=0.1, longest=1.0)
    assert backoff.until(lambda: next(results), done=lambda found: found == "free") == "free"
    assert len(pauses) == 1
    with pytest.raises(ZeroDivisionError):
        backoff.until(lambda: 1 / 0, done=lambda _: True)
    assert len(pauses) == 1


def test_a_server_that_asks_for_a_longer_pause_gets_it(pauses):
    Backoff(attempts=3, first=0.1, longest=60.0).until(lambda: 7.5, done=lambda _: False, at_least=lambda wait: wait)
    assert pauses == [7.5, 7.5]
