"""Quality of a ranking, group by group: NDCG, average precision, reciprocal rank and hit rate of the top k.

Definitions. Items of a group are ordered by score, best first. The gain of an item is its relevance
(not 2**relevance - 1), the discount of rank i is 1 / log2(i + 1), and NDCG divides by the best order's
sum (Jaervelin and Kekaelaeinen, 2002). An item is relevant if its relevance is above 0; average
precision divides by min(relevant items, k). Items of equal score have no order: each metric is its
mean over all orders of the ties (McSherry and Najork, 2008), so that the order of the rows, which may
follow the label, has no influence. Groups of one item cannot be ranked, and groups without a
relevant item have no best order; both are excluded and counted in `rankable_group_share`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import figures, report
from model_governance.checks.quality.model_quality.evaluation import TaskMetrics, share, too_few
from model_governance.checks.quality.model_quality.numeric import finite_numbers, finite_predictions
from model_governance.checks.quality.model_quality.paired import paired_difference
from model_governance.checks.quality.model_quality.uncertainty import bounded_mean_interval, mean_interval
from model_governance.contract.result import Estimate
from model_governance.errors import CheckError, SubjectError

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import Evaluation
    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.contract.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScores:
    """Metrics of every rankable group, shape (rankable groups,); `groups` counts all of them."""

    ndcg: np.ndarray
    average_precision: np.ndarray
    reciprocal_rank: np.ndarray
    hit: np.ndarray
    groups: int


def evaluate_ranking(evaluation: Evaluation) -> TaskMetrics:
    """Measure all metrics of ranking at params.top_k; intervals come from the groups, as rows of one group depend.

    Raises:
        SubjectError: Groups are not declared, or missing in rows.
        CheckError: Relevances are no numbers from 0 on.
        ModelMisbehaved: The model's answers cannot be used.
    """
    labelled, params = evaluation.labelled, evaluation.params
    relevance = finite_numbers(labelled.truth, what="relevances")
    if (relevance < 0).any():
        raise CheckError(
            f"{int((relevance < 0).sum()):,} of {labelled.n:,} relevances are below 0; relevance starts at 0"
        )
    groups = _groups(evaluation.subject, labelled)
    scores = finite_predictions(evaluation.model, labelled)
    by_group = score_groups(groups, scores, relevance, top_k=params.top_k)
    ranked = len(by_group.ndcg)
    none = f"none of {by_group.groups:,} groups has two items or more and a relevant one; nothing can be ranked"
    estimates = [
        over_groups(name, values, undefined=none)
        for name, values in (
            ("ndcg", by_group.ndcg),
            ("mean_average_precision", by_group.average_precision),
            ("mrr", by_group.reciprocal_rank),
            ("hit_rate", by_group.hit),
        )
    ]
    estimates.append(share("rankable_group_share", ranked, by_group.groups, undefined=""))
    if evaluation.subject.columns.item is not None:
        estimates.append(_catalogue_coverage(evaluation, groups, scores))
    if evaluation.subject.champion is not None:
        champion_scores = finite_predictions(evaluation.subject.champion, labelled)
        champion = score_groups(groups, champion_scores, relevance, top_k=params.top_k)
        gains = by_group.ndcg - champion.ndcg
        estimates.append(
            paired_difference("ndcg_gain", gains, seed=evaluation.seed) if ranked else too_few("ndcg_gain", none, n=0)
        )
    notes = (f"The first {params.top_k} items of a group count; n is the number of groups.",)

    def on_rows(rows: np.ndarray) -> tuple[Estimate, ...]:
        part = score_groups(groups[rows], scores[rows], relevance[rows], top_k=params.top_k)
        return (over_groups("ndcg", part.ndcg, undefined="no group of the slice can be ranked"),)

    def points(rows: np.ndarray) -> dict[str, float]:
        part = score_groups(groups[rows], scores[rows], relevance[rows], top_k=params.top_k)
        means = {
            "ndcg": part.ndcg, "mean_average_precision": part.average_precision, "mrr": part.reciprocal_rank,
            "hit_rate": part.hit,
        }  # fmt: skip
        return {name: float(values.mean()) for name, values in means.items() if len(values)}

    return TaskMetrics(
        estimates=tuple(estimates),
        points=points,
        on_rows=on_rows,
        tables=(report.group_table(by_group.ndcg),) if ranked else (),
        figures=(figures.distribution_over_groups(by_group.ndcg, top_k=params.top_k),) if ranked else (),
        notes=notes,
    )


def _catalogue_coverage(evaluation: Evaluation, groups: np.ndarray, scores: np.ndarray) -> Estimate:
    """Share of the distinct items of current that some group gets among its top k.

    Items that tie across the k-th place are counted only if all of them fit, as their order is undefined.
    A count over all rows, so it has no interval.
    """
    import numpy as np
    import pandas as pd

    name = str(evaluation.subject.columns.item)
    items = evaluation.labelled.column(name)
    if items.isna().any():
        raise SubjectError(
            f"{evaluation.labelled.relation.uri}: {int(items.isna().sum()):,} of {len(items):,} items in column {name!r} are "
            "missing; drop those rows upstream"
        )
    number, codes = pd.factorize(groups)[0], pd.factorize(items)[0]
    order = np.lexsort((-scores, number))
    ties = np.cumsum(_run_starts(number[order]) | _run_starts(scores[order])) - 1
    rank = _position(number[order]) + 1
    last = np.append(np.flatnonzero(_run_starts(ties))[1:], len(ties)) - 1
    recommended = np.unique(codes[order][rank[last][ties] <= evaluation.params.top_k])
    return Estimate(name="catalogue_coverage", value=len(recommended) / (codes.max() + 1), n=int(codes.max()) + 1)


def score_groups(groups: np.ndarray, scores: np.ndarray, relevance: np.ndarray, *, top_k: int) -> GroupScores:
    """Compute the four metrics of every rankable group.

    Args:
        groups: Group of each row (n,).
        scores: Score of each row (n,), best first.
        relevance: Relevance of each row (n,), from 0 on.
        top_k: How many items of a group count.
    """
    import numpy as np
    import pandas as pd

    number = pd.factorize(groups)[0]
    order = np.lexsort((-scores, number))
    group, scores, ordered = number[order], scores[order], relevance[order]
    best = relevance[np.lexsort((-relevance, number))]
    rank = _position(group) + 1
    relevant = ordered > 0
    ties = np.cumsum(_run_starts(group) | _run_starts(scores)) - 1
    width = np.bincount(ties)[ties]
    within = _position(ties)
    hits = np.bincount(ties, weights=relevant)[ties]
    before: np.ndarray = np.cumsum(relevant) - relevant
    earlier = before[np.flatnonzero(_run_starts(ties))][ties] - before[np.flatnonzero(_run_starts(group))][group]

    counts = rank <= top_k
    discount = counts / np.log2(rank + 1)
    gain = np.bincount(ties, weights=ordered)[ties] / width
    # At a relevant place the ties hold one relevant item plus their share of those before it.
    precision = (earlier + 1 + within * (hits - 1) / np.maximum(width - 1, 1)) / rank
    first = _probability_of_first(width, hits, within) * (earlier == 0) * counts

    size, total = np.bincount(group), np.bincount(group, weights=relevant)
    rankable = (size > 1) & (total > 0)

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, weights=values)[rankable]

    return GroupScores(
        ndcg=np.minimum(summed(gain * discount) / summed(best * discount), 1.0),
        average_precision=np.minimum(
            summed(precision * hits / width * counts) / np.minimum(total[rankable], top_k), 1.0
        ),
        reciprocal_rank=np.minimum(summed(first / rank), 1.0),
        hit=np.minimum(summed(first), 1.0),
        groups=len(size),
    )


def _run_starts(values: np.ndarray) -> np.ndarray:
    """Where a sequence of equal values begins, (n,) bool."""
    import numpy as np

    return np.append(True, values[1:] != values[:-1])


def _position(runs: np.ndarray) -> np.ndarray:
    """Position within its sequence of equal values, from 0; sequences are numbered 0, 1, 2 ... in order."""
    import numpy as np

    return np.arange(len(runs)) - np.flatnonzero(_run_starts(runs))[runs]


def _probability_of_first(width: np.ndarray, hits: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Probability that position `within` of `width` ties holds the first of `hits` relevant items.

    C(w-1-i, h-1) / C(w, h), all arguments (n,).
    """
    import numpy as np
    from scipy.special import gammaln

    after = width - 1 - within
    possible = (hits > 0) & (after >= hits - 1)
    w, h, a = width[possible], hits[possible], after[possible]
    log_probability = (
        gammaln(a + 1) - gammaln(h) - gammaln(a - h + 2) - gammaln(w + 1) + gammaln(h + 1) + gammaln(w - h + 1)
    )
    probability = np.zeros(len(width))
    probability[possible] = np.exp(log_probability)
    return probability


def _groups(subject: Subject, labelled: Labelled) -> np.ndarray:
    name = subject.columns.group
    if name is None:
        raise SubjectError(f"{subject.name}: ranking needs groups; set columns.group to the query or session of a row")
    groups = labelled.column(name)
    missing = int(groups.isna().sum())
    if missing:
        raise SubjectError(
            f"{labelled.relation.uri}: {missing:,} of {labelled.n:,} groups in column {name!r} are missing; "
            "drop those rows upstream"
        )
    return groups.to_numpy()


def over_groups(name: str, values: np.ndarray, *, undefined: str) -> Estimate:
    """Mean over groups; exact binomial limits where every group is 0 or 1 and they are a share of groups.

    Where nothing varies, as with one group or with many of the same value, the limits are those of as many groups that
    count or do not: a mean of values between 0 and 1 is not known better than that.
    """
    import numpy as np

    if len(values) == 0:
        return too_few(name, undefined, n=0)
    if name == "hit_rate" and np.isin(values, (0.0, 1.0)).all():
        return share(name, int(values.sum()), len(values), undefined="")
    interval = mean_interval(values, scale="logit") or bounded_mean_interval(values, largest=1.0)
    return Estimate(name=name, value=float(values.mean()), n=len(values), interval=interval)
