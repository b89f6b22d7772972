"""Batches of rows on which Great Expectations evaluates expectations: in pandas, or in SQL on DuckDB."""

from __future__ import annotations

import logging
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from model_governance.checks.data.data_validation.columns import of_frame
from model_governance.checks.data.data_validation.dialect import register
from model_governance.checks.data.data_validation.expectations import labels
from model_governance.checks.data.data_validation.lean_import import import_great_expectations
from model_governance.checks.data.data_validation.pattern_trial import require_quick
from model_governance.checks.data.data_validation.translation import (
    QUANTILES,
    is_supported_in_sql,
    translate_kwargs,
)
from model_governance.checks.data.data_validation.view import NAME
from model_governance.engine.frames import as_shown
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

    from model_governance.checks.data.data_validation.columns import Column
    from model_governance.checks.data.data_validation.expectations import Expectation
    from model_governance.checks.data.data_validation.view import View

# Words that the message of an exception may quote without revealing a value of the data.
HARMLESS = frozenset(
    {"str", "int", "float", "bool", "object", "list", "dict", "NoneType", "Timestamp", "<", ">", "<=", ">="}
)
# SUMMARY counts; partial_unexpected_count 0 keeps examples of unexpected values out of the result.
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
MAX_FALLBACK_ROWS = 2_000_000
"""Rows up to which columns of a view are loaded for what only pandas can evaluate."""

Positioned = dict[int, "Expectation"]


class Batch(Protocol):
    """Rows on which expectations can be evaluated: in memory, or behind a view."""

    @property
    def columns(self) -> Mapping[str, Column]:
        """The columns, by name."""

    def validate(self, expectations: Positioned) -> list[Any]:
        """Great Expectations' results; `meta.position` of each is the position of its expectation."""


