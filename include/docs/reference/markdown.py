"""Markdown pieces that the reference pages share: cells, tables, prose from docstrings."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SPECIAL = str.maketrans({"|": "&#124;", "<": "&lt;", ">": "&gt;", "*": "&#42;", "[": "&#91;", "]": "&#93;"})


def cell(text: object) -> str:
    """Text for one cell of a table; code between backquotes stays code."""
    parts = re.split(r"(`[^`]*`)", " ".join(str(text).split()))
    return "".join(part.replace("|", "&#124;") if part.startswith("`") else part.translate(SPECIAL) for part in parts)


def code(text: object, *, anchor: str = "") -> str:
    """Inline code, with an anchor that links may name."""
    return f"<code{f' id={anchor!r}' if anchor else ''}>{cell(text)}</code>".replace("'", '"')


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are Markdown already; an empty string when there are no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(header)} |", f"|{'---|' * len(header)}", *lines]) + "\n"


def prose(docstring: str | None) -> str:
    """A docstring as paragraphs; indented blocks stay preformatted."""
    text = inspect.cleandoc(docstring or "").strip()
    parts = []
    for paragraph in re.split(r"\n\s*\n", text):
        indented = all(line.startswith("    ") for line in paragraph.splitlines())
        parts.append(paragraph if indented else cell(paragraph))
    return "\n\n".join(parts) + "\n"


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    text = text.strip()
    return text and text[0].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
