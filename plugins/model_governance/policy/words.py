"""Numbers that YAML reads out of words: `yes` is true and true is 1, and a number in quotes is a text."""

from __future__ import annotations

import re
import typing
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.policy.position import Path

EXPONENT = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+")
"""A number that YAML 1.1 reads as a text because it has no point: 1e-3."""


def misread_numbers(raw: Any, model: type[BaseModel], path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Places where a model expects a number and the YAML has a truth value or a text, which pydantic would convert."""
    if not isinstance(raw, dict):
        return
    for name, value in raw.items():
        field = model.model_fields.get(name) if isinstance(name, str) else None
        if field is not None:
            yield from _misread(value, field.annotation, (*path, name))


def _misread(value: Any, annotation: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for inner in _models(annotation):
            yield from misread_numbers(value, inner, path)
        for each in _values_of_mappings(annotation):
            for key, member in value.items():
                if isinstance(key, str):
                    yield from _misread(member, each, (*path, key))
    elif isinstance(value, list):
        for member_type in _members(annotation):
            for position, member in enumerate(value):
                yield from _misread(member, member_type, (*path, position))
    elif isinstance(value, (bool, str)) and _is_a_number(annotation) and not _as_exponent(value):
        word = "a truth value (YAML reads yes, no, on and off as one)" if isinstance(value, bool) else "a text"
        yield path, f"a number is expected here, and {str(value)[:40]!r} is {word}"


def _as_exponent(value: Any) -> bool:
    return isinstance(value, str) and EXPONENT.fullmatch(value) is not None


def _parts(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, without what `Annotated` adds."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _parts(typing.get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [part for each in typing.get_args(annotation) for part in _parts(each)]
    return [annotation]


def _is_a_number(annotation: Any) -> bool:
    """Whether nothing but numbers, or None, fits."""
    parts = [part for part in _parts(annotation) if part is not type(None)]
    return bool(parts) and all(part in (int, float) or _is_literal_number(part) for part in parts)


def _is_literal_number(part: Any) -> bool:
    values = typing.get_args(part) if typing.get_origin(part) is Literal else ()
    return bool(values) and all(type(value) in (int, float) for value in values)


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, BaseModel)]


def _values_of_mappings(annotation: Any) -> list[Any]:
    return [typing.get_args(part)[1] for part in _parts(annotation) if typing.get_origin(part) is dict]


def _members(annotation: Any) -> list[Any]:
    """What the members of a list or tuple are."""
    parts = [part for part in _parts(annotation) if typing.get_origin(part) in (list, tuple)]
    return [next(iter(typing.get_args(part)), Any) for part in parts]
