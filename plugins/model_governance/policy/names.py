"""What the text of a policy tells of its model and its owner, however wrong the rest of it is."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

# libyaml's parser is several times faster and names the same lines.
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_BLOCK = re.compile(
    r"^[ \t]*model[ \t]*(?::[^\n{]*|(?:#[^\n]*)?)\n(?P<body>(?:[ \t]+[^\n]*\n?|[ \t]*\n)*)", re.MULTILINE
)
"""The block, also where it is indented or its colon is missing."""
_FLOW = re.compile(r"^[ \t]*model(?:[ \t]*:)?[ \t]*\{(?P<body>[^}]*)", re.MULTILINE)
_NAME = re.compile(r"(?:^|[{,\s])name[ \t]*:[ \t]*[\"']?(?P<name>[\w.-]+)", re.MULTILINE)
DEPTH = 2
"""The name stands in a block at the top."""
_MODEL_KEYS = {"uri", "sha256", "format", "task"}
DAG_PREFIX = "governance_"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyNames:
    """`model.name` and `owner`; None where the text does not tell them."""

    model: str | None
    owner: str | None


def dag_id_of(model: str) -> str:
    """The DAG id of a model."""
    return f"{DAG_PREFIX}{model.replace('-', '_')}"


def names_in(source: bytes) -> PolicyNames:
    """The names in the text of a policy, valid or not; reads no further than its first mistake of YAML needs."""
    scalars: dict[tuple[str, ...], str] = {}
    for path, value in _scalars(source):
        scalars.setdefault(path, value)
    return PolicyNames(model=_model(scalars) or _searched(source), owner=scalars.get(("owner",)))


def _model(scalars: dict[tuple[str, ...], str]) -> str | None:
    if name := scalars.get(("model", "name")):
        return name
    blocks: dict[str, dict[str, str]] = {}
    for path, value in scalars.items():
        if len(path) == 2:
            blocks.setdefault(path[0], {})[path[1]] = value
    # A misspelled `model:` or `name:` is told by the keys around it.
    models = ["model"] if "model" in blocks else [block for block in blocks if _MODEL_KEYS & set(blocks[block])]
    for block in models:
        near = difflib.get_close_matches("name", blocks[block], n=1)
        if block != "champion" and near:
            return blocks[block][near[0]]
    return None


def _searched(source: bytes) -> str | None:
    """The name by the spelling of the text, where a mistake of YAML stands before it."""
    text = source.decode(errors="replace")
    for block in (_BLOCK.search(text), _FLOW.search(text)):
        name = _NAME.search(block["body"]) if block else None
        if name:
            return name["name"]
    return None


def _scalars(source: bytes) -> Iterator[tuple[tuple[str, ...], str]]:
    """Path and value of every scalar at the top of the first document or one level below, up to a mistake of YAML."""
    keys: list[str | None] = []  # the key of each open collection whose value is awaited
    try:
        for event in yaml.parse(source, Loader=SafeLoader):
            if isinstance(event, yaml.DocumentEndEvent):
                return
            if isinstance(event, yaml.CollectionStartEvent):
                keys.append(None)
            elif isinstance(event, yaml.CollectionEndEvent):
                keys.pop()
                keys[-1:] = [None] if keys else []
            elif isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)) and keys:
                value = event.value if isinstance(event, yaml.ScalarEvent) else ""
                path, keys[-1] = tuple(map(str, keys)), value if keys[-1] is None else None
                if keys[-1] is None and len(path) <= DEPTH:
                    yield path, value
    except (yaml.YAMLError, UnicodeError, ValueError):
        return
