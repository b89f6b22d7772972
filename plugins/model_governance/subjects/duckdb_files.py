"""DuckDB files, opened for reading only and without a way to other files, extensions or the network."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from model_governance.contract.text import first_line
from model_governance.errors import SubjectError, SubjectUnreachable

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

CONFINED = {
    "enable_external_access": False, "autoinstall_known_extensions": False, "autoload_known_extensions": False
}  # fmt: skip
LOCKED = CONFINED | {"lock_configuration": True}


def query_duckdb(printable_uri: str, path: Path, query: str) -> pa.Table:
    """The rows of a query of a DuckDB file, with the types that DuckDB gives them.

    Raises:
        SubjectError: there is no such file, or the query cannot be run.
        SubjectUnreachable: another process writes the file.
    """
    import duckdb

    try:
        with closing(open_duckdb(printable_uri, path)) as connection:
            answer = connection.sql(query)
            if answer is None:
                raise SubjectError(f"{printable_uri}: the query returns no rows; correct `query`")
            return answer.to_arrow_table()
    except duckdb.Error as error:
        raise SubjectError(f"{printable_uri}: the query cannot be run: {first_line(error)}; correct `query`") from error


def open_duckdb(printable_uri: str, path: Path) -> Any:
    """A connection to a DuckDB file that only reads.

    Raises: as `query_duckdb`.
    """
    import duckdb

    require_file(printable_uri, path)
    try:
        return duckdb.connect(path, read_only=True, config=LOCKED)
    except duckdb.ConnectionException:
        # This process reads a table of the file, through a connection whose time zone ibis had to set.
        return duckdb.connect(path, read_only=True, config=CONFINED)
    except duckdb.IOException as error:
        raise SubjectUnreachable(
            f"{printable_uri}: cannot be opened, another process may write it: {first_line(error)}; try again"
        ) from error


def require_file(printable_uri: str, path: Path) -> None:
    """Refuse a path without a file: DuckDB would make one.

    Raises:
        SubjectError: there is none.
    """
    if not path.is_file():
        raise SubjectError(f"{printable_uri}: there is no DuckDB file {path}; correct the uri")
