"""Asks a classifier to tell current rows from reference rows: what no single column shows, a joint change does.

The classifier two-sample test (Friedman, 2003; Lopez-Paz and Oquab, 2017). Rows are cut into blocks, and each block is
scored by a classifier that was trained on the blocks before it (forward validation: Dawid, 1984, prequential). The
areas of the blocks are then independent given the past, as those of ordinary cross-validation are not: there every row
trains the classifiers of all other folds, the folds' areas move together, and an interval that takes them as
independent cries wolf.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.checks.data.data_drift.joint_clusters import blocks_of, clustered_variance, clusters_of
from model_governance.checks.data.data_drift.joint_features import joint_rows
from model_governance.contract.result import Estimate, Table
from model_governance.stats.limits import RocArea, tail_of
from model_governance.stats.limits.areas import standard_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from model_governance.checks.data.data_drift.comparison import Comparison
    from model_governance.checks.data.data_drift.joint_features import JointRows
    from model_governance.contract.result import Absence

BLOCKS = 5
MIN_ROWS = 100
"""Rows of each dataset below which a block would hold fewer than 20."""
MAX_CELLS = 500_000
"""Rows times features of one dataset that are sampled; wide tables get fewer rows, never less than 1,000."""
CANDIDATES = 20
LISTED = 5
LEAST_LOSS = 0.005
EVIDENCE = 0.05
PROFILE_ONLY = "a profile replaces the reference, so there are no reference rows to tell apart from current ones"


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDrift:
    """How well current and reference rows are told apart, or the reason why that is not known.

    Attributes:
        limits: the area under the ROC curve with its limits; None with a `reason`.
        p_value: chance of an area this large where nothing changed; one-sided.
        rows: sampled rows by role.
        features: the features that tell the rows apart and the area that is lost without each, the largest first.
        reason: why there is no area.
        too_few: whether more rows would give one.
    """

    limits: RocArea | None
    p_value: float
    rows: dict[str, int]
    features: tuple[tuple[str, float], ...] = ()
    reason: str = ""
    too_few: bool = False


def tell_apart(comparison: Comparison, *, max_rows: int, seed: int, entity: str | None = None) -> JointDrift:
    """The area under the ROC curve of classifiers that separate current from reference rows they were not trained on.

    Args:
        comparison: both datasets and the features.
        max_rows: most rows of each dataset, a seeded sample.
        seed: of the samples, the blocks and the classifiers.
        entity: the column that says which rows belong together. All rows of one then train or test, never both, and
            the error is that of clusters.

    Raises:
        SubjectError: a dataset lacks the entity.
    """
    if comparison.reference is None:
        return JointDrift(limits=None, p_value=1.0, rows={}, reason=PROFILE_ONLY)
    names = tuple(comparison.families)
    most = min(max_rows, max(1000, MAX_CELLS // len(names)))
    rows = {"reference": min(most, comparison.reference.rows), "current": min(most, comparison.current.rows)}
    if min(rows.values()) < MIN_ROWS:
        reason = (
            f"the smaller dataset has {min(rows.values())} rows; telling them apart takes at least {MIN_ROWS} of each"
        )
        return JointDrift(limits=None, p_value=1.0, rows=rows, reason=reason, too_few=True)
    read = names if entity is None or entity in names else (*names, entity)
    reference = comparison.reference.sample(rows["reference"], seed=seed, names=read)
    current = comparison.current.sample(rows["current"], seed=seed + 1, names=read)
    joint = joint_rows(reference, current, comparison.families)
    if entity is None:
        return _area(joint, _blocks(joint.current, seed=seed), None, rows=rows, seed=seed)
    clusters = clusters_of(reference[entity], current[entity])
    block = blocks_of(clusters, blocks=BLOCKS, seed=seed)
    if any(not 0 < joint.current[block == number].sum() < (block == number).sum() for number in range(BLOCKS)):
        reason = f"the rows belong to too few values of {entity}: a fifth of them has rows of only one dataset"
        return JointDrift(limits=None, p_value=1.0, rows=rows, reason=reason, too_few=True)
    return _area(joint, block, clusters, rows=rows, seed=seed)


def _area(
    joint: JointRows, block: np.ndarray, clusters: np.ndarray | None, *, rows: dict[str, int], seed: int
) -> JointDrift:
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    areas, variances, sizes = [], [], []
    # Sums of several threads differ in their last bits from machine to machine.
    with threadpool_limits(limits=1):
        for number in range(1, BLOCKS):
            classifier = _trained(joint, block < number, seed=seed)
            held_out = block == number
            current = joint.current[held_out]
            scores = classifier.decision_function(joint.values[held_out])
            area, variance = _delong(scores, current, None if clusters is None else clusters[held_out])
            areas.append(area)
            variances.append(variance)
            sizes.append((float((~current).sum()), float(current.sum())))
        value, error = float(np.mean(areas)), math.sqrt(sum(variances)) / len(areas)
        expected = standard_error(value, sizes)
        spread = max(1.0, error / expected) if expected > 0 else 1.0
        limits = RocArea(value=value, rows=tuple(sizes), spread=spread)
        # Independent rows have the variance of Mann and Whitney where nothing changed; that of clusters is estimated.
        p_value = tail_of((value - 0.5) / (standard_error(0.5, sizes) * (1.0 if clusters is None else spread)))
        features = _important(joint, block == BLOCKS - 1, classifier, seed=seed) if p_value <= EVIDENCE else ()
    return JointDrift(limits=limits, p_value=p_value, rows=rows, features=features)


def _blocks(current: np.ndarray, *, seed: int) -> np.ndarray:
    """The block of each row, (rows,) int: random, with equal shares of both datasets."""
    import numpy as np

    draw = np.random.default_rng(seed)
    block = np.empty(len(current), dtype="int64")
    for side in (False, True):
        places = np.flatnonzero(current == side)
        block[draw.permutation(places)] = np.arange(len(places)) * BLOCKS // len(places)
    return block


def _trained(joint: JointRows, chosen: np.ndarray, *, seed: int) -> Any:
    """A boosting classifier on these rows. Weights would only move its prior, and cost five times the time."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    classifier = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=15, learning_rate=0.1, min_samples_leaf=20, early_stopping=False,
        categorical_features=joint.categorical, random_state=seed % 2**32,
    )  # fmt: skip
    return classifier.fit(joint.values[chosen], joint.current[chosen])


