from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model_governance.errors import CheckError, ModelMisbehaved, SubjectError
from quality_cases import measure, model_of, ranking, subject_of


def test_one_group_has_values_and_says_next_to_nothing():
    result = measure(ranking(["q"] * 3, [3, 2, 1], [0, 1, 0]))
    assert result.metric("mrr").value == 0.5
    assert result.metric("mean_average_precision").value == 0.5
    assert result.metric("ndcg").value == pytest.approx(1 / np.log2(3))
    assert result.metric("mrr").n == 1
    assert result.metric("ndcg").low < 0.05
    assert result.metric("ndcg").high > 0.95


def test_groups_that_cannot_be_ranked_are_left_out_and_counted():
    groups = ["single", "none", "none", "good", "good"]
    result = measure(ranking(groups, [1, 2, 1, 2, 1], [1, 0, 0, 1, 0]))
    assert result.metric("ndcg").value == 1
    assert result.metric("ndcg").n == 1
    share = result.metric("rankable_group_share")
    assert (share.value, share.n) == (pytest.approx(1 / 3), 3)


def test_without_a_group_that_can_be_ranked_all_is_uncertain_but_their_share():
    result = measure(ranking(["a", "b", "b"], [1, 2, 3], [1, 0, 0]))
    assert result.metric("rankable_group_share").value == 0
    for name in ("ndcg", "mean_average_precision", "mrr", "hit_rate"):
        assert result.metric(name).absence == "uncertain"
        assert "none of 2 groups" in result.metric(name).reason


def test_only_the_first_k_count():
    subject = ranking(["q"] * 4, [4, 3, 2, 1], [0, 0, 1, 1])
    assert measure(subject, top_k=2).metric("hit_rate").value == 0
    assert measure(subject, top_k=3).metric("hit_rate").value == 1
    assert measure(subject, top_k=2).metric("mrr").value == 0
    assert measure(subject, top_k=3).metric("mean_average_precision").value == pytest.approx((1 / 3) / 2)


def test_row_order_gives_nothing_away_when_scores_tie():
    best_first = measure(ranking(["q"] * 4, [1] * 4, [1, 0, 0, 0]))
    best_last = measure(ranking(["q"] * 4, [1] * 4, [0, 0, 0, 1]))
    for name in ("ndcg", "mrr", "mean_average_precision", "hit_rate"):
        assert best_first.metric(name).value == pytest.approx(best_last.metric(name).value)
    assert best_first.metric("mrr").value == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_intervals_come_from_groups():
    draw = np.random.default_rng(2)
    groups = np.repeat(np.arange(60), 8)
    result = measure(ranking(groups, draw.normal(size=480), draw.integers(0, 3, 480)), top_k=3)
    for name in ("ndcg", "mrr", "mean_average_precision", "hit_rate"):
        metric = result.metric(name)
        assert metric.low < metric.value < metric.high
        assert metric.n <= 60


def test_a_policy_without_groups_is_told_what_to_set():
    frame = pd.DataFrame({"label": [0, 1], "score": [0.1, 0.9]})
    with pytest.raises(SubjectError, match=r"set columns\.group"):
        measure(subject_of(frame, model_of("ranking")))


def test_missing_groups_are_counted():
    with pytest.raises(SubjectError, match="1 of 3 groups in column 'group' are missing"):
        measure(ranking(["a", None, "a"], [1, 2, 3], [1, 0, 0]))


def test_negative_relevance_is_refused():
    with pytest.raises(CheckError, match="1 of 2 relevances are below 0"):
        measure(ranking(["a", "a"], [1, 2], [-1, 1]))


def test_infinite_scores_surface():
    with pytest.raises(ModelMisbehaved, match="infinite"):
        measure(ranking(["a", "a"], [1, np.inf], [0, 1]))


def test_the_catalogue_shown_counts_distinct_items_among_the_first_k():
    # Two groups of four items out of six; the first two places hold a, b and a, c.
    subject = ranking(["q"] * 4 + ["r"] * 4, [4, 3, 2, 1] * 2, [1, 0, 0, 0] * 2, item=list("abcd") + list("acef"))
    found = measure(subject, top_k=2).metric("catalogue_coverage")
    assert (found.value, found.n) == (pytest.approx(3 / 6), 6)


def test_items_that_tie_across_the_last_place_are_not_counted_as_shown():
    subject = ranking(["q"] * 4, [2, 1, 1, 1], [1, 0, 0, 0], item=list("abcd"))
    assert measure(subject, top_k=2).metric("catalogue_coverage").value == 0.25
    assert measure(subject, top_k=4).metric("catalogue_coverage").value == 1


def test_missing_items_are_counted():
    with pytest.raises(SubjectError, match="1 of 3 items in column 'item' are missing"):
        measure(ranking(["q"] * 3, [3, 2, 1], [1, 0, 0], item=["a", None, "b"]))
