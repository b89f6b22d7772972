"""Stored JSON documents, read with their schema: another version is named, never guessed at; every fault has an address.

A document is checked twice. `read_document` takes bytes that are one strict JSON object of a known schema. `require_form`
checks every field with a pydantic model: its type as it stands (nothing is converted), its range, and what must agree.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json

from model_governance.contract.moments import parse_moment
from model_governance.errors import EvidenceError
from model_governance.formats.json_objects import keys_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RESTORE = (
    "it is damaged, altered or of another release, and is not used. Restore it from its oldest version, or read it with "
    "the release that wrote it"
)
MOST_FAULTS = 3
MOST_CHARACTERS = 80


class Form(BaseModel):
    """Fields of a stored document whose meaning hangs on every one of them: an unknown field is refused."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False, extra="forbid")


class OpenForm(Form):
    """Fields of a stored document beside which a later release may add others: those are kept and not read."""

    model_config = ConfigDict(extra="ignore")


def _moment(text: str) -> str:
    parse_moment(text)
    return text


Moment = Annotated[str, AfterValidator(_moment)]
"""A moment as ISO 8601 text."""
Count = Annotated[int, Field(ge=0, le=2**53)]
"""A number of rows, runs or bytes; larger ones are no longer exact in float64."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Probability = Annotated[float, Field(ge=0, le=1)]
SomeForm = TypeVar("SomeForm", bound=Form)


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
        content: the stored bytes, UTF-8 JSON; no key twice, no number that is not finite.
        origin: where they are, for messages.
        schema: the schema and version this release writes, such as `model-governance/run/v1`.
        older: versions that it reads as well.

    Raises:
        EvidenceError: the bytes are no JSON object, or one of another schema or version; both versions are named.
    """
    try:
        document = strict_json(content)
    except (ValueError, RecursionError) as error:
        raise EvidenceError(
            f"{origin}: expected a document {schema}, found bytes that are no JSON of one meaning ({error}); {RESTORE}"
        ) from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found not in (schema, *older):
        release = version("airflow-model-governance")
        shown = found if isinstance(found, str) else "no schema"
        raise EvidenceError(
            f"{origin}: expected a document {' or '.join((schema, *older))}, which release {release} reads, found "
            f"{shown[:MOST_CHARACTERS]}; read it with the release that wrote it, or restore it from its oldest version"
        )
    return dict(document)


def strict_json(content: bytes) -> Any:
    """What the bytes of a JSON document mean, where they have one meaning: no key twice, no number that is not finite.

    Raises:
        ValueError, RecursionError: they are no such JSON, or nested too deeply.
    """
    # Several times as fast as the json module, which judges whatever was not written as our writers write it: what gives the
    # same bytes again held no key twice, and each of its numbers is the one that its digits name.
    try:
        document = from_json(content, allow_inf_nan=False, cache_strings="keys")
        written = to_json(document)
        if written == content or _with_short_exponents(written) == _with_short_exponents(content):
            return document
    except ValueError:
        pass
    return _STRICT.decode(content.decode())


def _with_short_exponents(content: bytes) -> bytes:
    """Numbers as `1e-5` and `1e16`, which Python writes as `1e-05` and `1e+16`; what else this shortens holds no quote."""
    return content.replace(b"e-0", b"e-").replace(b"e+", b"e")


def require_form(document: Mapping[str, Any], form: type[SomeForm], *, origin: str) -> SomeForm:
    """The document as its form, once every field is shown to be of the right type, within range and in agreement.

    Args:
        document: of JSON types.
        form: what it must hold.
        origin: where it is, for messages.

    Raises:
        EvidenceError: a field does not fit; its path, what was expected and what was found are named.
    """
    try:
        return form.model_validate(document)
    except ValidationError as error:
        raise EvidenceError(f"{origin}: {describe_faults(error)}; {RESTORE}") from error


def describe_faults(error: ValidationError) -> str:
    """The first faults that a form found, each with its path, what was expected and what was found."""
    faults = error.errors(include_url=False, include_context=False)
    shown = "; ".join(_described(fault) for fault in faults[:MOST_FAULTS])
    return shown + (f"; and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else "")


def _described(fault: Mapping[str, Any]) -> str:
    """`checks[0].stops: expected a valid boolean, found 'no'`."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
    message = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    if fault["type"] == "missing":
        return f"{path}: expected a value, found no such field"
    if fault["type"] == "extra_forbidden":
        return f"{path}: expected no such field, found {_shown(fault['input'])}"
    found = "" if isinstance(fault["input"], dict | list) else f", found {_shown(fault['input'])}"
    said = message if fault["type"] == "value_error" else f"expected {message}"
    return (f"{path}: " if path else "") + said + found


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"the number {text[:MOST_CHARACTERS]} is not finite")
    return number


_STRICT = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=keys_once)
"""Made once: a decoder costs as much as a small document."""
