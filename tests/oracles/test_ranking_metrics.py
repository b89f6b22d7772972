"""Ranking metrics against scikit-learn, hand-made answers and the mean over every order of the ties."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from model_governance.checks.quality.model_quality.ranking import score_groups

FIELDS = ("ndcg", "average_precision", "reciprocal_rank", "hit")


def naive(relevance: np.ndarray, k: int) -> dict[str, float]:
    """The definitions, item by item, for a group in its final order."""
    top = relevance[:k]
    hits = [rank for rank, one in enumerate(top, start=1) if one > 0]
    best = sorted(relevance, reverse=True)[:k]
    gain = sum(one / np.log2(rank + 1) for rank, one in enumerate(top, start=1))
    return {
        "ndcg": gain / sum(one / np.log2(rank + 1) for rank, one in enumerate(best, start=1)),
        "average_precision": sum(
            sum(1 for hit in hits if hit <= rank) / rank for rank in hits
        ) / min(int((relevance > 0).sum()), k),
        "reciprocal_rank": 1 / hits[0] if hits else 0.0,
        "hit": float(bool(hits)),
    }  # fmt: skip


def expected_over_ties(scores: np.ndarray, relevance: np.ndarray, k: int) -> dict[str, float]:
    """Mean over all orders of the items that sort the scores."""
    orders = [order for order in permutations(range(len(scores))) if (np.diff(scores[list(order)]) <= 0).all()]
    values = [naive(relevance[list(order)], k) for order in orders]
    return {name: float(np.mean([one[name] for one in values])) for name in FIELDS}


@pytest.mark.parametrize("seed", range(12))
def test_ties_count_as_the_mean_over_all_their_orders(seed):
    draw = np.random.default_rng(seed)
    size, k = int(draw.integers(2, 7)), int(draw.integers(1, 6))
    scores, relevance = draw.integers(0, 3, size).astype(float), draw.integers(0, 3, size).astype(float)
    relevance[draw.integers(size)] = 2.0
    found = score_groups(np.zeros(size), scores, relevance, top_k=k)
    expected = expected_over_ties(scores, relevance, k)
    for name in FIELDS:
        assert getattr(found, name)[0] == pytest.approx(expected[name], abs=1e-12), name


@pytest.mark.parametrize("k", [1, 3, 10, 50])
def test_ndcg_is_that_of_scikit_learn_ties_and_grades_included(k):
    draw = np.random.default_rng(k)
    groups = np.repeat(np.arange(30), 20)
    scores, relevance = draw.integers(0, 8, 600).astype(float), draw.integers(0, 4, 600).astype(float)
    shuffled = draw.permutation(600)
    found = score_groups(groups[shuffled], scores[shuffled], relevance[shuffled], top_k=k).ndcg
    expected = ndcg_score(relevance.reshape(30, 20), scores.reshape(30, 20), k=k)
    assert found.mean() == pytest.approx(expected, abs=1e-12)


def test_average_precision_without_ties_and_limit_is_that_of_scikit_learn():
    draw = np.random.default_rng(9)
    scores, relevance = draw.permutation(200).astype(float), draw.integers(0, 2, 200).astype(float)
    found = score_groups(np.repeat(np.arange(10), 20), scores, relevance, top_k=20).average_precision
    expected = label_ranking_average_precision_score(relevance.reshape(10, 20), scores.reshape(10, 20))
    assert found.mean() == pytest.approx(expected, abs=1e-12)


def test_the_textbook_example():
    # Order of relevances 3 2 3 0 1 2: DCG = 3 + 2/log2(3) + 3/2 + 1/log2(6) + 2/log2(7) = 6.861, ideal 7.141.
    found = score_groups(np.zeros(6), np.arange(6, 0, -1.0), np.array([3, 2, 3, 0, 1, 2.0]), top_k=6)
    assert found.ndcg[0] == pytest.approx(0.9608, abs=1e-4)
    assert found.average_precision[0] == pytest.approx((1 + 1 + 1 + 4 / 5 + 5 / 6) / 5)


def test_thousands_of_ties_do_not_overflow():
    relevance = np.zeros(5000)
    relevance[:50] = 1
    found = score_groups(np.zeros(5000), np.zeros(5000), relevance, top_k=10)
    probability_of_none = np.prod([(4950 - number) / (5000 - number) for number in range(10)])
    assert found.hit[0] == pytest.approx(1 - probability_of_none, rel=1e-9)
