"""Objects of JSON documents: all of one, however deep they stand, and none with a key twice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def objects_of(document: Any) -> Iterator[dict[str, Any]]:
    """Every object of a parsed document, without recursion: a file may nest as deep as it likes."""
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def keys_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object, as `object_pairs_hook` of the json module, which otherwise keeps the last of two values in silence.

    Raises:
        ValueError: a key is given twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"key {twice[:80]!r} is given twice in one object")
    return found
