"""Series over the runs of a model, from its history index: outcomes of runs and checks, values of metrics.

Columns are read from their buffers: what pyarrow offers instead imports pandas, which takes longer than all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runs:
    """The rows of runs in the order of logical date and number of the link.

    Attributes:
        table: the index.
        order: row of the table of each row here.
        place: the run of each row, from 0 on.
        starts: the first row of each run.
    """

    table: pa.Table
    order: Array
    place: Array
    starts: Array

    def words(self, name: str) -> Array:
        """A column of text as Python values."""
        import numpy as np

        codes, words = _coded(self.table[name])
        return np.array([*words, None], dtype=object)[codes[self.order]]

    def spread(self, rows: Array, values: Array) -> list[Any]:
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
    times, sequences = (_numbers(table[name])[0][runs.order][runs.starts] for name in ("logical_date", "sequence"))
    moments = [(_EPOCH + timedelta(microseconds=int(time))).isoformat() for time in times]
    series = [_series(None, None, None, runs.words("outcome")[runs.starts].tolist(), None)]
    check_outcomes, finding_outcomes, known = runs.words("check_outcome"), runs.words("finding_outcome"), _values(runs)
    omitted = 0
    for check, groups in _groups(runs, checks, metrics).items():
        rows = groups.pop((None, None))
        series.append(_series(check, None, None, runs.spread(rows, check_outcomes), None))
        for (metric, key), rows in groups.items():
            if most is not None and len(series) >= most:
                omitted += 1
                continue
            outcomes = runs.spread(rows, finding_outcomes)
            series.append(_series(check, metric, key, outcomes, runs.spread(rows, known)))
    return {
        "runs": len(moments), "first": moments[0] if moments else None, "last": moments[-1] if moments else None,
        "moments": moments, "sequences": sequences.tolist(), "series": series,
        "omitted": omitted,
    }  # fmt: skip


RUN_WORDS = ("link", "run_id", "dag_id", "manifest", "outcome", "policy_sha256", "model_sha256")
"""Columns of text that say something about a run as a whole."""


def runs_of(table: pa.Table) -> list[dict[str, Any]]:
    """One entry per run, in the order of logical date and number of the link: RUN_WORDS, `sequence`, `moment`, `recorded`, `stops`.

    Moments are seconds since 1970 (UTC).
    """
    runs = _runs(table)
    columns: dict[str, list[Any]] = {name: runs.words(name)[runs.starts].tolist() for name in RUN_WORDS}
    for name, column in (("sequence", "sequence"), ("moment", "logical_date"), ("recorded", "recorded_at")):
        columns[name] = _numbers(table[column])[0][runs.order][runs.starts].tolist()
    for name in ("moment", "recorded"):
        columns[name] = [microseconds / 1e6 for microseconds in columns[name]]
    stops = table["stops"].to_pylist()
    columns["stops"] = [bool(stops[row]) for row in runs.order[runs.starts]]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _series(
    check: str | None, metric: str | None, key: str | None, outcomes: list[Any], values: list[Any] | None
) -> dict[str, Any]:
    return {"check": check, "metric": metric, "key": key, "outcomes": outcomes, "values": values}


def _runs(table: pa.Table) -> _Runs:
    import numpy as np

    codes, words = _coded(table["kind"])
    rows = np.flatnonzero(codes == words.index("run")) if "run" in words else np.empty(0, dtype=np.int64)
    times, sequences = _numbers(table["logical_date"])[0], _numbers(table["sequence"])[0]
    order = rows[np.lexsort((rows, sequences[rows], times[rows]))]
    is_start = np.ones(len(order), dtype=bool)
    is_start[1:] = sequences[order][1:] != sequences[order][:-1]
    return _Runs(table=table, order=order, place=np.cumsum(is_start) - 1, starts=np.flatnonzero(is_start))


def _values(runs: _Runs) -> Array:
    """The values of metrics, None where there is none."""
    import numpy as np

    numbers, known = _numbers(runs.table["value"])
    values = numbers.astype(object)
    values[~known] = None
    return np.asarray(values[runs.order], dtype=object)


def _groups(
    runs: _Runs, checks: Sequence[str], metrics: Sequence[str]
) -> dict[str, dict[tuple[str | None, str | None], Array]]:
    """The rows of each wanted check, under (None, None), and of each of its wanted metrics, under metric and key."""
    import numpy as np

    coded = {name: _coded(runs.table[name]) for name in ("check", "metric", "key")}
    codes = {name: column[runs.order].astype(np.int64) for name, (column, _) in coded.items()}
    words: dict[str, list[Any]] = {name: [*named, None] for name, (_, named) in coded.items()}
    whole = (codes["check"] * len(words["metric"]) + codes["metric"]) * len(words["key"]) + codes["key"]
    order = np.argsort(whole, kind="stable")
    _, starts = np.unique(whole[order], return_index=True)
    found: dict[str, dict[tuple[str | None, str | None], Array]] = {}
    for rows in np.split(order, starts[1:]) if len(order) else ():
        check, metric, key = (words[name][codes[name][rows[0]]] for name in ("check", "metric", "key"))
        if checks and check not in checks:
            continue
        groups = found.setdefault(check, {(None, None): np.empty(0, dtype=np.int64)})
        groups[None, None] = np.concatenate([groups[None, None], rows])
        if metric is not None and (not metrics or metric in metrics):
            groups[metric, key] = rows
    return found


def _coded(column: pa.ChunkedArray) -> tuple[Array, list[str]]:
    """A column of text as places in a list of its words; what is null has the place behind the last one."""
    import numpy as np

    if len(column) == 0:
        return np.empty(0, dtype=np.int64), []
    encoded = column.combine_chunks().dictionary_encode()
    words = encoded.dictionary.to_pylist()
    places, known = _buffered(encoded.indices, "int32")
    return np.where(known, places, len(words)), words


def _numbers(column: pa.ChunkedArray) -> tuple[Array, Array]:
    """A column of numbers or moments (microseconds), and where it is not null."""
    import numpy as np

    kind = "float64" if str(column.type) == "double" else "int64"
    if len(column) == 0:
        return np.empty(0, dtype=kind), np.empty(0, dtype=bool)
    return _buffered(column.combine_chunks(), kind)


def _buffered(array: pa.Array, kind: str) -> tuple[Array, Array]:
    import numpy as np

    validity, values = array.buffers()
    span = slice(array.offset, array.offset + len(array))
    numbers = np.frombuffer(values, dtype=kind)[span]
    if validity is None:
        return numbers, np.ones(len(array), dtype=bool)
    return numbers, np.unpackbits(np.frombuffer(validity, dtype=np.uint8), bitorder="little")[span].astype(bool)
