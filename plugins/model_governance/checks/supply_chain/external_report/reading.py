"""What all adapters share: JSON, JSON lines and moments read strictly, and errors that say what was expected."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from model_governance.contract.text import library_words
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator

M = TypeVar("M", bound=BaseModel)
MOST_MISTAKES = 3  # that an error lists
AGAIN = "have the tool write its report again, and let the check run after it"

__all__ = ["Part", "json_document", "json_lines", "moment", "unusable", "validated"]


class Part(BaseModel):
    """A part of a report: only what the numbers need is read, and that strictly."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


def unusable(where: str, *, expected: str, found: str, then: str = AGAIN) -> CheckError:
    """The error for a report that cannot be judged."""
    return CheckError(f"params.report: {where}: expected {expected}, found {found}; {then}")


def json_document(content: bytes, where: str, *, expected: str) -> Any:
    """The JSON document in a file.

    Raises:
        CheckError: the file is empty, cut off, or no JSON.
    """
    if not content.strip():
        raise unusable(where, expected=expected, found="an empty file")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        found = f"a file that is cut off or no JSON ({library_words(error)})"
        raise unusable(where, expected=expected, found=found) from error


def json_lines(content: bytes, where: str, *, expected: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a file, one a line, each with the number of its line.

    Raises:
        CheckError: the file is empty, a line is cut off or no JSON object.
    """
    if not content.strip():
        raise unusable(where, expected=expected, found="an empty file")
    for number, line in enumerate(content.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            found = f"line {number} that is cut off or no JSON ({library_words(error)})"
            raise unusable(where, expected=expected, found=found) from error
        if not isinstance(entry, dict):
            raise unusable(where, expected=expected, found=f"line {number} that is no JSON object")
        yield number, entry


def validated(model: type[M], raw: Any, where: str, *, expected: str, at: str = "") -> M:
    """A part of a report under its schema.

    Args:
        model: the schema.
        raw: the part, as JSON types.
        where: the file.
        expected: what the file should be.
        at: where in the file.

    Raises:
        CheckError: the part is another; the first mistakes are listed.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        mistakes = [
            f"{'.'.join(map(str, mistake['loc'])) or 'the document'}: {mistake['msg']}" for mistake in error.errors()
        ]
        shown = "; ".join(mistakes[:MOST_MISTAKES])
        more = f" and {len(mistakes) - MOST_MISTAKES} more" if len(mistakes) > MOST_MISTAKES else ""
        found = f"another content{f' at {at}' if at else ''} ({shown[:500]}{more})"
        then = "check that params.format names the tool that wrote the file, and that it wrote it to its end"
        raise unusable(where, expected=expected, found=found, then=then) from error


def moment(text: str, where: str, *, expected: str) -> datetime:
    """A moment that a report spells in ISO 8601; one without a time zone is taken as UTC.

    Raises:
        CheckError: the text is no moment.
    """
    try:
        spelled = datetime.fromisoformat(text)
    except ValueError as error:
        raise unusable(where, expected=expected, found=f"{text[:40]!r} where a moment belongs") from error
    return spelled.replace(tzinfo=UTC) if spelled.tzinfo is None else spelled.astimezone(UTC)
