"""Asks Great Expectations, in pandas, and brings back counts and aggregates: never a value of the data."""

from __future__ import annotations

import difflib
import math
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.check import Artifact, canonical_json
from model_governance.checks.data_validation.expectations import labels
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from model_governance.checks.data_validation.expectations import Expectation

# What dtypes and cells are called differs between pandas versions; a policy names a logical type instead.
WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "int",
         "Int8Dtype", "Int16Dtype", "Int32Dtype", "Int64Dtype", "UInt8Dtype", "UInt16Dtype", "UInt32Dtype", "UInt64Dtype")  # fmt: skip
LOGICAL_TYPES: Mapping[str, tuple[str, ...]] = {
    "number": (*WHOLE, "float16", "float32", "float64", "float", "Float32Dtype", "Float64Dtype"),
    "integer": WHOLE,
    "text": ("str",),
    "boolean": ("bool", "bool_", "BooleanDtype"),
    "datetime": ("datetime64[ns]", "datetime64[us]", "datetime64[ms]", "datetime64[s]", "Timestamp"),
}
# Words an exception may quote without telling anything about a person.
HARMLESS = frozenset(
    {"str", "int", "float", "bool", "object", "list", "dict", "NoneType", "Timestamp", "<", ">", "<=", ">="}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one expectation found. `examined` and `unexpected` count rows; None where it does not look row by row."""

    label: str
    expectation: Expectation
    met: bool
    examined: int | None = None
    unexpected: int | None = None
    observed: float | int | str | None = None
    missing_columns: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """Unexpected rows as a share of the rows examined."""
        return None if self.examined is None or self.unexpected is None else self.unexpected / self.examined

    @property
    def story(self) -> str:
        """`values_between(AGEP): 31,204 of 69,126 rows`."""
        if self.unexpected is not None and self.examined is not None:
            return f"{self.label}: {self.unexpected:,} of {self.examined:,} rows"
        if self.missing_columns:
            return f"{self.label}: missing {', '.join(self.missing_columns)}"
        if self.observed is not None:
            form = {str: "", float: ",.4g"}.get(type(self.observed), ",")
            seen = format(self.observed, form)
            return f"{self.label}: observed {seen}"
        return self.label


def ask(frame: pd.DataFrame, expectations: tuple[Expectation, ...]) -> tuple[Answer, ...]:
    """One answer per expectation, in their order.

    Raises:
        CheckError: an unknown type or kwarg, a missing column, an expectation that could not be
            evaluated or that examined no value at all; every one of them is named.
    """
    built = _build(expectations)
    named = labels(expectations)
    found = {int(one.expectation_config.meta["position"]): one for one in _validate(frame, built)}
    if sorted(found) != list(range(len(expectations))):
        lost = [label for position, label in enumerate(named) if position not in found]
        raise CheckError(
            f"Great Expectations answered {len(found)} of {len(expectations)} expectations; unanswered: {', '.join(lost)}"
        )
    problems = []
    answers = []
    for position, (label, expectation) in enumerate(zip(named, expectations, strict=True)):
        problem = _problem(found[position].exception_info, expectation, frame)
        answer = _answer(label, expectation, found[position])
        if problem is None and answer.examined == 0:
            problem = "examined no value (all missing, or its row_condition fits no row)"
        if problem is not None:
            problems.append(f"{label}: {problem}")
        answers.append(answer)
    if problems:
        columns = ", ".join(map(str, frame.columns))
        raise CheckError(
            f"{len(problems)} of {len(expectations)} expectations could not be evaluated:\n  "
            + "\n  ".join(problems)
            + f"\nThe dataset has the columns {columns}"
        )
    return tuple(answers)


def as_artifact(answers: Sequence[Answer], *, rows: int) -> Artifact:
    """The answers as `validation.json`: the same bytes for the same data, without values of the data."""
    results = [
        {
            "label": one.label,
            "type": one.expectation.type,
            "kwargs": one.expectation.model_dump(mode="json")["kwargs"],
            "severity": one.expectation.severity,
            "success": one.met,
            "examined_rows": one.examined,
            "unexpected_rows": one.unexpected,
            "unexpected_share": one.share,
            "observed_value": one.observed,
            "missing_columns": list(one.missing_columns),
        }
        for one in answers
    ]
    met = sum(one.met for one in answers)
    record = {
        "rows": rows,
        "statistics": {"evaluated": len(answers), "successful": met, "unsuccessful": len(answers) - met},
        "results": results,
    }
    return Artifact(
        name="validation.json", media_type="application/json", content=canonical_json(record), title="Validation result"
    )


def _build(expectations: tuple[Expectation, ...]) -> list[Any]:
    """The expectations as objects of the library, which would drop an unknown one without an error."""
    import great_expectations.expectations  # noqa: F401  (fills the registry)
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    known = list_registered_expectation_implementations()
    built, problems = [], []
    for position, (label, one) in enumerate(zip(labels(expectations), expectations, strict=True)):
        kind, kwargs = _translate(one)
        if kind not in known:
            near = difflib.get_close_matches(kind, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"{label}: Great Expectations has no expectation {kind!r}{hint}")
            continue
        try:
            built.append(get_expectation_impl(kind)(**kwargs, severity=one.severity, meta={"position": position}))
        except (TypeError, ValueError) as error:
            problems.append(f"{label}: {' '.join(str(error).split())}")
    if problems:
        raise CheckError(
            f"{len(problems)} of {len(expectations)} expectations cannot be read:\n  " + "\n  ".join(problems)
        )
    return built


def _translate(one: Expectation) -> tuple[str, dict[str, Any]]:
    logical = LOGICAL_TYPES.get(str(one.kwargs.get("type_")))
    if one.type != "expect_column_values_to_be_of_type" or logical is None:
        return one.type, dict(one.kwargs)
    kwargs = {key: value for key, value in one.kwargs.items() if key != "type_"}
    return "expect_column_values_to_be_in_type_list", kwargs | {"type_list": list(logical)}


def _validate(frame: pd.DataFrame, built: list[Any]) -> list[Any]:
    import great_expectations as gx

    # SUMMARY counts; partial_unexpected_count 0 keeps examples of unexpected values out of the result.
    result_format = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
    with _context() as context:
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("current")
        definition = asset.add_batch_definition_whole_dataframe("all")
        batch = definition.get_batch(batch_parameters={"dataframe": _plain(frame)})
        suite = gx.ExpectationSuite(name="suite", expectations=built)
        try:
            return list(batch.validate(suite, result_format=result_format).results)
        except Exception as error:
            said = _without_values(str(error), map(str, frame.columns))
            raise CheckError(f"Great Expectations could not run the suite: {type(error).__name__}: {said}") from error


@contextmanager
def _context() -> Iterator[Any]:
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
        yield context
    finally:
        project_manager.set_project(before)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Categories and extension strings as objects, decimals as floats: the library's types see plain cells."""
    from decimal import Decimal

    import pandas as pd

    plain = frame.copy(deep=False)
    for name in plain.columns:
        column = plain[name]
        if isinstance(column.dtype, (pd.CategoricalDtype, pd.StringDtype)):
            plain[name] = column.astype(object)
        elif column.dtype == object and isinstance(next(iter(column.dropna()), None), Decimal):
            plain[name] = column.astype(float)
    return plain


def _problem(info: Mapping[str, Any], expectation: Expectation, frame: pd.DataFrame) -> str | None:
    """Why an expectation could not be evaluated; the library tells it in two shapes, flat or one per metric."""
    gone = [name for name in expectation.columns if name not in frame.columns]
    flat = [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, dict)]
    raised = [str(one.get("exception_message")) for one in flat if one.get("raised_exception")]
    if not raised:
        return None
    if gone:
        return f"column(s) {', '.join(gone)} missing"
    return _without_values(raised[0], [*map(str, frame.columns), *expectation.columns])


