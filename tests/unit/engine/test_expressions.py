"""The expressions compile for the databases that people keep their features in."""

from __future__ import annotations

import ibis
import pytest

from model_governance.engine import expressions

TYPES = {"x": "float64", "i": "int64", "b": "boolean", "d": "decimal(20, 4)", "s": "string"}
REFERENCE, CURRENT = (ibis.table(TYPES, name=name) for name in ("reference", "current"))
DIALECTS = ("snowflake", "bigquery", "databricks", "trino", "clickhouse", "mssql", "athena", "postgres", "duckdb")


def questions(*, special):
    numbers = [name for name in TYPES if name != "s"]
    summaries = [
        value
        for name in numbers
        for part in (
            expressions.summary(REFERENCE, name, role="reference", special=special),
            expressions.spread(REFERENCE, name, 1.5, role="reference"),
        )
        for value in part.values()
    ]
    edges = [value for name in numbers for value in expressions.below(REFERENCE, name, [0.5, 1e9], role="reference")]
    missing = [expressions.missing(REFERENCE, name, special=special) for name in TYPES]
    aggregates = {f"a{place}": value for place, value in enumerate((*summaries, *edges, *missing))}
    return (
        REFERENCE.aggregate(**aggregates),
        expressions.values_with_counts(REFERENCE, "s"),
        expressions.few_values(REFERENCE, "x", most=21, role="reference"),
        expressions.order_statistics(REFERENCE, "d", [1, 50, 100], role="reference"),
        expressions.cells(REFERENCE, "d", list(range(100)), role="reference"),
        expressions.distances(REFERENCE, CURRENT, "x", n=100, m=200),
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_question_compiles(dialect):
    for question in questions(special=dialect != "mssql"):
        assert str(ibis.to_sql(question, dialect=dialect)).lstrip().upper().startswith(("SELECT", "WITH"))


def test_counts_below_edges_are_plain_sums():
    (question, *_) = questions(special=True)
    assert "FILTER" not in str(ibis.to_sql(question, dialect="duckdb")).upper()
