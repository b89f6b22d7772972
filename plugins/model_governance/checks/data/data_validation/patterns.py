"""Translates regular expressions of Python to RE2, which DuckDB uses, where both mean the same."""

from __future__ import annotations

import re

# In Python a class such as \w covers all scripts; in RE2 it covers ASCII only.
CLASSES = {
    r"\d": r"\p{Nd}", r"\w": r"\p{L}\p{N}_", r"\s": r"\t-\r\x1c-\x20\x{85}\p{Z}",
}  # fmt: skip
TOKEN = re.compile(
    r"(?P<escaped>\\.)|(?P<open>\[\^?\]?)|(?P<close>\])|(?P<special>\(\?)|(?P<end>\$)|(?P<dot>\.)|(?P<plain>[^\\])",
    re.DOTALL,
)
PLAIN_ESCAPES = frozenset("\\^$.|?*+()[]{}-/tnr,:;@#&=<>!%'\" _")


def as_re2(pattern: str) -> str | None:
    """The pattern for RE2 that matches exactly the same texts; None where no such pattern is known.

    Look-around, back-references, flags inside the pattern and word boundaries have no counterpart.
    """
    parts: list[str] = []
    inside = False
    for token in TOKEN.finditer(pattern):
        kind, text = str(token.lastgroup), token[0]
        if kind == "open" and not inside:
            inside = True
            parts.append(text)
            continue
        translated = _inside(kind, text) if inside else _outside(kind, text, last=token.end() == len(pattern))
        if translated is None:
            return None
        inside = inside and kind != "close"
        parts.append(translated)
    return "".join(parts) if not inside and _compiles(pattern) else None


def _outside(kind: str, text: str, *, last: bool) -> str | None:
    if kind == "escaped":
        if text[1] in "DWS":
            return f"[^{CLASSES[text.lower()]}]"
        return f"[{CLASSES[text]}]" if text in CLASSES else text if text[1] in PLAIN_ESCAPES else None
    if kind == "special" or (kind == "end" and not last):
        return None  # `(?:` alone would be safe, and is rare
    return {"end": r"(?:\n?\z)", "dot": r"[^\n]"}.get(kind, text)


def _inside(kind: str, text: str) -> str | None:
    if kind == "escaped":
        return CLASSES.get(text) or (text if text[1] in PLAIN_ESCAPES else None)
    return r"\[" + text[1:] if kind == "open" else text


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
