"""Categories as text: which values are one category, and which kinds of value never mix."""

from __future__ import annotations

from typing import Any


def family(value: Any) -> str:
    """`numbers` for numbers and booleans, `text` for text, else the name of the type."""
    if isinstance(value, (bool, int, float)):
        return "numbers"
    return "text" if isinstance(value, str) else type(value).__name__


def label(value: Any) -> str:
    """The text of a value; 1, 1.0 and True are one category, because a column turns to floats once a value is missing."""
    return str(int(value)) if isinstance(value, (bool, float)) and float(value).is_integer() else str(value)