def _without_values(said: str, names: Iterable[str]) -> str:
    """An exception's text, in which only names of columns and types stay quoted: it may hold values of the data."""
    known = HARMLESS | set(names)
    quoted = re.compile(r"'([^']*)'|\"([^\"]*)\"")
    return " ".join(quoted.sub(lambda one: one[0] if (one[1] or one[2]) in known else "'...'", said).split())[:300]


def _answer(label: str, expectation: Expectation, found: Any) -> Answer:
    result = found.result
    examined = unexpected = None
    if "element_count" in result and "unexpected_count" in result:
        examined = int(result["element_count"]) - int(result.get("missing_count") or 0)
        unexpected = int(result["unexpected_count"])
    mismatched = (result.get("details") or {}).get("mismatched") if isinstance(result.get("details"), dict) else None
    missing = mismatched.get("missing", ()) if isinstance(mismatched, dict) else ()
    return Answer(
        label=label,
        expectation=expectation,
        met=bool(found.success),
        examined=examined,
        unexpected=unexpected,
        observed=_aggregate(expectation, result.get("observed_value")),
        missing_columns=tuple(map(str, missing)),
    )


def _aggregate(expectation: Expectation, observed: Any) -> float | int | str | None:
    """A number, or the name of a type; lists and texts would be values of the data."""
    if "type" in expectation.type.split("_") and isinstance(observed, str):
        return observed
    observed = observed.item() if hasattr(observed, "item") else observed
    if isinstance(observed, bool) or not isinstance(observed, (int, float)) or not math.isfinite(observed):
        return None
    return observed
