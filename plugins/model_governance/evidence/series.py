"""Series over the runs of a model, from its history index: outcomes of runs and checks, values of metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    """The rows of runs, ordered by logical date and number of the link. `place` is the run of each row, from 0 on."""

    table: pa.Table
    place: np.ndarray[Any, Any]
    starts: np.ndarray[Any, Any]

    def column(self, name: str) -> np.ndarray[Any, Any]:
        """A column as Python values."""
        return self.table[name].combine_chunks().to_numpy(zero_copy_only=False)

    def spread(self, rows: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> list[Any]:
        """One value per run from those of some rows; None where no row is of the run."""
        import numpy as np

        out = np.full(len(self.starts), None, dtype=object)
        out[self.place[rows]] = values[rows]
        return out.tolist()


def series_of(
    table: pa.Table, *, checks: Sequence[str] = (), metrics: Sequence[str] = (), most: int | None = None
) -> dict[str, Any]:
    """Series as JSON types: `moments` and `sequences` of the runs, and per series one outcome and one value per run.

    Args:
        table: rows of the index.
        checks: only these checks; all when empty.
        metrics: only these metrics; all when empty.
        most: how many series of metrics at most; None: all. `omitted` counts the others.
    """
    runs = _runs(table)
    moments = [moment.isoformat() for moment in runs.table["logical_date"].take(runs.starts).to_pylist()]
    series = [_series(None, None, None, runs.column("outcome")[runs.starts].tolist(), None)]
    omitted = 0
    for check, groups in _groups(runs, checks, metrics).items():
        rows = groups.pop((None, None))
        series.append(_series(check, None, None, runs.spread(rows, runs.column("check_outcome")), None))
        for (metric, key), rows in groups.items():
            if most is not None and len(series) >= most:
                omitted += 1
                continue
            outcomes = runs.spread(rows, runs.column("finding_outcome"))
            values = [
                None if value is None or value != value else value for value in runs.spread(rows, runs.column("value"))
            ]
            series.append(_series(check, metric, key, outcomes, values))
    return {
        "runs": len(moments), "first": moments[0] if moments else None, "last": moments[-1] if moments else None,
        "moments": moments, "sequences": runs.column("sequence")[runs.starts].tolist(), "series": series,
        "omitted": omitted,
    }  # fmt: skip


def _series(
    check: str | None, metric: str | None, key: str | None, outcomes: list[Any], values: list[Any] | None
) -> dict[str, Any]:
    return {"check": check, "metric": metric, "key": key, "outcomes": outcomes, "values": values}


def _runs(table: pa.Table) -> _Runs:
    import numpy as np
    import pyarrow.compute as pc

    runs = table.filter(pc.equal(table["kind"], "run")).sort_by(
        [("logical_date", "ascending"), ("sequence", "ascending")]
    )
    sequences = runs["sequence"].combine_chunks().to_numpy(zero_copy_only=False)
    is_start = np.ones(len(sequences), dtype=bool)
    is_start[1:] = sequences[1:] != sequences[:-1]
    return _Runs(table=runs, place=np.cumsum(is_start) - 1, starts=np.flatnonzero(is_start))


def _groups(
    runs: _Runs, checks: Sequence[str], metrics: Sequence[str]
) -> dict[str, dict[tuple[str | None, str | None], np.ndarray[Any, Any]]]:
    """The rows of each wanted check, under (None, None), and of each of its wanted metrics, under metric and key."""
    import numpy as np

    names = {name: runs.table[name].combine_chunks().dictionary_encode() for name in ("check", "metric", "key")}
    words = {name: [*encoded.dictionary.to_pylist(), None] for name, encoded in names.items()}
    codes = {
        name: encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
        for name, encoded in names.items()
    }
    whole = (codes["check"] * len(words["metric"]) + codes["metric"]) * len(words["key"]) + codes["key"]
    order = np.argsort(whole, kind="stable")
    _, starts = np.unique(whole[order], return_index=True)
    found: dict[str, dict[tuple[str | None, str | None], np.ndarray[Any, Any]]] = {}
    for rows in np.split(order, starts[1:]) if len(order) else ():
        check, metric, key = (words[name][codes[name][rows[0]]] for name in ("check", "metric", "key"))
        if checks and check not in checks:
            continue
        groups = found.setdefault(check, {(None, None): np.empty(0, dtype=np.int64)})
        groups[None, None] = np.concatenate([groups[None, None], rows])
        if metric is not None and (not metrics or metric in metrics):
            groups[metric, key] = rows
    return found
