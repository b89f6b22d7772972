"""Whether a text lies within the budgets of another, reckoned from the two texts alone, apart from the code that edits them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def edits_between(before: str, after: str, *, most_words: int, most_characters: int) -> tuple[float, ...]:
    """Fewest edits of characters by which a text becomes another, for 0 to `most_words` edits of words.

    Dropping a word or exchanging two neighbours is one edit of words. What becomes of a word is counted in edits of
    characters by the Damerau-Levenshtein distance with adjacent transpositions; splitting a word by a space is one more.
    White space between words does not count. A dynamic programme over the words of both texts, as of Wagner and Fischer (1974),
    that follows only what is within the budgets.

    Args:
        before: the text before the attack.
        after: the text after it.
        most_words: budget of words.
        most_characters: budget of characters, of which splits are a part; what needs more is infinite.
    """
    old, new = before.split(), after.split()
    reach = most_characters + most_words
    known: dict[tuple[int, int], list[float]] = {(0, 0): [0.0] * (most_words + 1)}
    for done in range(len(old) + 1):
        for made in range(max(0, done - reach), min(len(new), done + reach) + 1):
            best = list(known.get((done, made), [math.inf] * (most_words + 1)))
            for words, (earlier_done, parts) in _last_steps(old, new, done, made, most_characters):
                earlier = known.get((earlier_done, made - parts))
                if earlier is not None:
                    cost = 0.0 if words else letters_between(old[done - 1], " ".join(new[made - parts : made]))
                    for spent in range(words, most_words + 1):
                        best[spent] = min(best[spent], earlier[spent - words] + cost)
            if min(best) <= most_characters:
                known[done, made] = best
    found = known.get((len(old), len(new)), [math.inf] * (most_words + 1))
    return tuple(count if count <= most_characters else math.inf for count in found)


def _last_steps(
    old: Sequence[str], new: Sequence[str], done: int, made: int, most: int
) -> Iterator[tuple[int, tuple[int, int]]]:
    """How the last words may have come about: (edits of words, (old words before them, new words that came of them))."""
    if done:
        yield 1, (done - 1, 0)
        for parts in range(1, min(made, most + 1) + 1):
            length = sum(map(len, new[made - parts : made])) + parts - 1
            if abs(length - len(old[done - 1])) <= most:
                yield 0, (done - 1, parts)
    if done > 1 and made > 1 and new[made - 2 : made] == [old[done - 1], old[done - 2]]:
        yield 1, (done - 2, 2)


def letters_between(before: str, after: str) -> float:
    """Insertions, deletions, replacements and adjacent transpositions between two words (optimal string alignment)."""
    if before == after:
        return 0.0
    rows = [list(range(len(after) + 1))]
    for done, letter in enumerate(before, 1):
        row = [done]
        for made, other in enumerate(after, 1):
            least = min(rows[-1][made] + 1, row[-1] + 1, rows[-1][made - 1] + (letter != other))
            if done > 1 and made > 1 and letter == after[made - 2] and before[done - 2] == other:
                least = min(least, rows[-2][made - 2] + 1)
            row.append(least)
        rows.append(row)
    return float(rows[-1][-1])


def within_budget(before: str, after: str, *, most_words: int, most_characters: int) -> bool:
    """Whether so many edits of words and of characters make the one text of the other."""
    found = edits_between(before, after, most_words=most_words, most_characters=most_characters)
    return min(found) < math.inf
