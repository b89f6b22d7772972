"""The mistakes that pydantic finds, without those that only follow from others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


def root_mistakes(error: ValidationError) -> list[ErrorDetails]:
    """The mistakes, in pydantic's order. Where the items of a list are wrong, it also counts the list as too short."""
    mistakes = error.errors()
    places = [mistake["loc"] for mistake in mistakes]
    return [
        mistake for mistake in mistakes if not (mistake["type"] == "too_short" and _has_inner(mistake["loc"], places))
    ]


def _has_inner(place: tuple[int | str, ...], places: list[tuple[int | str, ...]]) -> bool:
    return any(len(other) > len(place) and other[: len(place)] == place for other in places)
