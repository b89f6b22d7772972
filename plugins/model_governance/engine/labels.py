"""Categories as text: which values are the same category, and to which family of types a value belongs."""

from __future__ import annotations

from collections import Counter
from typing import Any


def family(value: Any) -> str:
    """`numbers` for numbers and booleans, `text` for text, else the name of the type."""
    if isinstance(value, (bool, int, float)):
        return "numbers"
    return "text" if isinstance(value, str) else type(value).__name__


def label(value: Any) -> str:
    """The text of a value; 1, 1.0 and True are one category, because a missing value turns a column to floats."""
    return str(int(value)) if isinstance(value, (bool, float)) and float(value).is_integer() else str(value)


def by_label(tally: Counter[Any]) -> dict[str, int]:
    """Rows per label, sorted by it, from rows per value."""
    counts: Counter[str] = Counter()
    for value, count in tally.items():
        counts[label(value)] += count
    return {text: counts[text] for text in sorted(counts)}
