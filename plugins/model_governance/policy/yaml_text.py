"""Reads the YAML of a policy: safe against what exhausts stack, memory or time, and without silent readings."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import yaml

from model_governance.contract.secret_text import without_secrets
from model_governance.errors import PolicyError
from model_governance.policy.names import SafeLoader
from model_governance.policy.position import Position

MAX_DEPTH = 100
"""Of collections inside one another."""
MAX_VALUES = 20_000
"""Of all keys and values, those behind aliases counted as often as they are used."""
MAX_DIGITS = 40
BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
RESOLVER: Any = yaml.resolver.Resolver()
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of the text after them."""
TOO_DEEP = f"collections are nested deeper than {MAX_DEPTH}"
TEXT = "tag:yaml.org,2002:str"
UNUSED_TAGS = ("binary", "omap", "pairs", "set")


class _Loader(SafeLoader):
    """SafeLoader that refuses deep nesting, and what would be read as something else than it looks like."""

    _depth = 0

    def descend_resolver(self, current_node: yaml.Node | None, _: Any) -> None:
        """Called by the composer before each node: here the stack of the process is still whole.

        What the method of yaml does is for resolvers of paths, which there are none of.
        """
        self._depth += 1
        # The last of MAX_DEPTH collections holds a scalar; whether that is a collection, `_Expansion` says.
        if self._depth > MAX_DEPTH + 1 and current_node is not None:
            raise _mistake(TOO_DEEP, current_node)

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        # The policies of a folder have most of their words in common.
        if kind is yaml.ScalarNode and len(value) <= MAX_DIGITS:
            return _tag(value, *implicit)
        tag: str = super().resolve(kind, value, implicit)
        return tag

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[Any] = set()
        for key, _ in node.value:
            word = key.value if key.tag == TEXT else self.construct_object(key, deep=True)
            if isinstance(word, (dict, list)):
                raise _mistake("a template such as {{ ds }} must stand in quotes", key)
            if word is None or isinstance(word, bool):
                raise _mistake(f"key {_shown(key)} is read as {str(word).lower()}; put it in quotes", key)
            if word in seen:
                raise _mistake(f"key {str(word)[:80]!r} is given twice", key)
            seen.add(word)
        constructed: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return constructed

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        if isinstance(node, yaml.ScalarNode) and (node.tag != TEXT or not node.value.isprintable()):
            _refuse_silent_reading(node)
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, OverflowError, TypeError, LookupError, AttributeError) as error:
            kind = node.tag.rsplit(":", 1)[-1]
            raise _mistake(f"{_shown(node)} is no {kind}: {str(error)[:80]}", node) from error


@lru_cache(maxsize=4096)
def _tag(value: str, plain: bool, quoted: bool) -> str:  # noqa: FBT001
    """The tag of a scalar without one, which the text decides where it stands without quotes."""
    tag: str = RESOLVER.resolve(yaml.ScalarNode, value, (plain, quoted))
    return tag


def _refuse_silent_reading(node: yaml.ScalarNode) -> None:
    """Numbers that YAML 1.1 reads to base 60 or 8, numbers of thousands of digits, characters that are none.

    Raises:
        yaml.MarkedYAMLError: the scalar is one of them.
    """
    kind, value = node.tag.rsplit(":", 1)[-1], str(node.value)
    if kind in UNUSED_TAGS:
        raise _mistake(f"a policy has no values of type {kind}", node)
    if kind in ("int", "float"):
        if BASE_60.fullmatch(value):
            raise _mistake(
                f"{_shown(node)} is read as a number to base 60; put it in quotes, or write the number", node
            )
        if kind == "int" and LEADING_ZERO.fullmatch(value):
            raise _mistake(f"{_shown(node)} is read as a number to base 8; remove the zero, or put it in quotes", node)
        if len(value) > MAX_DIGITS:
            raise _mistake(f"a number of {len(value):,} characters; write at most {MAX_DIGITS}", node)
    if "\0" in value or (not value.isascii() and _lone_surrogate(value)):
        raise _mistake("the text holds the character NUL or half a character, which no database stores", node)
    if hidden := HIDDEN.search(value):
        raise _mistake(
            f"the text holds the hidden character U+{ord(hidden[0]):04X}, so that it shows as another; remove it", node
        )


def _lone_surrogate(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


def read_yaml(source: bytes, name: str) -> tuple[Position, Any]:
    """The mapping that YAML text holds, and where its parts stand; `name` stands for the file in messages.

    Raises:
        PolicyError: it is no YAML, no mapping, or holds what is refused (`_Loader`, MAX_DEPTH, MAX_VALUES).
    """
    try:
        loader = _Loader(source)
        node = loader.get_single_node()
        if node is None:
            raise PolicyError([f"{name}:1 the policy is empty; start with model-governance policy init"])
        _Expansion().count(node)
        raw = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise PolicyError([f"{name}:{line} not valid YAML: {_reason(error.problem or error.context)}"]) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise PolicyError([f"{name}:1 not valid YAML: {_reason(error)}"]) from error
    if not isinstance(raw, dict):
        raise PolicyError([f"{name}:1 a policy is a mapping of keys, found {type(raw).__name__}"])
    return Position(node, file=name), raw


def _reason(reason: object) -> str:
    return without_secrets(" ".join(str(reason)[:300].split()))


class _Expansion:
    """Counts values and depth of a document as if every alias were written out, in time linear in its text."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()

    def count(self, node: yaml.Node) -> tuple[int, int]:
        """Number of values, and depth.

        Raises:
            yaml.MarkedYAMLError: more than MAX_VALUES, deeper than MAX_DEPTH, or a collection holds itself.
        """
        if isinstance(node, yaml.ScalarNode):
            return 1, 0
        if id(node) in self._known:
            return self._known[id(node)]
        if id(node) in self._open:
            raise _mistake("an alias leads into what it stands for", node)
        self._open.add(id(node))
        inner = node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
        values, depth = 1, 0
        for child in inner:
            more, below = self.count(child)
            values, depth = values + more, max(depth, below + 1)
        if values > MAX_VALUES:
            raise _mistake(
                f"more than {MAX_VALUES:,} values, those behind aliases counted as often as they are used", node
            )
        if depth > MAX_DEPTH:
            raise _mistake(TOO_DEEP, node)
        self._open.discard(id(node))
        self._known[id(node)] = values, depth
        return values, depth


def _shown(node: yaml.Node) -> str:
    return f"`{str(node.value)[:40]}`"


def _mistake(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
