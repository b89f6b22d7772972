"""Texts as features that move: the edits of one text stand in columns of `Moves.picks`, one column an edit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.attacks.text_edits import Edit, apply_edits, possible_edits
from model_governance.contract.threat_model import CHARACTER_EDITS, WORD_EDITS
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.contract.threat_model import Capability, TextEdit

UNUSED = -1


@dataclass(frozen=True, slots=True)
class TextMoves:
    """A text feature that may be edited: what may be done to it, the most edits of characters and of words, and their cost.

    It fills one column of picks per edit, first those of characters, then those of words; a column holds the number of an
    edit (`Edit.code`), or -1.
    """

    feature: str
    edits: tuple[TextEdit, ...]
    characters: int
    words: int
    cost: float = 1.0

    @property
    def slots(self) -> int:
        """Number of columns."""
        return self.characters + self.words

    def counts(self, picks: np.ndarray) -> np.ndarray:
        """Edits of characters and of words in the columns of this text (n, slots), shape (n, 2)."""
        import numpy as np

        used = picks >= 0
        return np.stack([used[:, : self.characters].sum(axis=1), used[:, self.characters :].sum(axis=1)], axis=1)

    def edited(self, texts: Sequence[Any], picks: np.ndarray) -> list[Any]:
        """The texts after the edits in the columns of this text (n, slots)."""
        return [
            apply_edits(text, edits_in(row)) if row.max(initial=UNUSED) >= 0 else text
            for text, row in zip(texts, picks, strict=True)
        ]

    def next_picks(self, text: Any, row: np.ndarray, generator: np.random.Generator) -> Iterator[np.ndarray]:
        """The columns (slots,) of one text with one possible edit more, for every word one or two; none where it is a gap."""
        import numpy as np

        characters, words = self.counts(row[None])[0]
        open_ = (
            *(CHARACTER_EDITS if characters < self.characters else ()),
            *(WORD_EDITS if words < self.words else ()),
        )
        kinds = [kind for kind in self.edits if kind in open_]
        if not kinds or not isinstance(text, str):
            return
        for edit in possible_edits(text, edits_in(row), kinds, generator):
            part = slice(self.characters, None) if edit.of_word else slice(0, self.characters)
            after = row.copy()
            # In order, so that the same edits in another order are the same move.
            after[part] = np.sort([edit.code, *row[part][row[part] >= 0].tolist(), *([UNUSED] * row[part].size)])[::-1][
                : row[part].size
            ]
            yield after

    def describe(self) -> str:
        """What may be done, for readers: "3 characters (delete, swap), 1 word (drop_word)"."""
        parts = []
        for most, unit, known in ((self.characters, "character", CHARACTER_EDITS), (self.words, "word", WORD_EDITS)):
            named = [edit for edit in self.edits if edit in known]
            parts += [f"{counted(most, unit)} ({', '.join(named)})"] if most else []
        return "at most " + ", ".join(parts)


def counted(number: int, unit: str) -> str:
    """The number with its unit: "1 word", "2 words"."""
    return f"{number} {unit}" + ("" if number == 1 else "s")


def difference(before: str, after: str) -> str:
    """The words that differ, old and new: "urgent refund → urgemt", for readers."""
    old, new = before.split(), after.split()
    start = next((place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    rest = zip(reversed(old[start:]), reversed(new[start:]), strict=False)
    same = next((place for place, (a, b) in enumerate(rest) if a != b), min(len(old), len(new)) - start)
    return f"{' '.join(old[start : len(old) - same])}→{' '.join(new[start : len(new) - same])}"


def edits_in(row: np.ndarray) -> list[Edit]:
    """The edits in the columns of one text (slots,)."""
    return [Edit.of(code) for code in row.tolist() if code >= 0]


def text_moves(name: str, capability: Capability, frames: Sequence[tuple[str, pd.DataFrame]]) -> TextMoves:
    """The moves of a text that the threat model opens.

    Raises:
        CheckError: the column holds something else than text, or is one of categories.
    """
    import pandas as pd

    for role, frame in frames:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            raise CheckError(
                f"feature {name!r} is text in the policy and a column of categories in dataset {role!r}, which cannot hold a new "
                "text; store it as strings, or say mutable: false in threat_model.features"
            )
        other = [value for value in frame[name].dropna().unique().tolist() if not isinstance(value, str)]
        if other:
            raise CheckError(
                f"feature {name!r} is text in the policy and holds {type(other[0]).__name__} in dataset {role!r}; repair the feed "
                "or the kind in columns.features"
            )
    return TextMoves(name, capability.edits, capability.max_characters, capability.max_words, capability.cost)
