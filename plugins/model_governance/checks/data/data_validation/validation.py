"""Evaluates a list of expectations on a batch and requires a result for every one of them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from model_governance.checks.data.data_validation.batches import without_values
from model_governance.checks.data.data_validation.expectations import labels
from model_governance.checks.data.data_validation.lean_import import import_great_expectations
from model_governance.checks.data.data_validation.results import ExpectationResult, read_result
from model_governance.checks.data.data_validation.translation import (
    COLUMN_SET,
    EXISTS,
    PRESENCE,
    TYPE,
    inapplicable,
    known_from_kinds,
    unanswerable,
)
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from model_governance.checks.data.data_validation.batches import Batch
    from model_governance.checks.data.data_validation.columns import Column
    from model_governance.checks.data.data_validation.expectations import Expectation


def validate(batch: Batch, expectations: tuple[Expectation, ...]) -> tuple[ExpectationResult, ...]:
    """One result per expectation, in their order.

    Raises:
        CheckError: an unknown type or kwarg, a missing column whose existence no expectation demands, an expectation
            that could not be evaluated or that examined no value at all; every one of them is named.
    """
    names = labels(expectations)
    _require_known(names, expectations)
    problems, results = _from_kinds(batch.columns, names, expectations)
    pending = {
        position: expectation
        for position, expectation in enumerate(expectations)
        if position not in problems and position not in results
    }
    validations = batch.validate(pending) if pending else []
    by_position = {int(validation.expectation_config.meta["position"]): validation for validation in validations}
    if by_position.keys() != pending.keys():
        unanswered = ", ".join(names[position] for position in pending if position not in by_position)
        raise CheckError(
            f"Great Expectations answered {len(by_position)} of {len(pending)} expectations; unanswered: {unanswered}"
        )
    for position, validation in by_position.items():
        problem = _problem(validation.exception_info, [*batch.columns, *expectations[position].columns])
        results[position] = read_result(names[position], expectations[position], validation)
        if problem is None and results[position].examined == 0:
            problem = "examined no value (all missing, or its row_condition fits no row)"
        if problem is not None:
            problems[position] = problem
    if problems:
        listed = [f"{names[position]}: {problems[position]}" for position in sorted(problems)]
        raise CheckError(
            f"{len(problems)} of {len(expectations)} expectations could not be evaluated:\n  "
            + "\n  ".join(listed)
            + f"\nThe dataset has the columns {', '.join(batch.columns)}"
        )
    return tuple(results[position] for position in range(len(expectations)))


def _from_kinds(
    columns: Mapping[str, Column], names: Sequence[str], expectations: tuple[Expectation, ...]
) -> tuple[dict[int, str], dict[int, ExpectationResult]]:
    """Problems and results that the kinds of the columns decide without evaluating rows, by position."""
    problems, results = {}, {}
    # A column without values is what these say first; what else is expected of it is then not met either.
    watched = {name for expectation in expectations if expectation.type in PRESENCE for name in expectation.columns}
    refuted = set(_refuted(columns, expectations))
    for position, (label, expectation) in enumerate(zip(names, expectations, strict=True)):
        problem = inapplicable(expectation, columns)
        known = known_from_kinds(expectation, columns) if problem is None else None
        reason = unanswerable(expectation, columns) if problem is None else None
        if reason is not None and not watched.issuperset(expectation.columns):
            problem = f"examined no value ({reason})"
        if problem is not None and refuted.intersection(expectation.columns):
            problem, reason = None, problem
        if problem is not None:
            problems[position] = problem
        elif reason is not None:
            results[position] = ExpectationResult(label=label, expectation=expectation, success=False, reason=reason)
        elif known is not None:
            success, examined, unexpected = known
            results[position] = ExpectationResult(
                label=label, expectation=expectation, success=success, examined=examined, unexpected=unexpected
            )
    return problems, results


def _refuted(columns: Mapping[str, Column], expectations: tuple[Expectation, ...]) -> Iterator[str]:
    """Columns that are missing or of another type, where an expectation says so: no other one on them can be met."""
    for expectation in expectations:
        named = expectation.kwargs.get("column_set") if expectation.type == COLUMN_SET else expectation.columns
        if expectation.type in (EXISTS, COLUMN_SET) and isinstance(named, (list, tuple, set)):
            yield from (str(name) for name in named if name not in columns)
        elif (
            expectation.type == TYPE and (known := known_from_kinds(expectation, columns)) is not None and not known[0]
        ):
            yield from expectation.columns


def _require_known(names: Sequence[str], expectations: tuple[Expectation, ...]) -> None:
    """Require types and kwargs of Great Expectations, which drops an unknown expectation without an error."""
    import_great_expectations()
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    known = list_registered_expectation_implementations()
    problems = []
    for label, expectation in zip(names, expectations, strict=True):
        if expectation.type not in known:
            near = difflib.get_close_matches(expectation.type, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(f"{label}: Great Expectations has no expectation {expectation.type!r}{hint}")
            continue
        try:
            get_expectation_impl(expectation.type)(**expectation.kwargs)
        except (TypeError, ValueError) as error:
            problems.append(f"{label}: {' '.join(str(error).split())}")
    if problems:
        raise CheckError(
            f"{len(problems)} of {len(expectations)} expectations cannot be read:\n  " + "\n  ".join(problems)
        )


def _problem(info: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """Why an expectation could not be evaluated; Great Expectations reports it flat or once per metric."""
    flat = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    raised = [str(entry.get("exception_message")) for entry in flat if entry.get("raised_exception")]
    return without_values(raised[0], names) if raised else None
