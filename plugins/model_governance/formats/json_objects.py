"""The objects of a JSON document, however deep they stand."""

from __future__ import annotations

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
