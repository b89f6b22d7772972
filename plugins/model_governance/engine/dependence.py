"""How much more the counts of a column vary than those of independent rows: clusters of rows, and noise between runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.stats.quadratic_forms import tail_freedom

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from model_governance.engine.profiles import Cells
    from model_governance.engine.relation import Relation

SAMPLED_ROWS = 200_000
"""Rows from which whole clusters are sampled by a hash of their name."""
MAX_CELLS = 30
COLUMNS_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """What dependent rows add to the variance of independent ones.

    A sum of squares over K cells then is about `factor` times a chi-square variable with `freedom` (K - 1) degrees of
    freedom (Rao and Scott, 1981): the same mean, and the same variance (Satterthwaite) or the same rare tail, whichever is
    wider. That holds where nothing changed. A change, a single
    share and a distance along one direction of the cells have a variance of at most `largest` times that of independent
    rows: a change often moves the cells as customers differ from one another.

    Attributes:
        factor: at least 1.
        freedom: above 0, at most 1.
        largest: at least `factor`.
    """

    factor: float = 1.0
    freedom: float = 1.0
    largest: float = 1.0

    @classmethod
    def of(cls, design_effect: DesignEffect) -> Dependence:
        """From the generalised design effects of the cells."""
        mean, directions = design_effect.mean, design_effect.directions
        freedom = 1 / (1 + design_effect.unevenness)
        if directions > 1:
            freedom = min(freedom, tail_freedom(mean, design_effect.largest, directions) / directions)
        factor = mean / freedom
        return cls(factor=factor, freedom=freedom, largest=max(factor, design_effect.largest))


INDEPENDENT = Dependence()


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignEffect:
    """The generalised design effects of a column's cells (Rao and Scott, 1981), one for each direction.

    Attributes:
        mean: at least 1.
        unevenness: their squared coefficient of variation.
        largest: of the direction in which clusters differ most.
        directions: their number, cells less one; 0 where it is not known.
    """

    mean: float = 1.0
    unevenness: float = 0.0
    largest: float = 1.0
    directions: int = 0


def design_effects(
    relation: Relation, entity: str, cells: Mapping[str, Cells]
) -> tuple[dict[str, DesignEffect], dict[str, DesignEffect]]:
    """Design effects of the cells of each column, and of its share of missing values, from clusters of rows.

    All rows of a sampled cluster are taken, so that what its rows have in common is seen. A row without a cluster is
    one of its own.

    Args:
        relation: the rows.
        entity: the column that says which rows belong together.
        cells: frozen cells of each column.

    Raises:
        SubjectError: the relation lacks the entity or a column.
    """
    relation.require([entity, *cells])
    names, found, missing = list(cells), {}, {}
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        chosen = names[start : start + COLUMNS_AT_ONCE]
        clusters, codes = _sampled(relation, entity, {name: cells[name] for name in chosen})
        for name in chosen:
            held = codes[name] >= 0
            found[name] = design_effect(codes[name][held], clusters[held])
            missing[name] = DesignEffect() if held.all() else design_effect(held.astype("int64"), clusters)
    return found, missing


def _sampled(relation: Relation, entity: str, cells: Mapping[str, Cells]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Cluster and cell of each sampled row; -1 where it holds no value."""
    import numpy as np
    import pandas as pd

    share = min(1.0, SAMPLED_ROWS / max(1, relation.rows))
    clusters: list[np.ndarray] = []
    codes: dict[str, list[np.ndarray]] = {name: [] for name in cells}
    start = 0
    for frame in relation.frames([entity, *cells]):
        hashes = pd.util.hash_array(frame[entity].astype("string").fillna("").to_numpy(dtype=object))
        alone = frame[entity].isna().to_numpy()
        hashes[alone] = pd.util.hash_array(np.arange(start, start + len(frame), dtype="int64"))[alone]
        start += len(frame)
        taken = hashes < np.uint64(min(2**64 - 1, int(share * 2**64)))
        clusters.append(hashes[taken])
        for name, frozen in cells.items():
            codes[name].append(_cell_of(frame[name][taken], frozen))
    joined = np.concatenate(clusters) if clusters else np.zeros(0, dtype="uint64")
    return joined, {name: np.concatenate(parts) if parts else np.zeros(0, int) for name, parts in codes.items()}


