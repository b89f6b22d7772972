"""Regular expressions of expectations on long cells end in a sentence and never hang the task (hostile files of the issue)."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from model_governance.checks import find
from model_governance.checks.data.data_validation import pattern_trial
from model_governance.checks.data.data_validation.batches import PandasBatch
from model_governance.checks.data.data_validation.expectations import Expectation
from model_governance.checks.data.data_validation.validation import validate
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Feature, Subject
from model_governance.errors import CheckError
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

LONG = "a" * 5_000 + "!"
MATCH = "expect_column_values_to_match_regex"
SIBLINGS = {
    MATCH: "regex", "expect_column_values_to_not_match_regex": "regex",
    "expect_column_values_to_match_regex_list": "regex_list",
    "expect_column_values_to_not_match_regex_list": "regex_list",
}  # fmt: skip


def expectation(pattern: str, *, type_: str = MATCH, column: str = "text") -> Expectation:
    key = SIBLINGS[type_]
    return Expectation(type=type_, kwargs={"column": column, key: [pattern] if key == "regex_list" else pattern})


def batch(*texts: object) -> PandasBatch:
    return PandasBatch(pd.DataFrame({"text": list(texts), "number": np.arange(len(texts))}))


@pytest.fixture
def impatient(monkeypatch):
    """The limit of a cell is that of the product in one test; a third of a second shows the same."""
    monkeypatch.setattr(pattern_trial, "PER_TEXT", 0.3)


def test_a_catastrophic_pattern_on_a_long_cell_is_refused_within_five_seconds():
    """(a+)+$ on 5,001 characters would take longer than the world has stood."""
    rows = batch("aa", "ab", LONG)
    validate(rows, (expectation("^a"),))  # what the library takes to start is not measured
    start = time.process_time(), time.monotonic()
    with pytest.raises(CheckError) as caught:
        validate(rows, (expectation("^a"), expectation("(a+)+$")))
    assert time.process_time() - start[0] < 3
    assert time.monotonic() - start[1] < 15, "2 s of processor time, on a busy machine"
    told = str(caught.value)
    for part in (
        "values_match_regex(text) #2",
        "'(a+)+$'",
        "column 'text'",
        "a cell of 5,001 characters",
        "write it without",
    ):
        assert part in told
    assert LONG not in told


@pytest.mark.parametrize("type_", SIBLINGS)
@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(?=a)(a|a?)+$", r"(.*a){20}\b$", r"^(([a-z])+.)+[A-Z]$"])
def test_the_siblings_are_limited_too(impatient, type_, pattern):
    with pytest.raises(CheckError, match="takes too long on column 'text'"):
        validate(batch("aa", LONG), (expectation(pattern, type_=type_),))


def test_many_slow_cells_count_together(impatient):
    """No cell alone reaches the limit."""
    texts = [f"{'a' * 19}{place:04d}!" for place in range(300)]
    with pytest.raises(CheckError, match="takes too long"):
        validate(batch(*texts), (expectation(r"^(a+)+\d*$"),))


def test_digits_of_numbers_are_limited_as_text_is(impatient):
    frame = pd.DataFrame({"number": [111_111_111_111_111_111 + place for place in range(500)]})
    with pytest.raises(CheckError, match="column 'number'"):
        validate(PandasBatch(frame), (expectation(r"^(\d+)+x$", column="number"),))


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [(r"^a+$", 1), (r"a", 2), (r"(?i)^[A-Z]+!?$", 3), (r"\bé\b", 1), ("\ud800?a", 2), ("^[^\n]*$", 4)],
)
def test_harmless_patterns_are_answered_as_before(pattern, matching):
    (result,) = validate(batch("aaa", LONG, "é", "Ab", None), (expectation(pattern),))
    assert (result.examined, result.examined - result.unexpected) == (4, matching)


def test_a_pattern_that_is_none_says_so():
    with pytest.raises(CheckError, match=r"could not be evaluated(.|\n)*values_match_regex\(text\)"):
        validate(batch("aa", "b"), (expectation("(a+"),))


@pytest.mark.parametrize("pattern", ["(a+)+$", r"(?:a+)+$"])
def test_rows_of_a_file_are_limited_whichever_engine_evaluates_them(impatient, tmp_path, pattern):
    """The automaton of DuckDB is linear; what it does not know is evaluated in pandas, within the limit."""
    pd.DataFrame({"text": ["aa", LONG]}).to_parquet(tmp_path / "rows.parquet")
    current = load_dataset("current", DatasetSpec(uri="rows.parquet"), folder=tmp_path, connections=PlainConnections())
    subject = Subject(
        name="m", task="regression", columns=Columns(features={"text": Feature(kind="category")}),
        datasets={"current": current},
    )  # fmt: skip
    check = find("data_validation")
    listed = [{"type": MATCH, "kwargs": {"column": "text", "regex": pattern}}]
    params = check.params.model_validate({"expectations": listed, "engine": "auto"})
    start = time.monotonic()
    if pattern == "(a+)+$":
        sql = check.params.model_validate({"expectations": listed, "engine": "sql"})
        found = {one.name: one.value for one in check.measure(subject, sql, 1).metrics if one.key is None}
        assert found["critical_failures"] == 1
    with pytest.raises(CheckError, match="takes too long"):
        check.measure(subject, params if pattern != "(a+)+$" else params.model_copy(update={"engine": "pandas"}), 1)
    assert time.monotonic() - start < 30
