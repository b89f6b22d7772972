"""One suite over every registered check: what it declares it keeps, what is planted it sees."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest

import synthetic
from model_governance.checks import catalogue
from model_governance.contract.check import with_files
from model_governance.contract.result import CheckResult, canonical_json
from model_governance.errors import GovernanceError
from model_governance.policy import CheckSpec, Policy
from model_governance.verdict import Verdict, judge

SEED = 20261123
FEW = 50  # rows of the datasets that a retraining compares, whose size no draft knows
SECONDS = 60  # generous: a check that takes a minute on 400 rows has no place in a nightly run

pytestmark = pytest.mark.parametrize("check", catalogue().values(), ids=lambda one: one.kind)


@pytest.fixture(scope="module")
def healthy():
    return synthetic.subject()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a check found on the healthy subject, how long it took, and the datasets that it changed."""

    result: CheckResult
    seconds: float
    changed: tuple[str, ...]


@pytest.fixture(scope="module")
def once(healthy):
    """Each check measured once on the healthy subject, kept for all the questions below."""
    known: dict[str, Measured] = {}

    def measure(check) -> Measured:
        if check.kind not in known:
            before = {role: one.frame.copy(deep=True) for role, one in healthy.datasets.items()}
            started = time.monotonic()
            result = _measure(check, _given_files(check, healthy))
            seconds = time.monotonic() - started
            changed = tuple(role for role, frame in before.items() if not frame.equals(healthy.frame(role)))
            known[check.kind] = Measured(result=result, seconds=seconds, changed=changed)
        return known[check.kind]

    return measure


@pytest.fixture(scope="module")
def measured(once):
    """What each check found on the healthy subject."""
    return lambda check: once(check).result


def _given_files(check, subject):
    """The subject with the files that the params of the check's self-test name."""
    return with_files(subject, check.self_test.params, check.self_test.files(subject))


def _measure(check, subject) -> CheckResult:
    return check.measure(subject, check.params.model_validate(dict(check.self_test.params)), SEED)


def _faulty(check, healthy):
    return check.self_test.apply(_given_files(check, healthy))


def _judge(check, result) -> Verdict:
    spec = CheckSpec(kind=check.kind, params=dict(check.self_test.params), thresholds=[dict(check.self_test.threshold)])
    policy = Policy.model_construct(checks={check.kind: spec}, waivers=(), fail_on="error", on_uncertain="warn")
    return judge(check.kind, result, policy, moment=datetime(2026, 1, 1, tzinfo=UTC))


def test_its_declaration_is_complete(check):
    assert check.title
    assert check.question.endswith("?")
    assert check.roles or check.reads_model_file or check.file_params
    names = [one.name for one in check.metrics]
    assert len(names) == len(set(names)) > 0
    assert all(one.meaning for one in check.metrics)
    assert check.self_test.threshold["metric"] in names
    assert check.advice.title.endswith(".")
    assert check.advice.text.endswith(".")
    assert check.cost.endswith(".")
    assert set(re.findall("`(.+?)`", check.cost)) <= set(check.params.model_fields), "the cost grows with real params"


def test_it_emits_only_what_it_declares(check, measured):
    for metric in measured(check).metrics:
        spec = check.spec(metric.name)
        assert (metric.key is not None) == (spec.per is not None), metric.label
        assert metric.n >= 0
        assert metric.value is not None or metric.reason


def test_its_values_lie_in_the_range_that_it_declares_and_are_of_the_task(check, measured, healthy):
    for metric in measured(check).metrics:
        spec = check.spec(metric.name)
        low, high = spec.range
        if metric.value is not None:
            # An estimate that is corrected for chance may lie a little outside, its interval may not.
            seen = [limit for limit in (metric.value, metric.low, metric.high) if limit is not None]
            assert low is None or max(seen) >= low - 1e-9, metric.label
            assert high is None or min(seen) <= high + 1e-9, metric.label
            assert spec.tasks is None or healthy.task in spec.tasks, metric.label


def test_it_gives_the_same_bytes_under_the_same_seed(check, healthy, measured):
    again = _measure(check, _given_files(check, healthy))
    assert canonical_json(again.record()) == canonical_json(measured(check).record())
    assert [one.content for one in again.artifacts] == [one.content for one in measured(check).artifacts]


def test_what_mapped_tasks_prepared_changes_no_byte(check, healthy, measured):
    if check.preparation is None:
        return
    subject, params = _given_files(check, healthy), check.params.model_validate(dict(check.self_test.params))
    parts = check.preparation.parts(params)
    prepared = [check.preparation.prepare(subject, params, range(share, parts, 2)) for share in range(2)]
    assert parts >= 2
    assert None not in prepared
    again = _measure(check, replace(subject, prepared=tuple(prepared)))
    assert canonical_json(again.record()) == canonical_json(measured(check).record())
    assert [one.content for one in again.artifacts] == [one.content for one in measured(check).artifacts]


