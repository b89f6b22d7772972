"""The rows of the history index: one per finding that a link states, made from the link alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from model_governance.evidence.chain import Link

INDEX_SCHEMA = "model-governance/index/v2"
UNREADABLE = "unreadable"
"""What stands for the kind of a link that is missing or damaged."""
_TEXTS_OF_FINDING = ("metric", "key", "severity", "condition")
_DECIMALS = ("value", "low", "high")


@cache
def schema() -> pa.Schema:
    """The columns of the index.

    `sequence`, `link` (SHA-256 of the payload), `kind` and `recorded_at` are those of the link; `logical_date` to
    `model_sha256` those of a run; `check` to `n` those of one finding. `manifest` is the key of the run's manifest, `dag_id`
    the DAG that ran it, null without one. `bound` is null for a condition of two numbers.
    """
    import pyarrow as pa

    moment, text, number = pa.timestamp("us", tz="UTC"), pa.string(), pa.float64()
    columns = {
        "sequence": pa.int64(), "link": text, "kind": text, "recorded_at": moment,
        "logical_date": moment, "run_id": text, "dag_id": text, "manifest": text, "outcome": text, "stops": pa.bool_(), "policy_sha256": text,
        "model_sha256": text, "check": text, "check_kind": text, "check_outcome": text,
        "metric": text, "key": text, "severity": text, "condition": text, "n": pa.int64(),
        "value": number, "low": number, "high": number, "bound": number, "finding_outcome": text,
    }  # fmt: skip
    return pa.schema(list(columns.items()), metadata={b"schema": INDEX_SCHEMA.encode()})


def rows_of(link: Link) -> list[dict[str, Any]]:
    """The rows of a link: one per finding, and a single one where it has none or lacks what a run states."""
    base = {"sequence": link.sequence, "link": link.digest, "kind": link.kind, "recorded_at": link.recorded_at}
    if link.kind != "run":
        return [base]
    try:
        return list(_rows_of_run(base, link.predicate))
    except (KeyError, TypeError, ValueError, AttributeError):
        return [row_of_unreadable(link.sequence)]  # verification says what is wrong with it


def row_of_unreadable(sequence: int) -> dict[str, Any]:
    """The row of a number whose link is missing or damaged."""
    return {"sequence": sequence, "kind": UNREADABLE}


def table_of(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table with the columns of the index; what a row lacks is null."""
    import pyarrow as pa

    listed = list(rows)
    arrays = [pa.array([row.get(field.name) for row in listed], type=field.type) for field in schema()]
    return pa.Table.from_arrays(arrays, schema=schema())


def empty_table() -> pa.Table:
    """No row."""
    import pyarrow as pa

    # `empty_table` of a schema imports pandas.
    return pa.Table.from_batches([], schema=schema())


def _rows_of_run(base: Mapping[str, Any], predicate: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """The rows, where each value has the type of its column. Raises TypeError, and what a lacking field raises."""
    run = {
        "run_id": predicate["run"]["run_id"],
        "dag_id": predicate["run"]["orchestrator"].get("dag_id"),
        "manifest": predicate["manifest"]["key"],
        "outcome": predicate["verdict"]["outcome"],
        "policy_sha256": predicate["policy"]["sha256"],
        "model_sha256": predicate["model"]["sha256"],
    }
    _require_texts(run.values())
    stops = predicate["verdict"]["stops"]
    if not isinstance(stops, bool):
        raise TypeError("expected stops to be true or false")
    run |= {**base, "logical_date": parse_moment(predicate["run"]["logical_date"]), "stops": stops}
    for check in predicate["checks"]:
        named = {**run, "check": check["name"], "check_kind": check["kind"], "check_outcome": check["outcome"]}
        _require_texts((named["check"], named["check_kind"], named["check_outcome"]))
        findings = check["findings"]
        if not findings:
            yield named
        for finding in findings:
            yield named | _of_finding(finding)


def _of_finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {name: finding[name] for name in _TEXTS_OF_FINDING}
    row["finding_outcome"] = finding["outcome"]
    _require_texts(row.values())
    count, bound = finding["n"], finding["bound"]
    if not (count is None or (type(count) is int and count < 1 << 53)):
        raise TypeError("expected n to be a number of rows")
    for name in _DECIMALS:
        row[name] = None if finding[name] is None else float(finding[name])
    row["n"], row["bound"] = count, float(bound) if isinstance(bound, str) else None
    return row


def _require_texts(values: Iterable[Any]) -> None:
    for value in values:
        if value is not None and not isinstance(value, str):
            raise TypeError(f"expected text, found {type(value).__name__}")
