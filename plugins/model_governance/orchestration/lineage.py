"""What a task tells OpenLineage: the rows that a check read, what it asserts of them, and its tests; nothing without the client.

Airflow's OpenLineage provider asks an operator when its task ends, in the task's process. The facets are those of the
specification: test run 1-0-1 and data quality assertions 1-1-0 (https://openlineage.io/spec/facets/). They hold numbers and
sentences of findings, as the record does, and no data.
"""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from model_governance.checks import catalogue, wing_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.archiving import ArchivedRun
    from model_governance.run import CheckRun
    from model_governance.store import Stored
    from model_governance.verdict import Finding, Verdict

log = logging.getLogger(__name__)

STATUS = {"pass": "pass", "skipped": "skip"}
"""The words of a test; every other outcome has found an issue, or has not shown that there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageDataset:
    """A dataset as OpenLineage names it, its version (sha256), and what was asserted of its rows."""

    namespace: str
    name: str
    version: str
    assertions: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What a task read, wrote and tested; tests and assertions have the fields of the specification."""

    inputs: tuple[LineageDataset, ...] = ()
    outputs: tuple[LineageDataset, ...] = ()
    tests: tuple[Mapping[str, Any], ...] = ()


def lineage_of_check(done: CheckRun, *, features: Sequence[str]) -> Lineage:
    """The rows that a check read, its record, and a test for each finding.

    A check of the wing `data` asserts its findings of the current rows; `features` are the columns that an assertion may name.
    """
    check = catalogue().get(done.kind)
    about_rows = check is not None and wing_of(check) == "data"
    findings = done.verdict.findings
    assertions = tuple(_assertion(each, done.verdict, features) for each in findings if each.metric and about_rows)
    inputs = tuple(
        _dataset(row["uri"], row["sha256"], assertions if row["role"] == "current" else ()) for row in done.datasets
    )
    tests = tuple(_test(finding, done.kind, done.verdict) for finding in findings)
    return Lineage(inputs=inputs, outputs=(_of_stored(done.record),), tests=tests)


def joined(before: Lineage | None, other: Lineage) -> Lineage:
    """The lineage of two checks of one task; a dataset that both read is there once, with what both assert."""
    if before is None:
        return other
    inputs = {(each.namespace, each.name): each for each in before.inputs}
    for each in other.inputs:
        known = inputs.get((each.namespace, each.name))
        assertions = (*(known.assertions if known else ()), *each.assertions)
        inputs[each.namespace, each.name] = replace(each, assertions=assertions)
    outputs, tests = (*before.outputs, *other.outputs), (*before.tests, *other.tests)
    return Lineage(inputs=tuple(inputs.values()), outputs=outputs, tests=tests)


def lineage_of_run(archived: ArchivedRun) -> Lineage:
    """The manifest of a run, and a test for each of its checks."""
    stopping = {finding.check for finding in archived.verdict.stopping}
    tests = tuple(
        {"name": name, "status": STATUS.get(outcome, "fail"), "severity": "error" if name in stopping else "warn",
         "type": "check", "params": {"outcome": outcome}}
        for name, outcome in archived.outcomes.items()
    )  # fmt: skip
    return Lineage(outputs=(_of_stored(archived.manifest),), tests=tests)


def as_operator_lineage(lineage: Lineage | None) -> Any:
    """The lineage in the classes of Airflow's provider and its client; None without lineage, provider or client.

    Fields that an older client does not know are left out, and so is the test run where it has none.
    """
    if lineage is None:
        return None
    try:
        from airflow.providers.openlineage.extractors import OperatorLineage

        events, facets = import_module("openlineage.client.event_v2"), import_module("openlineage.client.facet_v2")
    except ImportError:
        log.debug("no lineage: the OpenLineage provider is not installed")
        return None
    quality = facets.data_quality_assertions_dataset
    version = facets.dataset_version_dataset.DatasetVersionDatasetFacet

    def read(dataset: LineageDataset) -> Any:
        assertions = [_made(quality.Assertion, each) for each in dataset.assertions]
        about = {"dataQualityAssertions": quality.DataQualityAssertionsDatasetFacet(assertions)} if assertions else {}
        return events.InputDataset(
            namespace=dataset.namespace, name=dataset.name, facets={"version": version(dataset.version)},
            inputFacets=about,
        )  # fmt: skip

    written = [
        events.OutputDataset(namespace=each.namespace, name=each.name, facets={"version": version(each.version)})
        for each in lineage.outputs
    ]
    run_facets = {}
    if (tests := getattr(facets, "test_run", None)) is not None and lineage.tests:
        run_facets["test"] = tests.TestRunFacet([_made(tests.TestExecution, each) for each in lineage.tests])
    return OperatorLineage(inputs=[*map(read, lineage.inputs)], outputs=written, run_facets=run_facets)


def _made(kind: Any, fields: Mapping[str, Any]) -> Any:
    known = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in fields.items() if name in known})


def _test(finding: Finding, kind: str, verdict: Verdict) -> dict[str, Any]:
    return _described(finding, verdict) | {"status": STATUS.get(finding.outcome, "fail"), "type": kind}


def _assertion(finding: Finding, verdict: Verdict, features: Sequence[str]) -> dict[str, Any]:
    column = {"column": finding.key} if finding.key in features else {}
    passed = STATUS.get(finding.outcome) == "pass"
    return _described(finding, verdict) | {"assertion": finding.metric, "success": passed} | column


def _described(finding: Finding, verdict: Verdict) -> dict[str, Any]:
    """What tests and assertions say alike. `error` is what stops the run, and not the severity in the policy."""
    stops = verdict.fail_policy.stops(finding.outcome, finding.severity)
    named = f"{finding.check}.{finding.label}" if finding.metric else finding.check
    texts = {"description": finding.sentence, "expected": finding.requirement, "actual": finding.seen}
    return {
        "name": named, "severity": "error" if stops else "warn", "params": {"outcome": finding.outcome},
        **{name: text for name, text in texts.items() if text},
    }  # fmt: skip


def _of_stored(stored: Stored) -> LineageDataset:
    return _dataset(stored.uri, stored.sha256)


def _dataset(uri: str, sha256: str, assertions: tuple[Mapping[str, Any], ...] = ()) -> LineageDataset:
    """A dataset by OpenLineage's rules of naming: `s3://bucket` and the key, `file` and the path."""
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        namespace, name = "file", parts.path
    else:
        namespace, name = f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/") or "/"
    return LineageDataset(namespace=namespace, name=name, version=sha256, assertions=assertions)
