"""Reads a policy and reports every mistake at once, each with its file, line and path."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml
from pydantic import ValidationError

from model_governance.errors import PolicyError
from model_governance.policy.agreement import disagreements
from model_governance.policy.model import Policy
from model_governance.policy.position import Position, closest, field_names, spell
from model_governance.policy.sense import unreachable
from model_governance.policy.yaml_words import misread_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.contract.check import Check


def load_policy(path: str | os.PathLike[str], catalogue: Mapping[str, Check]) -> Policy:
    """The policy in a file, checked against the catalogue of checks.

    Raises:
        PolicyError: the file cannot be read or is wrong; `problems` lists every mistake as
            `file:line path: what was found; what was expected`.
    """
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        raise PolicyError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    policy = parse_policy(source, catalogue, name=os.fspath(path))
    return policy.at(folder=Path(path).resolve().parent)


def parse_policy(source: bytes, catalogue: Mapping[str, Check], *, name: str = "policy") -> Policy:
    """The policy in these bytes; `name` stands for the file in messages. Raises as `load_policy`."""
    position, raw = _read_yaml(source, name)
    problems: dict[tuple[str, int, str], None] = {}
    policy = None
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        problems.update((problem, None) for problem in _shape_problems(error, position))
    for path, text in disagreements(raw, catalogue):
        problems[name, position.line(path), f"{spell(path)}: {text}"] = None
    problems.update(((name, line, text), None) for line, text in misread_words(position.root))
    if policy is not None and not problems:
        for path, text in unreachable(policy, catalogue):
            problems[name, position.line(path), f"{spell(path)}: {text}"] = None
    if policy is None or problems:
        raise PolicyError(
            [f"{file}:{line} {text}" for file, line, text in sorted(problems, key=lambda problem: problem[1])]
        )
    return policy.at(source=source)


# libyaml's parser is several times faster and names the same lines.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_DEPTH = 100  # of collections inside one another


class _UniqueKeyLoader(_SafeLoader):
    """SafeLoader that refuses a key given twice: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[Any] = set()
        for key, _ in node.value:
            word = self.construct_object(key, deep=True)
            if isinstance(word, (dict, list)):
                raise yaml.constructor.ConstructorError(
                    None, None, "a template such as {{ ds }} must stand in quotes", key.start_mark
                )
            if word in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {word!r} is given twice", key.start_mark)
            seen.add(word)
        constructed: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return constructed


def _read_yaml(source: bytes, name: str) -> tuple[Position, Any]:
    try:
        _refuse_deep_nesting(source)
        loader = _UniqueKeyLoader(source)
        node = loader.get_single_node()
        if node is None:
            raise PolicyError([f"{name}:1 the policy is empty; start with model-governance policy init"])
        raw = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise PolicyError([f"{name}:{line} not valid YAML: {error.problem or error.context}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PolicyError([f"{name}:1 not valid YAML: {error}"]) from error
    if not isinstance(raw, dict):
        raise PolicyError([f"{name}:1 a policy is a mapping of keys, found {type(raw).__name__}"])
    return Position(node, file=name), raw


def _refuse_deep_nesting(source: bytes) -> None:
    """Refuse a file that the recursive composer would exhaust the stack of the process on.

    Raises:
        yaml.MarkedYAMLError: collections are nested deeper than MAX_DEPTH, or the file is not valid YAML.
    """
    depth = 0
    for event in yaml.parse(source, Loader=_SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                problem = f"collections are nested deeper than {MAX_DEPTH}"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=cast("yaml.Mark", event.start_mark))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _shape_problems(error: ValidationError, position: Position) -> Iterator[tuple[str, int, str]]:
    name = position.file
    for mistake in error.errors():
        path = position.known_part(mistake["loc"])
        text = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "missing":
            missing = mistake["loc"][-1]
            text = f"{missing} is missing"
        elif mistake["type"] == "extra_forbidden":
            known = field_names(Policy, path[:-1])
            text = f"unknown key{closest(str(path[-1]), known)}"
        elif not isinstance(mistake["input"], (dict, list)):
            text = f"{text}; found {mistake['input']!r}"
        yield name, position.line(path), f"{spell(path)}: {text}" if path else text
