"""Words that YAML does not read as text: NO is false and on is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

BOOLEAN = "tag:yaml.org,2002:bool"
MEANT = frozenset({"true", "false"})


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
                    yield from filter(None, map(_misread, value.value))


def _misread(node: yaml.Node) -> tuple[int, str] | None:
    if not isinstance(node, yaml.ScalarNode) or node.tag != BOOLEAN or node.value.lower() in MEANT:
        return None
    truth = "true" if node.value.lower() in ("yes", "on", "y") else "false"
    return node.start_mark.line + 1, f"value_set: `{node.value}` is read as {truth}, quote it: '{node.value}'"
