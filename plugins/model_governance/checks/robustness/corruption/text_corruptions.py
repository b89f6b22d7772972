"""Corruptions of texts: a share of the words of every text gets a typing mistake, the wrong case or a look-alike letter.

Character-level perturbations after Gao et al. (2018, DeepWordBug) and Li et al. (2019, TextBugger), made at random and not to
flip an answer. What happens to a word does not depend on the share of words, so that severities contain one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.attacks.characters import HOMOGLYPHS, KEYBOARD
from model_governance.attacks.text_edits import WORD

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np


def corrupt_words(values: Sequence[Any], name: str, *, share: float, generator: np.random.Generator) -> list[Any]:
    """Every text with this share of its words corrupted, on average; what is no text stays.

    Args:
        values: the cells of a column.
        name: of `TEXT_CORRUPTIONS`.
        share: from 0 to 1.
        generator: gives the same words and the same mistakes for every share.
    """
    change = TEXT_CORRUPTIONS[name]

    def spoil(match: re.Match[str]) -> str:
        chosen, spoilt = generator.random() < share, change(match[0], *generator.random(3).tolist())
        return spoilt if chosen else match[0]

    return [WORD.sub(spoil, value) if isinstance(value, str) else value for value in values]


def mistype(word: str, kind: float, place: float, key: float) -> str:
    """The word with one typing mistake: a neighbouring key, a letter left out, or two neighbouring letters transposed.

    A word of one letter can only get a neighbouring key. The numbers from 0 to 1 choose the mistake, its place and the key.
    """
    at = int(place * len(word))
    if kind < 1 / 3 or len(word) == 1:
        keys = KEYBOARD.get(word[at], "")
        if keys:
            return word[:at] + keys[int(key * len(keys))] + word[at + 1 :]
    if len(word) == 1:
        return word
    if kind < 2 / 3:
        return word[:at] + word[at + 1 :]
    at = int(place * (len(word) - 1))
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def change_case(word: str, _kind: float, _place: float, _key: float) -> str:
    """The word with upper and lower case exchanged, as with Caps Lock on."""
    return word.swapcase()


def look_alike(word: str, _kind: float, place: float, _key: float) -> str:
    """The word with one letter replaced by its look-alike; a word without such a letter stays."""
    places = [at for at, letter in enumerate(word) if letter in HOMOGLYPHS]
    if not places:
        return word
    at = places[int(place * len(places))]
    return word[:at] + HOMOGLYPHS[word[at]] + word[at + 1 :]


TEXT_CORRUPTIONS: Mapping[str, Callable[[str, float, float, float], str]] = {
    "typos": mistype, "casing": change_case, "homoglyphs": look_alike,
}  # fmt: skip
