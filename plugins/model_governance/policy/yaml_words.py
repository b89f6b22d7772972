"""Words and numbers that YAML reads as something else: NO is false and `yes` is true, and a number in quotes is a text."""

from __future__ import annotations

import re
import typing
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

import yaml
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.policy.position import Path

BOOLEAN = "tag:yaml.org,2002:bool"
MEANT = frozenset({"true", "false"})
EXPONENT = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+")
"""A number that YAML 1.1 reads as a text because it has no point: 1e-3."""


def misread_words(root: yaml.Node) -> Iterator[tuple[int, str]]:
    """Words in sets of values that YAML reads as true or false: the line (from 1) and a sentence with the cure."""
    pending, seen = [root], set[int]()
    while pending:
        node = pending.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            pending.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                pending.append(value)
                if key.value == "value_set" and isinstance(value, yaml.SequenceNode):
                    yield from filter(None, map(_misread_word, value.value))


def _misread_word(node: yaml.Node) -> tuple[int, str] | None:
    if not isinstance(node, yaml.ScalarNode) or node.tag != BOOLEAN or node.value.lower() in MEANT:
        return None
    truth = "true" if node.value.lower() in ("yes", "on", "y") else "false"
    return node.start_mark.line + 1, f"value_set: `{node.value}` is read as {truth}, quote it: '{node.value}'"


def misread_numbers(raw: Any, model: type[BaseModel], path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Places where a model expects a number and the YAML has a truth value or a text, which pydantic would convert."""
    if not isinstance(raw, dict):
        return
    shapes = _shapes(model)
    for name, value in raw.items():
        shape = shapes.get(name) if isinstance(name, str) else None
        if shape is not None:
            yield from _misread_number(value, shape, (*path, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What fits a place: numbers and nothing else, models, and mappings or lists of other shapes."""

    is_number: bool
    models: tuple[type[BaseModel], ...]
    values: tuple[_Shape, ...]
    members: tuple[_Shape, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no number can stand here or below."""
        return not (self.is_number or self.models or self.values or self.members)


def _misread_number(value: Any, shape: _Shape, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for model in shape.models:
            yield from misread_numbers(value, model, path)
        for each in shape.values:
            for key, member in value.items():
                if isinstance(key, str):
                    yield from _misread_number(member, each, (*path, key))
    elif isinstance(value, list):
        for each in shape.members:
            for position, member in enumerate(value):
                yield from _misread_number(member, each, (*path, position))
    elif isinstance(value, (bool, str)) and shape.is_number and not _as_exponent(value):
        word = "a truth value (YAML reads yes, no, on and off as one)" if isinstance(value, bool) else "a text"
        yield path, f"a number is expected here, and {str(value)[:40]!r} is {word}"


def _as_exponent(value: Any) -> bool:
    return isinstance(value, str) and EXPONENT.fullmatch(value) is not None


@cache
def _shapes(model: type[BaseModel]) -> dict[str, _Shape]:
    """The shapes of the fields of a model, without those that hold no number."""
    shapes = {name: _shape(field.annotation) for name, field in model.model_fields.items()}
    return {name: shape for name, shape in shapes.items() if not shape.is_empty}


def _shape(annotation: Any) -> _Shape:
    parts = [part for part in _parts(annotation) if part is not type(None)]
    values = [_shape(typing.get_args(part)[1]) for part in parts if typing.get_origin(part) is dict]
    members = [
        _shape(member)
        for part in parts
        if typing.get_origin(part) in (list, tuple)
        for member in typing.get_args(part)[:1]
    ]
    return _Shape(
        is_number=bool(parts) and all(part in (int, float) or _is_literal_number(part) for part in parts),
        models=tuple(part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)),
        values=tuple(shape for shape in values if not shape.is_empty),
        members=tuple(shape for shape in members if not shape.is_empty),
    )


def _parts(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, without what `Annotated` adds."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _parts(typing.get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [part for each in typing.get_args(annotation) for part in _parts(each)]
    return [annotation]


def _is_literal_number(part: Any) -> bool:
    values = typing.get_args(part) if typing.get_origin(part) is Literal else ()
    return bool(values) and all(type(value) in (int, float) for value in values)
