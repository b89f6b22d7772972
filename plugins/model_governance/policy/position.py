"""Where in a YAML file a value stands, and how its path is spelled."""

from __future__ import annotations

import difflib
import typing
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Path = tuple[str | int, ...]


class Position:
    """The YAML nodes of a policy file, addressed by path."""

    def __init__(self, root: yaml.Node, *, file: str) -> None:
        self._root = root
        self.file = file

    @property
    def root(self) -> yaml.Node:
        """The node of the whole file."""
        return self._root

    def line(self, path: Path) -> int:
        """Line (from 1) of the deepest part of the path that the file holds."""
        line, node = self._root.start_mark.line + 1, self._root
        for part in path:
            step = _step(node, part)
            if step is None:
                break
            line, node = step
        return line

    def known_part(self, location: Sequence[str | int]) -> Path:
        """The parts of a pydantic location that the file holds (validator names are dropped)."""
        found: list[str | int] = []
        node = self._root
        for part in location:
            step = _step(node, part)
            if step is not None:
                found.append(part)
                node = step[1]
        return tuple(found)


def _step(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = node.value[part]
        return value.start_mark.line + 1, value
    return None


def spell(path: Path) -> str:
    """`checks.drift.thresholds[0].metric`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def closest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'psi'?`, or the list of what there is, or nothing."""
    names = sorted(known)
    return similar(word, names) or (f"; there are {', '.join(names)}" if names else "")


def similar(word: str, known: Sequence[str]) -> str:
    """`; did you mean 'psi'?`, or nothing where no name is alike."""
    match = difflib.get_close_matches(word[:100], known, n=1)
    return f"; did you mean {match[0]!r}?" if match else ""


def field_names(model: type[BaseModel], path: Path) -> list[str]:
    """Keys that a policy may hold at a path."""
    current: Any = model
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel) and part in current.model_fields:
            current = current.model_fields[str(part)].annotation
        inner = _model_in(current)
        current = inner if inner is not None else current
    return list(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_model_in(arg) for arg in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)
