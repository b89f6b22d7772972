"""Reads a policy and reports every mistake at once, each with its file, line and path."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from model_governance.contract.secret_text import without_secrets
from model_governance.errors import PolicyError
from model_governance.policy.agreement import disagreements
from model_governance.policy.mistakes import root_mistakes
from model_governance.policy.model import Policy
from model_governance.policy.open_secrets import open_secrets
from model_governance.policy.position import closest, field_names, spell
from model_governance.policy.sense import unreachable
from model_governance.policy.yaml_text import read_yaml
from model_governance.policy.yaml_words import misread_numbers, misread_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from model_governance.contract.check import Check
    from model_governance.policy.position import Path as Place
    from model_governance.policy.position import Position


def load_policy(path: str | os.PathLike[str], catalogue: Mapping[str, Check]) -> Policy:
    """The policy in a file, checked against the catalogue of checks.

    Raises:
        PolicyError: the file cannot be read or is wrong; `problems` lists every mistake as
            `file:line path: what was found; what was expected`.
    """
    policy = parse_policy(read_source(path), catalogue, name=os.fspath(path))
    return policy.at(folder=Path(path).resolve().parent)


def read_source(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a policy file.

    Raises:
        PolicyError: it is no file, cannot be read, or has more than MAX_BYTES.
    """
    try:
        # A pipe or device would be read for ever.
        if Path(path).exists() and not Path(path).is_file():
            raise PolicyError([f"{path}: cannot be read: it is not a file"])
        with Path(path).open("rb") as file:
            source = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise PolicyError([f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"]) from error
    if len(source) > MAX_BYTES:
        raise PolicyError([f"{path}: has more than {MAX_BYTES:,} bytes; a policy is a text of some hundred lines"])
    return source


def parse_policy(source: bytes, catalogue: Mapping[str, Check], *, name: str = "policy") -> Policy:
    """The policy in these bytes; `name` stands for the file in messages. Raises as `load_policy`."""
    position, raw = read_yaml(source, name)
    problems: dict[tuple[int, str], None] = {}
    policy = None
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        problems.update(dict.fromkeys(islice(_shape_problems(error, position), MAX_PROBLEMS)))
    for path, text in islice(_asked_of_yaml(raw, catalogue), MAX_PROBLEMS):
        problems[position.line(path), f"{spell(path)}: {text}"] = None
    problems.update(dict.fromkeys(islice(misread_words(position.root), MAX_PROBLEMS)))
    problems.update(dict.fromkeys(islice(open_secrets(source, raw, position), MAX_PROBLEMS)))
    if policy is not None and not problems:
        for path, text in unreachable(policy, catalogue):
            problems[position.line(path), f"{spell(path)}: {text}"] = None
    if policy is None or problems:
        raise PolicyError(located(problems, name))
    return policy.at(source=source)


def archived_policy(source: bytes, *, origin: str) -> Policy:
    """The policy in these archived bytes, without asking which checks this release has.

    Raises:
        PolicyError: they have another shape than a policy of this release; `origin` names them in messages.
    """
    position, raw = read_yaml(source, origin)
    try:
        return Policy.model_validate(raw).at(source=source)
    except ValidationError as error:
        raise PolicyError(located(islice(_shape_problems(error, position), MAX_PROBLEMS), origin)) from error


MAX_BYTES = 1 << 20
MAX_PROBLEMS = 100
MAX_LENGTH = 500
"""Characters of a problem: a value of the policy may be as long as the file."""


def _asked_of_yaml(raw: dict[str, Any], catalogue: Mapping[str, Check]) -> Iterator[tuple[Place, str]]:
    yield from misread_numbers(raw, Policy)
    yield from disagreements(raw, catalogue)


def located(problems: Iterable[tuple[int, str]], name: str) -> list[str]:
    """The problems in the order of the file, at most MAX_PROBLEMS of at most MAX_LENGTH characters."""
    ordered = sorted(problems, key=lambda problem: problem[0])
    sentences = [f"{name}:{line} {shortened(text)}" for line, text in ordered[:MAX_PROBLEMS]]
    more = len(ordered) - MAX_PROBLEMS
    return [*sentences, f"{name}:{ordered[-1][0]} and {more} more"] if more > 0 else sentences


def shortened(text: str) -> str:
    """The text on one line and without secrets, its middle left out where it is longer than MAX_LENGTH."""
    text = without_secrets(" ".join(text[: 100 * MAX_LENGTH].split()))
    half = MAX_LENGTH // 2
    return text if len(text) <= MAX_LENGTH else f"{text[:half]} [...] {text[-half:]}"


def _shape_problems(error: ValidationError, position: Position) -> Iterator[tuple[int, str]]:
    for mistake in root_mistakes(error):
        path = position.known_part(mistake["loc"])
        text = mistake["msg"].removeprefix("Value error, ")
        if mistake["type"] == "missing":
            missing = mistake["loc"][-1]
            text = f"{missing} is missing"
        elif mistake["type"] == "extra_forbidden":
            known = field_names(Policy, path[:-1])
            text = f"unknown key{closest(str(path[-1]), known)}"
        elif not isinstance(mistake["input"], (dict, list)):
            text = f"{text}; found {shortened(repr(mistake['input']))}"
        yield position.line(path), f"{spell(path)}: {text}" if path else text