def test_it_leaves_its_inputs_untouched(check, once):
    assert once(check).changed == ()


def test_its_record_survives_json_and_holds_no_rows(check, measured, healthy):
    record = measured(check).record()
    assert json.loads(canonical_json(record)) == record
    assert len(canonical_json(record)) < 200_000
    keys = {str(value) for value in healthy.datasets["current"].frame["row"]}
    cells = {str(cell) for table in record["tables"] for row in table["rows"] for cell in row}
    assert not keys & cells, "row identifiers in a table"


def test_it_shows_a_picture(check, measured, healthy):
    """Of the planted fault at least: a scan that found nothing has nothing to draw."""
    artifacts = [*measured(check).artifacts, *_measure(check, _faulty(check, healthy)).artifacts]
    pictures = [one for one in artifacts if one.media_type in ("image/svg+xml", "image/png")]
    assert pictures
    assert all(one.title for one in pictures)


def test_it_passes_the_healthy_subject(check, measured):
    verdict = _judge(check, measured(check))
    assert verdict.outcome == "pass", verdict.sentence


def test_it_sees_the_planted_fault(check, healthy):
    verdict = _judge(check, _measure(check, _faulty(check, healthy)))
    assert verdict.outcome == "fail", f"{check.self_test.description}\n{verdict.sentence}"


def test_it_is_quick_on_little_data(check, once):
    assert once(check).seconds < SECONDS


def test_it_refuses_an_empty_dataset(check, healthy):
    for role in check.roles:
        empty = _given_files(check, healthy.with_frame(role, healthy.datasets[role].frame.head(0)))
        with pytest.raises(GovernanceError, match="no rows"):
            _measure(check, empty)


def test_it_refuses_a_missing_role(check, healthy):
    if not check.roles:
        with pytest.raises(GovernanceError, match="file"):
            _measure(check, replace(healthy, model_file=None, param_files={}))
        return
    without = {role: one for role, one in healthy.datasets.items() if role not in check.roles}
    with pytest.raises(GovernanceError, match="was not given"):
        _measure(check, _given_files(check, replace(healthy, datasets=without)))


def test_it_refuses_an_all_null_feature(check, healthy):
    if not check.roles:
        pytest.skip("it reads no dataset")
    role = check.roles[-1]
    frame = healthy.datasets[role].frame.assign(income=float("nan"))
    with pytest.raises(GovernanceError, match="income"):
        _measure(check, _given_files(check, healthy.with_frame(role, frame)))


def test_it_refuses_a_missing_column(check, healthy):
    if not check.roles:
        pytest.skip("it reads no dataset")
    role = check.roles[-1]
    frame = healthy.datasets[role].frame.drop(columns="income")
    with pytest.raises(GovernanceError, match="income"):
        _measure(check, _given_files(check, healthy.with_frame(role, frame)))


def test_policy_init_gets_a_suggestion_that_the_policy_accepts(check, healthy):
    suggestion = check.suggest(healthy.datasets["reference"].frame, healthy.columns)
    check.params.model_validate(dict(suggestion.params))
    spec = CheckSpec(kind=check.kind, params=dict(suggestion.params), thresholds=list(suggestion.thresholds))
    for threshold in spec.thresholds:
        check.spec(threshold.metric)
    assert suggestion.comment


def test_policy_init_gets_only_metrics_of_the_task(check, healthy):
    """A draft that demands a metric of another task is refused by lint; a rare label is demanded other metrics of."""
    reference, columns = healthy.datasets["reference"].frame, healthy.columns
    rare = reference.assign(**{columns.target: np.arange(len(reference)) % 40 == 0})
    for task, rows in product(check.tasks, (reference, rare)):
        for threshold in check.suggest(rows, columns, task=task).thresholds:
            tasks = check.spec(threshold["metric"]).tasks
            assert tasks is None or task in tasks, f"{task} has no {threshold['metric']}"


def test_it_measures_on_as_few_reference_rows_as_it_declares(check, healthy):
    """Where it cannot, `policy init` would draft a policy that is an error on its own reference."""
    rows = max(check.min_reference_rows, FEW)
    few = _given_files(check, healthy)
    for role in few.datasets:
        few = few.with_frame(role, few.datasets[role].frame.head(rows))
    suggestion = check.suggest(few.datasets["reference"].frame, few.columns, task=few.task)
    asked = {threshold["metric"] for threshold in suggestion.thresholds}
    if not asked or check.file_params:
        pytest.skip("it is not drafted for so few rows, or needs a file that only the owner knows")
    result = check.measure(few, check.params.model_validate(dict(suggestion.params)), SEED)
    absent = [metric for metric in result.metrics if metric.name in asked and metric.value is None]
    assert [metric.label for metric in absent if metric.absence == "error"] == []