def _delong(scores: np.ndarray, current: np.ndarray, clusters: np.ndarray | None = None) -> tuple[float, float]:
    """ROC AUC, ties half, and its variance (DeLong, DeLong and Clarke-Pearson, 1988); shapes (n,) and (n,) bool."""
    from scipy.stats import rankdata

    everywhere = rankdata(scores)
    positives, negatives = scores[current], scores[~current]
    above = (everywhere[current] - rankdata(positives)) / len(negatives)
    below = 1 - (everywhere[~current] - rankdata(negatives)) / len(positives)
    if clusters is not None:
        return float(above.mean()), clustered_variance(above, below, current, clusters)
    variance = float(above.var(ddof=1)) / len(positives) + float(below.var(ddof=1)) / len(negatives)
    return float(above.mean()), variance


def _important(joint: JointRows, held_out: np.ndarray, classifier: Any, *, seed: int) -> tuple[tuple[str, float], ...]:
    """The area that is lost on held-out rows when the values of one feature are shuffled (Breiman, 2001)."""
    import numpy as np

    values, current = joint.values[held_out], joint.current[held_out]
    full, _ = _delong(classifier.decision_function(values), current)
    losses = []
    for place in _most_used(classifier, len(joint.names)):
        own = values[:, place].copy()
        values[:, place] = np.random.default_rng([seed, place]).permutation(own)
        losses.append((joint.names[place], full - _delong(classifier.decision_function(values), current)[0]))
        values[:, place] = own
    losses.sort(key=lambda pair: (-pair[1], pair[0]))
    return tuple((name, loss) for name, loss in losses[:LISTED] if loss >= LEAST_LOSS)


def _most_used(classifier: Any, features: int) -> list[int]:
    """The features with the largest gain over all splits; shuffling every one of a wide table would take minutes."""
    import numpy as np

    gains = np.zeros(features)
    for trees in classifier._predictors:  # noqa: SLF001 - scikit-learn shows its trees nowhere else
        for tree in trees:
            splits = tree.nodes[tree.nodes["is_leaf"] == 0]
            np.add.at(gains, splits["feature_idx"], splits["gain"])
    order = np.argsort(-gains, kind="stable")[:CANDIDATES]
    return [int(place) for place in order if gains[place] > 0]


def joint_estimates(joint: JointDrift) -> Iterator[Estimate]:
    """`joint_drift_auc`, or its absence with the reason."""
    n = min(joint.rows.values(), default=0)
    if joint.limits is None:
        absence: Absence = "uncertain" if joint.too_few else "error"
        yield Estimate(name="joint_drift_auc", value=None, n=n, reason=joint.reason, absence=absence)
        return
    detail = "told apart by " + ", ".join(name for name, _ in joint.features) if joint.features else ""
    yield Estimate(
        name="joint_drift_auc", value=joint.limits.value, n=n, limits=joint.limits, p_value=joint.p_value, detail=detail
    )


def joint_tables(joint: JointDrift) -> tuple[Table, ...]:
    """The features that tell current from reference rows; none where nothing does."""
    if not joint.features:
        return ()
    return (
        Table(
            name="joint_drift", title="Features that tell current rows from reference rows",
            header=("feature", "ROC AUC lost when its values are shuffled"), rows=joint.features,
        ),
    )  # fmt: skip


def joint_notes(joint: JointDrift, rows: dict[str, int]) -> list[str]:
    """On how many rows the classifiers were trained, where that is not all, and why there are none.

    Args:
        joint: the measurement.
        rows: rows of each dataset by role.
    """
    if joint.limits is None:
        return [f"joint drift is absent: {joint.reason}"]
    sampled = [
        f"{count:,} of {rows[role]:,} rows of {role}" for role, count in joint.rows.items() if count < rows[role]
    ]
    return [f"joint drift is measured on a seeded sample of {' and '.join(sampled)}"] if sampled else []