@dataclass(frozen=True)
class PandasBatch:
    """Rows in memory; `integers` are columns of integers that pandas holds as floats because values are missing."""

    frame: pd.DataFrame
    integers: frozenset[str] = frozenset()
    note = "Great Expectations evaluated all rows in pandas."
    tools = ("pandas",)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The columns, by name."""
        return of_frame(self.frame, integers=self.integers)

    def validate(self, expectations: Positioned) -> list[Any]:
        """Evaluate in pandas."""
        return _in_pandas(self.frame, expectations, self.columns)


@dataclass(frozen=True)
class SqlBatch:
    """Rows behind a view; what SQL cannot evaluate is evaluated in pandas, on the columns it needs.

    With `sql_only` such expectations are refused.
    """

    view: View
    sql_only: bool = False
    note = "Great Expectations evaluated all rows in SQL, on DuckDB."
    tools = ("pandas", "duckdb", "duckdb-engine")

    @property
    def columns(self) -> Mapping[str, Column]:
        """The columns, by name."""
        return self.view.columns

    def validate(self, expectations: Positioned) -> list[Any]:
        """Evaluate in DuckDB as far as its results equal those of pandas.

        Raises:
            CheckError: an expectation needs pandas, and the batch is `sql_only` or has too many rows.
        """
        fallback = {
            position: expectation
            for position, expectation in expectations.items()
            if not is_supported_in_sql(expectation, self.columns)
        }
        if fallback and (self.sql_only or self.view.rows > MAX_FALLBACK_ROWS):
            names = ", ".join(labels(tuple(fallback.values())))
            limit = "params.engine is sql" if self.sql_only else f"there are more than {MAX_FALLBACK_ROWS:,} rows"
            raise CheckError(
                f"{len(fallback)} expectations can only be evaluated in pandas, and {limit}: {names}; use other "
                f"expectations, or set params.engine to {'auto or ' if self.sql_only else ''}pandas where memory allows"
            )
        in_sql = {position: expectations[position] for position in expectations if position not in fallback}
        results = _in_sql(self.view, in_sql)
        if fallback:
            results += _in_pandas(self.view.frame(self._needed(fallback)), fallback, self.columns)
        return results

    def _needed(self, expectations: Positioned) -> list[str]:
        """The columns that these expectations read; all of them for conditions and for the table as a whole."""
        needed = {name for expectation in expectations.values() for name in expectation.columns}
        everything = any(
            "row_condition" in expectation.kwargs or not expectation.columns for expectation in expectations.values()
        )
        return [name for name in self.columns if everything or name in needed]


def without_values(message: str, names: Iterable[str]) -> str:
    """An exception's message, in which only names of columns and types stay quoted: it may hold values of the data.

    Args:
        message: the text.
        names: names of columns.
    """
    known = HARMLESS | set(names)
    quoted = re.compile(r"'([^']*)'|\"([^\"]*)\"")
    hidden = quoted.sub(lambda match: match[0] if (match[1] or match[2]) in known else "'...'", message)
    return " ".join(hidden.split())[:300]


def _suite(expectations: Positioned, columns: Mapping[str, Column], *, sql: bool) -> Any:
    import_great_expectations()
    import great_expectations as gx
    from great_expectations.expectations.registry import get_expectation_impl

    built = [
        get_expectation_impl(expectation.type)(
            **translate_kwargs(expectation, columns, sql=sql),
            severity=expectation.severity,
            meta={"position": position},
        )
        for position, expectation in expectations.items()
    ]
    return gx.ExpectationSuite(name="suite", expectations=built)


def _in_pandas(frame: pd.DataFrame, expectations: Positioned, columns: Mapping[str, Column]) -> list[Any]:
    with _context(columns) as context:
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("current")
        dataframe = _normalise(frame, columns)
        require_quick(dataframe, expectations)
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": dataframe})
        suite = _suite(expectations, columns, sql=False)
        return list(batch.validate(suite, result_format=RESULT_FORMAT).results)


def _in_sql(view: View, expectations: Positioned) -> list[Any]:
    """Validate a table asset; for a query asset Great Expectations fetches every row to learn the columns."""
    if not expectations:
        return []
    quantiles = max(
        len(expectation.kwargs["quantile_ranges"]["quantiles"]) if expectation.type == QUANTILES else 0
        for expectation in expectations.values()
    )
    columns = len({name for expectation in expectations.values() for name in expectation.columns})
    with _context(view.columns) as context:
        source = context.data_sources.add_sql(
            "rows",
            connection_string=f"{register()}:///{view.database}",
            kwargs={"connect_args": {"config": view.config(columns=columns, quantiles=quantiles)}},
        )
        try:
            asset = source.add_table_asset("current", table_name=NAME)
            batch = asset.add_batch_definition_whole_table("all").get_batch()
            suite = _suite(expectations, view.columns, sql=True)
            return list(batch.validate(suite, result_format=RESULT_FORMAT).results)
        finally:
            source.get_engine().dispose()
            source.get_execution_engine().engine.dispose()


@contextmanager
def _context(columns: Iterable[str]) -> Iterator[Any]:
    """A context in memory, without progress bars and documents; the project that was set before is restored."""
    from great_expectations.data_context import EphemeralDataContext, project_manager
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.exceptions import DataContextError

    try:
        before = project_manager.get_current_project()
    except DataContextError:
        before = None
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    try:
        context = EphemeralDataContext(project_config=config)
        project_manager.set_project(context)
        with warnings.catch_warnings(), _no_values_in_logs():
            # An infinite mean is a result here, and pandas warns of groups in a pattern that only tests for a match.
            warnings.simplefilter("ignore")
            yield context
    except CheckError:
        raise
    except Exception as error:
        message = without_values(str(error), columns)
        raise CheckError(f"Great Expectations could not run the suite: {type(error).__name__}: {message}") from error
    finally:
        project_manager.set_project(before)


@contextmanager
def _no_values_in_logs() -> Iterator[None]:
    """Great Expectations warns of each decimal that it converts, and quotes it."""
    logger = logging.getLogger("great_expectations.util")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def _normalise(frame: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Cells as Great Expectations' metrics expect them: text as objects, wide floats, times in UTC without a zone."""
    import pandas as pd

    normal = {name: _normal_cells(frame[name], columns[name]) for name in frame.columns}
    if all(cells.dtype == frame[name].dtype for name, cells in normal.items()):
        return frame
    # Set column by column, the frame would be consolidated again each time the library takes rows out of it.
    return pd.DataFrame(normal, index=frame.index)


def _normal_cells(cells: pd.Series, column: Column) -> pd.Series:
    import pandas as pd
    import pyarrow as pa

    if column.kind == "text":
        return cells.astype(object, copy=False)
    cells = cells.astype(cells.cat.categories.dtype) if isinstance(cells.dtype, pd.CategoricalDtype) else cells
    if column.family == "numbers":
        return _normal_numbers(cells, column)
    if column.kind != "datetime":
        return cells
    if cells.dtype == object:  # pandas would make nanoseconds of them, which end in the year 2262
        cells = pa.array(cells, from_pandas=True).cast(pa.timestamp("us", tz="UTC")).to_pandas()
    return pd.to_datetime(cells, utc=True).dt.tz_localize(None)


def _normal_numbers(cells: pd.Series, column: Column) -> pd.Series:
    """Numbers as float64, or as integers where there is no gap or where float64 would merge them; else as they are."""
    import numpy as np

    cells = as_shown(cells)
    if not column.exact and (cells.dtype == object or column.missing):
        return cells.where(cells.notna(), np.nan) if cells.dtype == object else cells
    if column.kind == "number" or column.missing or cells.dtype == object:
        return cells.astype(float, copy=False)
    whole = {"boolean": "int8"}.get(column.kind, "uint64" if cells.dtype == "uint64" else "int64")
    return cells.astype(whole, copy=False)
