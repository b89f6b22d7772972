"""DuckDB as Great Expectations can use it: a dialect of its own, so that neither the library nor duckdb-engine is changed.

Three things differ from duckdb-engine's dialect. Rows are fetched when a statement has run, because the library leaves the
connection before it asks for them. The dialect calls itself Postgres, whose SQL DuckDB speaks, because the library offers
regular expressions only to dialects that it knows by name. And `~`, a search in Postgres but a match of the whole text in
DuckDB, becomes the search that is meant.
"""

from __future__ import annotations

from functools import cache
from typing import Any

NAME = "governed_duckdb"
SEARCHES = {"~": "", "!~": "NOT "}


@cache
def register() -> str:
    """Makes the dialect known to SQLAlchemy under the name that it returns, for URLs such as `governed_duckdb:///file`."""
    from sqlalchemy.dialects import registry

    registry.register(NAME, __name__, "dialect")
    return NAME


def __getattr__(name: str) -> Any:
    # SQLAlchemy asks this module for `dialect` when it meets the URL; until then nothing heavy is imported.
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
        """Holds every row of an answer; answers are aggregates and short lists."""

        def post_exec(self) -> None:
            super().post_exec()
            if self.cursor.description and not self.isinsert:
                self.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                    self.cursor, initial_buffer=self.cursor.fetchall()
                )

    class Searching(compiler):
        """Writes a search for a regular expression as DuckDB does."""

        def visit_custom_op_binary(self, element: Any, operator: Any, **more: Any) -> str:
            if operator.opstring not in SEARCHES:
                return super().visit_custom_op_binary(element, operator, **more)
            left, right = (self.process(side, **more) for side in (element.left, element.right))
            return f"({SEARCHES[operator.opstring]}regexp_matches({left}, {right}))"

    class Governed(Dialect):
        """What the module's docstring says."""

        name = "postgresql"
        driver = NAME
        supports_statement_cache = False
        execution_ctx_cls = Buffered
        statement_compiler = Searching

    return Governed
