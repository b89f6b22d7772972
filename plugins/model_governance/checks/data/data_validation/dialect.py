"""A SQLAlchemy dialect for DuckDB that Great Expectations can use without a change to either library.

It differs from duckdb-engine's dialect in three ways. It fetches rows as soon as a statement has run, because Great
Expectations closes the connection before it reads them. It calls itself Postgres, whose SQL DuckDB supports, because Great
Expectations offers regular expressions only to dialects that it knows by name. It compiles `~`, a search in Postgres but
a match of the whole text in DuckDB, to a search.
"""

from __future__ import annotations

from functools import cache
from typing import Any

NAME = "governed_duckdb"
SEARCHES = {"~": "", "!~": "NOT "}


@cache
def register() -> str:
    """Register the dialect with SQLAlchemy; returns its name, for URLs such as `governed_duckdb:///file`."""
    from sqlalchemy.dialects import registry

    registry.register(NAME, __name__, "dialect")
    return NAME


def __getattr__(name: str) -> Any:
    # SQLAlchemy reads `dialect` from this module when it resolves the URL; until then nothing heavy is imported.
    if name == "dialect":
        return _dialect()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _dialect() -> type[Any]:
    from duckdb_engine import Dialect
    from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

    context: Any = Dialect.execution_ctx_cls
    compiler: Any = Dialect.statement_compiler

    class Buffered(context):
        """Buffers every row of a result; results are aggregates and short lists."""

        def post_exec(self) -> None:
            super().post_exec()
            if self.cursor.description and not self.isinsert:
                self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                    self.cursor, initial_buffer=self.cursor.fetchall()
                )

    class Searching(compiler):
        """Compiles a search for a regular expression to DuckDB's function."""

        def visit_custom_op_binary(self, element: Any, operator: Any, **more: Any) -> str:
            if operator.opstring not in SEARCHES:
                return super().visit_custom_op_binary(element, operator, **more)
            left, right = (self.process(operand, **more) for operand in (element.left, element.right))
            return f"({SEARCHES[operator.opstring]}regexp_matches({left}, {right}))"

    class Governed(Dialect):
        """The dialect that the module's docstring describes."""

        name = "postgresql"
        driver = NAME
        supports_statement_cache = False
        execution_ctx_cls = Buffered
        statement_compiler = Searching

    return Governed
