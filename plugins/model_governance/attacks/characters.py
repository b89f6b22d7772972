"""Letters that are taken for another: neighbours on a keyboard, and look-alikes of other alphabets.

Both are the character-level perturbations of DeepWordBug (Gao et al., 2018) and TextBugger (Li et al., 2019): what a
person mistypes, and what a person who reads does not notice.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    """Keys beside, above and below each key of a US keyboard; a key touches two of the row above it."""
    found: dict[str, str] = {}
    for row in _ROWS:
        for place, key in enumerate(row):
            found[key] = row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for upper, lower in pairwise(_ROWS):
        for place, key in enumerate(lower):
            for touched in upper[place : place + 2]:
                found[key] += touched
                found[touched] += key
    return found | {key.upper(): keys.upper() for key, keys in found.items() if key.isalpha()}


KEYBOARD: Mapping[str, str] = _neighbours()
"""By letter or digit, in its case: the keys beside it on a US keyboard, one or more."""

HOMOGLYPHS: Mapping[str, str] = {
    "a": "\u0430", "c": "\u0441", "d": "\u0501", "e": "\u0435", "h": "\u04bb", "i": "\u0456", "j": "\u0458", "o": "\u043e",
    "p": "\u0440", "q": "\u051b", "s": "\u0455", "v": "\u03bd", "w": "\u051d", "x": "\u0445", "y": "\u0443",
    "A": "\u0410", "B": "\u0412", "C": "\u0421", "E": "\u0415", "H": "\u041d", "I": "\u0406", "J": "\u0408", "K": "\u041a",
    "M": "\u041c", "N": "\u039d", "O": "\u041e", "P": "\u0420", "S": "\u0405", "T": "\u0422", "X": "\u0425", "Z": "\u0396",
}  # fmt: skip
"""By Latin letter: a Cyrillic or Greek letter that most fonts draw alike."""
