"""Asks Great Expectations, in pandas or in SQL on DuckDB, and counts that every expectation was answered."""

from __future__ import annotations

import difflib
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from model_governance.checks.data.data_validation.answers import Answer, read_answer
from model_governance.checks.data.data_validation.columns import of_frame
from model_governance.checks.data.data_validation.dialect import register
from model_governance.checks.data.data_validation.expectations import labels
from model_governance.checks.data.data_validation.translation import QUANTILES, misfit, runs_in_sql, settled, translated
from model_governance.checks.data.data_validation.view import NAME
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from model_governance.checks.data.data_validation.columns import Column
    from model_governance.checks.data.data_validation.expectations import Expectation
    from model_governance.checks.data.data_validation.view import View

# Words an exception may quote without telling anything about a person.
HARMLESS = frozenset(
    {"str", "int", "float", "bool", "object", "list", "dict", "NoneType", "Timestamp", "<", ">", "<=", ">="}
)
# SUMMARY counts; partial_unexpected_count 0 keeps examples of unexpected values out of the result.
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
MOST_IN_PANDAS = 2_000_000
"""Rows that a column or two may have where only pandas can answer."""

Asked = dict[int, "Expectation"]


class Rows(Protocol):
    """Rows that can be asked: in memory, or behind a view."""

    @property
    def columns(self) -> Mapping[str, Column]:
        """What each column holds."""

    def validate(self, asked: Asked) -> list[Any]:
        """The library's results; `meta.position` of each says which expectation it answers."""


@dataclass(frozen=True)
class InPandas:
    """Rows in memory; `integers` are columns of integers that pandas holds as floats because values are missing."""

    frame: pd.DataFrame
    integers: frozenset[str] = frozenset()
    note = "Great Expectations asked all rows in pandas."
    tools = ("pandas",)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """What each column holds."""
        return of_frame(self.frame, integers=self.integers)

    def validate(self, asked: Asked) -> list[Any]:
        """Asked of pandas."""
        return _in_pandas(self.frame, asked, self.columns)


@dataclass(frozen=True)
class InSql:
    """Rows behind a view; what SQL cannot answer is asked in pandas, on the columns it needs."""

    view: View
    strictly: bool = False
    note = "Great Expectations asked all rows in SQL, on DuckDB."
    tools = ("pandas", "duckdb", "duckdb-engine")

    @property
    def columns(self) -> Mapping[str, Column]:
        """What each column holds."""
        return self.view.columns

    def validate(self, asked: Asked) -> list[Any]:
        """Asked of DuckDB as far as it gives the answers of pandas."""
        rest = {position: one for position, one in asked.items() if not runs_in_sql(one, self.columns)}
        if rest and (self.strictly or self.view.rows > MOST_IN_PANDAS):
            named = ", ".join(labels(tuple(rest.values())))
            limit = "params.engine is sql" if self.strictly else f"there are more than {MOST_IN_PANDAS:,} rows"
            raise CheckError(
                f"{len(rest)} expectations can only be asked in pandas, and {limit}: {named}; ask something else, "
                f"or set params.engine to {'auto or ' if self.strictly else ''}pandas where memory allows"
            )
        found = _in_sql(self.view, {at: one for at, one in asked.items() if at not in rest})
        if rest:
            needed = {name for one in rest.values() for name in one.columns if name in self.columns}
            everything = any("row_condition" in one.kwargs or not one.columns for one in rest.values())
            chosen = [name for name in self.columns if everything or name in needed]
            found += _in_pandas(self.view.frame(chosen), rest, self.columns)
        return found


def ask(rows: Rows, expectations: tuple[Expectation, ...]) -> tuple[Answer, ...]:
    """One answer per expectation, in their order.

    Raises:
        CheckError: an unknown type or kwarg, a missing column, an expectation that could not be
            evaluated or that examined no value at all; every one of them is named.
    """
    named = labels(expectations)
    _require_known(named, expectations)
    problems, answers = _settle(rows.columns, named, expectations)
    asked = {at: one for at, one in enumerate(expectations) if at not in problems and at not in answers}
    found = {int(one.expectation_config.meta["position"]): one for one in rows.validate(asked)} if asked else {}
    if found.keys() != asked.keys():
        lost = ", ".join(named[at] for at in asked if at not in found)
        raise CheckError(f"Great Expectations answered {len(found)} of {len(asked)} expectations; unanswered: {lost}")
    for at, result in found.items():
        problem = _problem(result.exception_info, [*rows.columns, *expectations[at].columns])
        answers[at] = read_answer(named[at], expectations[at], result)
        if problem is None and answers[at].examined == 0:
            problem = "examined no value (all missing, or its row_condition fits no row)"
        if problem is not None:
            problems[at] = problem
    if problems:
        told = [f"{named[at]}: {problems[at]}" for at in sorted(problems)]
        raise CheckError(
            f"{len(problems)} of {len(expectations)} expectations could not be evaluated:\n  "
            + "\n  ".join(told)
            + f"\nThe dataset has the columns {', '.join(rows.columns)}"
        )
    return tuple(answers[at] for at in range(len(expectations)))


