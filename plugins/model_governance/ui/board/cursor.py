"""Cursors: where a list of the API goes on, by the place of a row in the order and not by its number.

A list that is read page by page neither repeats nor skips a row when others come and go in between.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 1000


def place_of(row: Mapping[str, Any], key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The place of a row in an order, which no other row has.

    Args:
        row: a row of the portfolio.
        key: what the order sorts it by.
    """
    return (*key, row["model"], row["dag_id"], row["archive"])


def cursor_of(place: tuple[Any, ...], sort: str) -> str:
    """The cursor behind a place in an order, as text of an address."""
    return base64.urlsafe_b64encode(json.dumps([sort, *place]).encode()).decode().rstrip("=")


def read_cursor(text: str, sort: str, *, like: tuple[Any, ...] | None) -> tuple[Any, ...]:
    """The place behind which a list goes on.

    Args:
        text: of `cursor_of`.
        sort: the order that is asked for.
        like: any place in this order, which says what a place is made of; None where there is no row.

    Raises:
        ValueError: it is no cursor of this order.
    """
    try:
        found = json.loads(base64.urlsafe_b64decode(text[:LONGEST] + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise ValueError("no cursor") from error
    if not isinstance(found, list) or not found or found[0] != sort:
        raise ValueError("a cursor of another order")
    place = tuple(found[1:])
    if like is not None and [_is_text(part) for part in place] != [_is_text(part) for part in like]:
        raise ValueError("no place in this order")
    return place


def _is_text(part: Any) -> bool | None:
    """Text or number; None for what is neither."""
    return isinstance(part, str) if isinstance(part, (str, int, float)) else None
