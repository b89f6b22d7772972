"""Edits of a text that an attacker makes: of characters within a word, and of whole words.

The perturbations are those of DeepWordBug (Gao et al., 2018) and TextBugger (Li et al., 2019), without synonyms. An edit is one
whole number, so that the edits of many rows stand in an array. Edits of one text touch different characters and words, and
refer to the text as it was: they hold in any order, each can be undone by itself, and so many edits are never more than as many
operations of a Damerau-Levenshtein distance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model_governance.attacks.characters import HOMOGLYPHS, KEYBOARD
from model_governance.contract.threat_model import CHARACTER_EDITS, WORD_EDITS, TextEdit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import numpy as np

KINDS: tuple[TextEdit, ...] = (*CHARACTER_EDITS, *WORD_EDITS)
# Ends of what one number holds, 46 bits in all: arrays of floats keep it too. What lies beyond is not edited.
MOST_WORDS, MOST_PLACES, MOST_LETTERS = 1 << 16, 1 << 10, 1 << 17
DRAWN_WORDS = 500  # words of one text that are edited in one round
WORD = re.compile(r"\S+")
"""A word is what stands between white space."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit of the word with this number, at this character of it; `letter` is what a character is replaced by.

    `swap` exchanges the character with the next one, `swap_words` the word with the next one, `insert_space` comes before it.
    """

    kind: TextEdit
    word: int
    place: int = 0
    letter: str = "\0"

    @property
    def code(self) -> int:
        """The edit as a number."""
        number = KINDS.index(self.kind) * MOST_WORDS + self.word
        return (number * MOST_PLACES + self.place) * MOST_LETTERS + ord(self.letter)

    @staticmethod
    def of(code: int) -> Edit:
        """The edit of a number."""
        number, letter = divmod(code, MOST_LETTERS)
        number, place = divmod(number, MOST_PLACES)
        kind, word = divmod(number, MOST_WORDS)
        return Edit(KINDS[kind], word, place, chr(letter))

    @property
    def of_word(self) -> bool:
        """Whether it is an edit of whole words, and not of characters."""
        return self.kind in WORD_EDITS

    @property
    def touched(self) -> tuple[int, ...]:
        """Characters of the word that no other edit may touch."""
        if self.kind == "insert_space":
            return (self.place - 1, self.place)
        return (self.place, self.place + 1) if self.kind == "swap" else (self.place,)


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text after edits that `possible_edits` gives; white space between words that stay is kept."""
    words, gaps = WORD.findall(text), WORD.split(text)
    for edit in sorted((edit for edit in edits if not edit.of_word), key=lambda edit: -edit.place):
        words[edit.word] = _changed(words[edit.word], edit)
    dropped = {edit.word for edit in edits if edit.kind == "drop_word"}
    for edit in edits:
        if edit.kind == "swap_words":
            words[edit.word], words[edit.word + 1] = words[edit.word + 1], words[edit.word]
    parts: list[str] = []
    for number, word in enumerate(words):
        if number not in dropped:
            parts += [gaps[number] if parts else gaps[0], word]
    return "".join([*parts, gaps[-1]])


def _changed(word: str, edit: Edit) -> str:
    place = edit.place
    if edit.kind == "delete":
        return word[:place] + word[place + 1 :]
    if edit.kind == "swap":
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if edit.kind == "insert_space":
        return word[:place] + " " + word[place:]
    return word[:place] + edit.letter + word[place + 1 :]


@dataclass(slots=True)
class _Taken:
    """What the edits made so far leave: words that were moved or dropped, characters by word that were touched."""

    moved: set[int] = field(default_factory=set)
    touched: dict[int, set[int]] = field(default_factory=dict)
    deleted: dict[int, int] = field(default_factory=dict)
    dropped: int = 0

    @classmethod
    def by(cls, edits: Collection[Edit]) -> _Taken:
        taken = cls()
        for edit in edits:
            if edit.of_word:
                taken.moved |= {edit.word, edit.word + 1} if edit.kind == "swap_words" else {edit.word}
                taken.dropped += edit.kind == "drop_word"
            else:
                taken.touched.setdefault(edit.word, set()).update(edit.touched)
                taken.deleted[edit.word] = taken.deleted.get(edit.word, 0) + (edit.kind == "delete")
        return taken


def possible_edits(
    text: str, made: Collection[Edit], kinds: Collection[TextEdit], generator: np.random.Generator
) -> Iterator[Edit]:
    """For every word one drawn edit of characters and one of words, as far as `kinds` holds any and one is possible.

    Args:
        text: the text as it was before any edit.
        made: the edits made so far; those that come out hold together with them, one at a time.
        kinds: what may be done.
        generator: draws the kind, the place and the letter; of a text of more than DRAWN_WORDS words, the words too.
    """
    words, taken = WORD.findall(text)[:MOST_WORDS], _Taken.by(made)
    numbers: list[int] = sorted(generator.permutation(len(words))[:DRAWN_WORDS].tolist())
    drawn: list[list[float]] = generator.random((len(words), 4)).tolist()
    of_characters: list[TextEdit] = [kind for kind in CHARACTER_EDITS if kind in kinds]
    of_words: list[TextEdit] = [kind for kind in WORD_EDITS if kind in kinds]
    for number in numbers:
        if number in taken.moved:
            continue
        *draw, other = drawn[number]
        for family, chance in ((of_characters, draw[0]), (of_words, other)):
            start = int(chance * len(family))
            turned = (*family[start:], *family[:start])
            edit = next(filter(None, (_drawn(kind, words, number, taken, draw[1:]) for kind in turned)), None)
            if edit is not None:
                yield edit


def _drawn(kind: TextEdit, words: Sequence[str], number: int, taken: _Taken, draw: Sequence[float]) -> Edit | None:
    """An edit of this kind of the word, its place and letter by numbers from 0 to 1; None where there is none."""
    if kind == "drop_word":
        is_open = number not in taken.touched and len(words) - taken.dropped > 1
        return Edit(kind, number) if is_open else None
    if kind == "swap_words":
        pair = {number, number + 1}
        is_open = number + 1 < len(words) and not pair & (taken.moved | set(taken.touched))
        return Edit(kind, number) if is_open and words[number] != words[number + 1] else None
    word, touched = words[number], taken.touched.get(number, set())
    if kind == "delete" and len(word) - taken.deleted.get(number, 0) < 2:
        return None
    places = [
        place for place in range(min(len(word), MOST_PLACES - 1)) if _fits(kind, word, place) and not touched & set(Edit(kind, number, place).touched)
    ]  # fmt: skip
    if not places:
        return None
    place = places[int(draw[0] * len(places))]
    letters = {"keyboard": KEYBOARD, "homoglyph": HOMOGLYPHS}.get(kind, {}).get(word[place], "\0")
    return Edit(kind, number, place, letters[int(draw[1] * len(letters))])


def _fits(kind: TextEdit, word: str, place: int) -> bool:
    if kind == "swap":
        return place + 1 < len(word) and word[place] != word[place + 1]
    if kind == "insert_space":
        return place > 0
    if kind == "keyboard":
        return word[place] in KEYBOARD
    return kind != "homoglyph" or word[place] in HOMOGLYPHS
