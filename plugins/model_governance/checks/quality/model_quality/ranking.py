"""Quality of a ranking, group by group: NDCG, average precision, reciprocal rank and hit rate of the first k.

Definitions. Items of a group are ordered by score, best first. The gain of an item is its relevance
(not 2**relevance - 1), the discount of rank i is 1 / log2(i + 1), and NDCG divides by the best order's
sum (Jaervelin and Kekaelaeinen, 2002). An item is relevant if its relevance is above 0; average
precision divides by min(relevant items, k). Items of equal score have no order: each metric is its
mean over all orders of the ties (McSherry and Najork, 2008), so that the order of the rows, which may
follow the label, gives nothing away. Groups of one item cannot be ranked, and groups without a
relevant item have no best order; both are left out and counted in `rankable_group_share`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import plots
from model_governance.checks.quality.model_quality.finite import finite_numbers, finite_predictions
from model_governance.checks.quality.model_quality.measurement import Measurement, absent, quantile_rows, share
from model_governance.checks.quality.model_quality.paired import paired_difference
from model_governance.checks.quality.model_quality.uncertainty import mean_interval
from model_governance.contract.result import Estimate, Table
from model_governance.errors import CheckError, SubjectError
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.checks.quality.model_quality.measurement import Exam, Interval
    from model_governance.contract.subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScores:
    """Metrics of every rankable group, shape (rankable groups,); `groups` counts all of them."""

    ndcg: np.ndarray
    average_precision: np.ndarray
    reciprocal_rank: np.ndarray
    hit: np.ndarray
    groups: int


def measure_ranking(exam: Exam) -> Measurement:
    """All metrics of ranking at params.k; intervals come from the groups, as rows of one group depend.

    Raises:
        SubjectError: groups are not declared, or missing in rows.
        CheckError: relevances are no numbers from 0 on, or no group can be ranked.
        ModelMisbehaved: the model's answers cannot be used.
    """
    labelled, params = exam.labelled, exam.params
    relevance = finite_numbers(labelled.truth, what="relevances")
    if (relevance < 0).any():
        raise CheckError(
            f"{int((relevance < 0).sum()):,} of {labelled.n:,} relevances are below 0; relevance starts at 0"
        )
    groups = _groups(exam.subject, labelled)
    scores = finite_predictions(exam.model, labelled)
    found = score_groups(groups, scores, relevance, k=params.k)
    ranked = len(found.ndcg)
    if ranked == 0:
        raise CheckError(
            f"none of {found.groups:,} groups has two items or more and a relevant one; nothing can be ranked"
        )
    estimates = [
        over_groups(name, values)
        for name, values in (
            ("ndcg", found.ndcg),
            ("mean_average_precision", found.average_precision),
            ("mrr", found.reciprocal_rank),
            ("hit_rate", found.hit),
        )
    ]
    estimates.append(share("rankable_group_share", ranked, found.groups))
    if exam.subject.columns.item is not None:
        estimates.append(_catalogue_coverage(exam, groups, scores))
    if exam.subject.champion is not None:
        theirs = score_groups(groups, finite_predictions(exam.subject.champion, labelled), relevance, k=params.k)
        estimates.append(paired_difference("ndcg_gain", found.ndcg - theirs.ndcg))
    notes = (f"The first {params.k} items of a group count; n is the number of groups.",)
    artifacts = (plots.distribution_over_groups(found.ndcg, k=params.k),)

    def on_rows(rows: np.ndarray) -> tuple[Estimate, ...]:
        part = score_groups(groups[rows], scores[rows], relevance[rows], k=params.k)
        if len(part.ndcg) == 0:
            return (absent("ndcg", "no group of the slice can be ranked", n=0),)
        return (over_groups("ndcg", part.ndcg),)

    return Measurement(
        estimates=tuple(estimates), on_rows=on_rows, tables=(_group_table(found),), artifacts=artifacts, notes=notes
    )


def _catalogue_coverage(exam: Exam, groups: np.ndarray, scores: np.ndarray) -> Estimate:
    """Share of the distinct items offered tonight that some group gets among its first k, ties not counting.

    Items that tie across the k-th place are counted only if all of them fit: which of them is shown is chance.
    A count over all of tonight's rows, so it has no interval.
    """
    import numpy as np
    import pandas as pd

    name = str(exam.subject.columns.item)
    items = exam.labelled.column(name)
    if items.isna().any():
        raise SubjectError(
            f"{exam.labelled.relation.uri}: {int(items.isna().sum()):,} of {len(items):,} items in column {name!r} are "
            "missing; drop those rows upstream"
        )
    number, codes = pd.factorize(groups)[0], pd.factorize(items)[0]
    order = np.lexsort((-scores, number))
    ties = np.cumsum(_starts(number[order]) | _starts(scores[order])) - 1
    rank = _place(number[order]) + 1
    last = np.append(np.flatnonzero(_starts(ties))[1:], len(ties)) - 1
    shown = np.unique(codes[order][rank[last][ties] <= exam.params.k])
    return Estimate(name="catalogue_coverage", value=len(shown) / (codes.max() + 1), n=int(codes.max()) + 1)


def score_groups(groups: np.ndarray, scores: np.ndarray, relevance: np.ndarray, *, k: int) -> GroupScores:
    """The four metrics of every rankable group; all arrays row by row, shape (n,), relevance from 0 on."""
    import numpy as np
    import pandas as pd

    number = pd.factorize(groups)[0]
    order = np.lexsort((-scores, number))
    group, scores, ordered = number[order], scores[order], relevance[order]
    best = relevance[np.lexsort((-relevance, number))]
    rank = _place(group) + 1
    relevant = ordered > 0
    ties = np.cumsum(_starts(group) | _starts(scores)) - 1
    width = np.bincount(ties)[ties]
    within = _place(ties)
    found = np.bincount(ties, weights=relevant)[ties]
    before: np.ndarray = np.cumsum(relevant) - relevant
    earlier = before[np.flatnonzero(_starts(ties))][ties] - before[np.flatnonzero(_starts(group))][group]

    in_view = rank <= k
    discount = in_view / np.log2(rank + 1)
    gain = np.bincount(ties, weights=ordered)[ties] / width
    # At a relevant place the ties hold one relevant item plus their share of those before it.
    precision = (earlier + 1 + within * (found - 1) / np.maximum(width - 1, 1)) / rank
    first = _chance_of_first(width, found, within) * (earlier == 0) * in_view

    size, total = np.bincount(group), np.bincount(group, weights=relevant)
    rankable = (size > 1) & (total > 0)

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, weights=values)[rankable]

    return GroupScores(
        ndcg=np.minimum(summed(gain * discount) / summed(best * discount), 1.0),
        average_precision=np.minimum(summed(precision * found / width * in_view) / np.minimum(total[rankable], k), 1.0),
        reciprocal_rank=np.minimum(summed(first / rank), 1.0),
        hit=np.minimum(summed(first), 1.0),
        groups=len(size),
    )


def _starts(values: np.ndarray) -> np.ndarray:
    """True where a run of equal values begins."""
    import numpy as np

    return np.append(True, values[1:] != values[:-1])


def _place(runs: np.ndarray) -> np.ndarray:
    """Place within its run, from 0; runs are numbered 0, 1, 2 ... in order."""
    import numpy as np

    return np.arange(len(runs)) - np.flatnonzero(_starts(runs))[runs]


def _chance_of_first(width: np.ndarray, found: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Chance that place `within` of `width` ties holds the first of `found` relevant items: C(w-1-i, f-1) / C(w, f)."""
    import numpy as np
    from scipy.special import gammaln

    after = width - 1 - within
    possible = (found > 0) & (after >= found - 1)
    w, f, a = width[possible], found[possible], after[possible]
    log_chance = gammaln(a + 1) - gammaln(f) - gammaln(a - f + 2) - gammaln(w + 1) + gammaln(f + 1) + gammaln(w - f + 1)
    chance = np.zeros(len(width))
    chance[possible] = np.exp(log_chance)
    return chance


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


def over_groups(name: str, values: np.ndarray) -> Estimate:
    """Mean over groups; exact binomial interval where every group is 0 or 1 and they are a share of groups."""
    import numpy as np

    interval: Interval | None
    if name == "hit_rate" and np.isin(values, (0.0, 1.0)).all():
        interval = clopper_pearson(int(values.sum()), len(values))
    else:
        interval = mean_interval(values, scale="logit")
    return Estimate(name=name, value=float(values.mean()), n=len(values), interval=interval)


def _group_table(found: GroupScores) -> Table:
    title = "NDCG by group: share of groups below a value"
    return Table(name="groups", title=title, header=("share of groups", "ndcg at most"), rows=quantile_rows(found.ndcg))