def _settle(
    columns: Mapping[str, Column], named: Sequence[str], expectations: tuple[Expectation, ...]
) -> tuple[dict[int, str], dict[int, Answer]]:
    """What the kinds of the columns decide: expectations that make no sense, and answers that need no look at rows."""
    problems, answers = {}, {}
    for at, (label, one) in enumerate(zip(named, expectations, strict=True)):
        problem = misfit(one, columns)
        known = settled(one, columns) if problem is None else None
        if problem is not None:
            problems[at] = problem
        elif known is not None:
            met, examined, unexpected = known
            answers[at] = Answer(label=label, expectation=one, met=met, examined=examined, unexpected=unexpected)
    return problems, answers


def _require_known(named: Sequence[str], expectations: tuple[Expectation, ...]) -> None:
    """Every type and kwarg is one of the library's, which would drop an unknown expectation without an error."""
    import great_expectations.expectations  # noqa: F401  (fills the registry)
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    known = list_registered_expectation_implementations()
    problems = []
    for label, one in zip(named, expectations, strict=True):
        if one.type not in known:
            near = difflib.get_close_matches(one.type, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"{label}: Great Expectations has no expectation {one.type!r}{hint}")
            continue
        try:
            get_expectation_impl(one.type)(**one.kwargs)
        except (TypeError, ValueError) as error:
            problems.append(f"{label}: {' '.join(str(error).split())}")
    if problems:
        raise CheckError(
            f"{len(problems)} of {len(expectations)} expectations cannot be read:\n  " + "\n  ".join(problems)
        )


def _suite(asked: Asked, columns: Mapping[str, Column], *, sql: bool) -> Any:
    import great_expectations as gx
    from great_expectations.expectations.registry import get_expectation_impl

    built = [
        get_expectation_impl(one.type)(
            **translated(one, columns, sql=sql), severity=one.severity, meta={"position": position}
        )
        for position, one in asked.items()
    ]
    return gx.ExpectationSuite(name="suite", expectations=built)


def _in_pandas(frame: pd.DataFrame, asked: Asked, columns: Mapping[str, Column]) -> list[Any]:
    with _context(columns) as context:
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("current")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": _plain(frame, columns)})
        return list(batch.validate(_suite(asked, columns, sql=False), result_format=RESULT_FORMAT).results)


def _in_sql(view: View, asked: Asked) -> list[Any]:
    """A table asset, never a query asset: of a query the library fetches every row to learn its columns."""
    if not asked:
        return []
    quantiles = max(
        len(one.kwargs["quantile_ranges"]["quantiles"]) if one.type == QUANTILES else 0 for one in asked.values()
    )
    columns = len({name for one in asked.values() for name in one.columns})
    with _context(view.columns) as context:
        source = context.data_sources.add_sql(
            "rows",
            connection_string=f"{register()}:///{view.database}",
            kwargs={"connect_args": {"config": view.config(columns=columns, quantiles=quantiles)}},
        )
        try:
            asset = source.add_table_asset("current", table_name=NAME)
            batch = asset.add_batch_definition_whole_table("all").get_batch()
            return list(batch.validate(_suite(asked, view.columns, sql=True), result_format=RESULT_FORMAT).results)
        finally:
            source.get_engine().dispose()
            source.get_execution_engine().engine.dispose()


@contextmanager
def _context(columns: Iterable[str]) -> Iterator[Any]:
    """A context in memory: no progress bars, no folder for documents, and the project of others put back."""
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
        with warnings.catch_warnings():
            # An infinite mean is answered as such, and pandas minds groups in a pattern that only looks for a match.
            warnings.simplefilter("ignore")
            yield context
    except CheckError:
        raise
    except Exception as error:
        said = _without_values(str(error), columns)
        raise CheckError(f"Great Expectations could not run the suite: {type(error).__name__}: {said}") from error
    finally:
        project_manager.set_project(before)


def _plain(frame: pd.DataFrame, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Cells as the library's metrics know them: text as objects, floats wide, times in UTC without a zone."""
    import pandas as pd

    plain = {name: _as_plain(frame[name], columns[name]) for name in frame.columns}
    if all(cells.dtype == frame[name].dtype for name, cells in plain.items()):
        return frame
    # Set column by column, the frame would be put together again each time the library takes rows out of it.
    return pd.DataFrame(plain, index=frame.index)


def _as_plain(cells: pd.Series, column: Column) -> pd.Series:
    import pandas as pd

    if column.kind == "text":
        return cells.astype(object, copy=False)
    cells = cells.astype(cells.cat.categories.dtype) if isinstance(cells.dtype, pd.CategoricalDtype) else cells
    if column.family == "numbers":
        if column.kind == "number" or column.missing:
            return cells.astype(float, copy=False)
        whole = {"boolean": "int8"}.get(column.kind, "uint64" if cells.dtype == "uint64" else "int64")
        return cells.astype(whole, copy=False)
    return pd.to_datetime(cells, utc=True).dt.tz_localize(None) if column.kind == "datetime" else cells


def _problem(info: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Why an expectation could not be evaluated; the library tells it in two shapes, flat or one per metric."""
    flat = [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, dict)]
    raised = [str(one.get("exception_message")) for one in flat if one.get("raised_exception")]
    return _without_values(raised[0], names) if raised else None


def _without_values(said: str, names: Iterable[str]) -> str:
    """An exception's text, in which only names of columns and types stay quoted: it may hold values of the data."""
    known = HARMLESS | set(names)
    quoted = re.compile(r"'([^']*)'|\"([^\"]*)\"")
    return " ".join(quoted.sub(lambda one: one[0] if (one[1] or one[2]) in known else "'...'", said).split())[:300]
