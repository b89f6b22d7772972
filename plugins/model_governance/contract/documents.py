"""Stored JSON documents, read with their schema: another version is named, never guessed at."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from model_governance.errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Sequence


def schema_of(content: bytes) -> str:
    """The schema that a stored document names; empty where the bytes are no JSON object or name none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    found = document.get("schema") if isinstance(document, dict) else None
    return found if isinstance(found, str) else ""


def read_document(content: bytes, *, origin: str, schema: str, older: Sequence[str] = ()) -> dict[str, Any]:
    """The document in these bytes, which must say that it has this schema.

    Args:
        content: the stored bytes, UTF-8 JSON.
        origin: where they are, for messages.
        schema: the schema and version this release writes, such as `model-governance/run/v1`.
        older: versions that it reads as well.

    Raises:
        EvidenceError: the bytes are no JSON object, or one of another schema or version; both versions are named.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(
            f"{origin}: expected a document {schema}, found bytes that are no JSON ({error})"
        ) from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found not in (schema, *older):
        release = version("airflow-model-governance")
        raise EvidenceError(
            f"{origin}: expected a document {' or '.join((schema, *older))}, which release {release} reads, found {found or 'no schema'}; "
            "read it with the release that wrote it"
        )
    return dict(document)
