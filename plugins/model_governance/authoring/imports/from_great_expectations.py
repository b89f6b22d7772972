"""Reads suites and checkpoints of Great Expectations, of versions 0.x (JSON, YAML) and 1.x (JSON)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.authoring.imports.documents import Schema
from model_governance.authoring.imports.imported import Collector
from model_governance.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_governance.authoring.imports.documents import Document
    from model_governance.authoring.imports.imported import Imported

EXPECTED = "a suite ({name, expectations}), a checkpoint or a validation definition of Great Expectations"
CHECKPOINT = ("validation_definitions", "validations", "expectation_suite_name", "actions", "action_list")
STORED = {"StoreValidationResultAction", "UpdateDataDocsAction", "update_data_docs", "store_validation_result"}
ROWS = "a policy names the rows as datasets.current.uri"
NOT_KWARGS = ("result_format", "include_config", "catch_exceptions", "batch_id", "table")
"""Arguments that choose how GX answers, not what it demands."""


class Suite(Schema):
    """A suite; each expectation is read by itself, so that one wrong line does not hide the others."""

    expectations: list[Any]
    name: str | None = None


def read_great_expectations(documents: Sequence[Document]) -> Imported:
    """Expectations of the suites; of checkpoints which suites they run, and why the rest is not taken.

    Raises:
        PolicyError: a file is neither a suite nor a checkpoint, or a checkpoint names a suite whose file was not given.
    """
    collector = Collector()
    suites = {_name_of(document): document for document in documents if "expectations" in document.content}
    for document in documents:
        if document in suites.values():
            continue
        if "suite" in document.content and "data" in document.content:
            _read_definition(document, collector, known=sorted(suites))
        elif any(key in document.content for key in CHECKPOINT):
            _read_checkpoint(document, collector, known=sorted(suites))
        else:
            found = ", ".join(map(str, list(document.content)[:5])) or "an empty object"
            raise PolicyError([f"{document.path}: expected {EXPECTED}, found {found}"])
    for document in suites.values():
        for place, entry in enumerate(document.read(Suite, expected=EXPECTED).expectations):
            _read_expectation(f"{document.path.name} expectations[{place}]", entry, collector)
    return collector.done()


def _name_of(document: Document) -> str:
    content = document.content
    return str(content.get("name") or content.get("expectation_suite_name") or document.path.stem)


def _read_expectation(part: str, entry: Any, collector: Collector) -> None:
    kind = entry.get("type") or entry.get("expectation_type") if isinstance(entry, dict) else None
    if not isinstance(kind, str):
        collector.leave(part, "is no expectation: it has no type")
        return
    part = f"{part} {kind}"
    kwargs, meta = entry.get("kwargs") or {}, entry.get("meta") or {}
    if not isinstance(kwargs, dict) or not isinstance(meta, dict):
        collector.leave(part, "kwargs and meta are objects; found something else")
        return
    kwargs = {name: value for name, value in kwargs.items() if name not in NOT_KWARGS}
    if parameters := [name for name, value in kwargs.items() if _is_parameter(value)]:
        collector.leave(part, f"{', '.join(parameters)} is a parameter that a run of GX fills in; write its value")
        return
    if kind not in _known_kinds():
        collector.leave(part, "GX itself has no expectation of this name; a custom one stays in GX")
        return
    severity = entry.get("severity") or "critical"
    name = meta.get("name")
    label = name if isinstance(name, str) else None
    collector.expect(part, kind, kwargs=kwargs, severity=severity, name=label)


def _is_parameter(value: Any) -> bool:
    return isinstance(value, dict) and "$PARAMETER" in value


def _known_kinds() -> frozenset[str]:
    """The types that the installed Great Expectations registers."""
    import great_expectations.expectations.core  # noqa: F401 - registers them
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    return frozenset(list_registered_expectation_implementations())


def _read_checkpoint(document: Document, collector: Collector, *, known: Sequence[str]) -> None:
    name = document.path.name
    _require_suites(document, set(_suites_of(document.content)), known=known)
    for batch in _batches_of(document.content):
        collector.leave(f"{name} {batch}", ROWS)
    for definition in _objects(document.content, "validation_definitions"):
        label = f"{name} validation_definitions {definition.get('name', '')}".strip()
        collector.leave(label, f"it joins rows and a suite, whose file is imported by itself; {ROWS}")
    for action in (*_objects(document.content, "actions"), *_objects(document.content, "action_list")):
        kind = _kind_of_action(action)
        reason = "every result is stored and drawn anyway" if kind in STORED else "see `notifications` of the policy"
        collector.leave(f"{name} action {kind}", reason)


def _read_definition(document: Document, collector: Collector, *, known: Sequence[str]) -> None:
    suite, data = document.content["suite"], document.content["data"]
    named = suite.get("name") if isinstance(suite, dict) else None
    _require_suites(document, {named} if isinstance(named, str) else set(), known=known)
    parts = [data.get(key) for key in ("datasource", "asset", "batch_definition")] if isinstance(data, dict) else []
    path = "/".join(str(part.get("name", "")) for part in parts if isinstance(part, dict))
    collector.leave(f"{document.path.name} data {path}", ROWS)


def _require_suites(document: Document, wanted: set[str], *, known: Sequence[str]) -> None:
    if missing := sorted(wanted - set(known)):
        raise PolicyError([f"{document.path}: runs the suite {', '.join(missing)}; name the suite's file, too"])


def _kind_of_action(action: dict[str, Any]) -> str:
    inner = action.get("action")
    named = inner.get("class_name") if isinstance(inner, dict) else None
    return str(named or action.get("type") or action.get("name") or "without a name")


def _suites_of(content: dict[str, Any]) -> Iterator[str]:
    for part in (content, *_objects(content, "validations")):
        suite = part.get("expectation_suite_name")
        if isinstance(suite, str) and suite:
            yield suite


def _batches_of(content: dict[str, Any]) -> Iterator[str]:
    for part in (content, *_objects(content, "validations")):
        batch = part.get("batch_request")
        if isinstance(batch, dict):
            yield f"batch_request {batch.get('datasource_name', '')}/{batch.get('data_asset_name', '')}"


def _objects(content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = content.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