def _cell_of(values: object, cells: Cells) -> np.ndarray:
    """Position of each value's cell; -1 for missing and infinite values."""
    import numpy as np
    import pandas as pd

    series = pd.Series(values)
    if cells.family == "numbers":
        numbers = pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        places = np.searchsorted(np.array(cells.inner), numbers, side="right")
        return np.where(np.isfinite(numbers), places, -1)
    position = {label: place for place, label in enumerate(cells.labels)}
    labels = series.astype("string")
    places = labels.map(position).fillna(len(cells.labels)).to_numpy(dtype="int64", na_value=len(cells.labels))
    return np.where(series.isna().to_numpy(), -1, places)


def design_effect(codes: np.ndarray, clusters: np.ndarray) -> DesignEffect:
    """The design effect of the shares of cells, from the spread of the clusters' totals (linearisation).

    Args:
        codes: cell of each row, shape (rows,), at least 0.
        clusters: cluster of each row, shape (rows,).

    Returns:
        Mean, squared coefficient of variation and largest of the eigenvalues of the cluster-robust covariance of the
        shares, relative to that of independent rows; 1, 0 and 1 with fewer than two clusters or cells.
    """
    import numpy as np

    codes = _most_frequent(codes)
    names, members = np.unique(clusters, return_inverse=True)
    groups, cells = len(names), int(codes.max()) + 1 if len(codes) else 0
    if groups < 2 or cells < 2:
        return DesignEffect()
    totals = np.zeros((groups, cells))
    np.add.at(totals, (members, codes), 1.0)
    n = len(codes)
    shares = totals.sum(axis=0) / n
    deviations = (totals - totals.sum(axis=1, keepdims=True) * shares) / np.sqrt(shares)
    relative = deviations.T @ deviations / n * groups / (groups - 1)
    freedom = cells - 1
    mean = float(np.trace(relative)) / freedom
    if mean <= 0:
        return DesignEffect()
    # Estimated eigenvalues lie farther apart than the true ones: few clusters add to their squares, and to the largest.
    estimated = float((relative**2).sum()) / (freedom * mean**2) - 1
    unevenness = max(0.0, estimated - cells / groups)
    apart = float(np.linalg.eigvalsh(relative)[-1]) - mean
    largest = mean + apart * math.sqrt(unevenness / estimated) if estimated > 0 else mean
    return DesignEffect(
        mean=max(1.0, mean), unevenness=unevenness if mean > 1 else 0.0, largest=max(1.0, largest), directions=freedom,
    )  # fmt: skip


def _most_frequent(codes: np.ndarray) -> np.ndarray:
    """The codes renumbered, all but the most frequent pooled."""
    import numpy as np

    values, counts = np.unique(codes, return_counts=True)
    kept = values[np.argsort(-counts, kind="stable")][: MAX_CELLS - 1]
    places = np.full(int(values.max()) + 1 if len(values) else 0, len(kept), dtype="int64")
    places[kept] = np.arange(len(kept))
    return places[codes] if len(codes) else codes


def combined(
    reference: DesignEffect, current: DesignEffect, *, rows: tuple[int, int], noise: DesignEffect
) -> Dependence:
    """The dependence of a comparison: each side with its own effect, weighted by the variance that it brings.

    The noise between runs holds what clusters add within a run, so the larger of the two counts for current.

    Args:
        reference: design effect of the reference.
        current: design effect of current.
        rows: rows that hold a value, of both.
        noise: what earlier runs say about current.
    """
    n, m = rows
    if min(n, m) == 0:
        return INDEPENDENT
    own = noise if noise.mean > current.mean else current
    mean = (reference.mean / n + own.mean / m) / (1 / n + 1 / m)
    largest = (reference.largest / n + max(noise.largest, current.largest) / m) / (1 / n + 1 / m)
    unevenness = max(reference.unevenness, own.unevenness) if mean > 1 else 0.0
    directions = max(reference.directions, own.directions)
    return Dependence.of(DesignEffect(mean=mean, unevenness=unevenness, largest=largest, directions=directions))
