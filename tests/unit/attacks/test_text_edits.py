"""Edits of texts: what each does, that they hold in any order, and that an independent distance never finds more of them."""

from __future__ import annotations

import math
import time
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_governance.attacks.characters import HOMOGLYPHS, KEYBOARD
from model_governance.attacks.text_edits import DRAWN_WORDS, KINDS, Edit, apply_edits, possible_edits
from model_governance.checks.robustness.evasion.text_check import edits_between, letters_between, within_budget
from model_governance.contract.threat_model import CHARACTER_EDITS, WORD_EDITS

TEXT = "please refund my order"


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit("delete", 1, 2), "please reund my order"),
        (Edit("swap", 1, 0), "please erfund my order"),
        (Edit("keyboard", 1, 0, "t"), "please tefund my order"),
        (Edit("homoglyph", 3, 0, "\u043e"), "please refund my \u043erder"),
        (Edit("insert_space", 1, 2), "please re fund my order"),
        (Edit("drop_word", 0), "refund my order"),
        (Edit("drop_word", 3), "please refund my"),
        (Edit("swap_words", 0), "refund please my order"),
    ],
)
def test_every_edit_does_what_its_name_says(edit, expected):
    assert apply_edits(TEXT, [edit]) == expected
    assert Edit.of(edit.code) == edit
    assert edit.code == float(edit.code) < 2**46


def test_white_space_between_words_that_stay_is_kept():
    assert apply_edits(" a  bc\tde \n", [Edit("drop_word", 1)]) == " a\tde \n"
    assert apply_edits(" a  bc\tde \n", [Edit("drop_word", 0)]) == " bc\tde \n"
    assert apply_edits(" a  bc\tde \n", [Edit("drop_word", 2)]) == " a  bc \n"
    assert apply_edits(" a  bc\tde \n", [Edit("swap_words", 1)]) == " a  de\tbc \n"
    assert apply_edits(" a  bc\tde \n", []) == " a  bc\tde \n"


def test_edits_of_one_text_hold_in_any_order_and_each_can_be_undone():
    edits = [Edit("delete", 0, 0), Edit("keyboard", 0, 4, "a"), Edit("insert_space", 0, 3), Edit("swap_words", 2)]
    results = {apply_edits(TEXT, order) for order in permutations(edits)}
    assert results == {"le aae refund order my"}
    for left in range(len(edits)):
        rest = [edit for place, edit in enumerate(edits) if place != left]
        assert apply_edits(TEXT, rest) not in results


@pytest.mark.parametrize("kind", KINDS)
def test_every_word_gets_an_edit_of_the_kind_that_is_asked_for(kind):
    found = list(possible_edits(TEXT, [], [kind], np.random.default_rng(1)))
    assert {edit.kind for edit in found} == {kind}
    assert [edit.word for edit in found] == (list(range(3)) if kind == "swap_words" else list(range(4)))
    for edit in found:
        word = TEXT.split()[edit.word]
        assert apply_edits(TEXT, [edit]) != TEXT
        if kind == "keyboard":
            assert edit.letter in KEYBOARD[word[edit.place]]
        if kind == "homoglyph":
            assert edit.letter == HOMOGLYPHS[word[edit.place]]


def test_what_an_edit_touched_is_not_edited_again():
    draws = np.random.default_rng(2)
    for _ in range(50):
        after_drop = list(possible_edits(TEXT, [Edit("drop_word", 1)], KINDS, draws))
        assert all(edit.word != 1 and not (edit.kind == "swap_words" and edit.word == 0) for edit in after_drop)
        after_swap = [edit for edit in possible_edits("ab cd", [Edit("swap", 0, 0)], KINDS, draws) if edit.word == 0]
        assert after_swap == []
    assert not list(possible_edits("ab cd", [Edit("drop_word", 0)], ["drop_word"], draws)), "one word stays"
    assert not list(possible_edits("ab", [Edit("delete", 0, 0)], ["delete"], draws)), (
        "no word is deleted by its characters"
    )


@pytest.mark.parametrize("text", ["", "  \n", "a", "777 888"])
def test_a_text_without_words_or_letters_gets_no_edit_that_it_cannot_have(text):
    found = list(possible_edits(text, [], ["delete", "homoglyph", "drop_word"], np.random.default_rng(1)))
    assert all(edit.kind != "homoglyph" or text == "a" for edit in found)
    assert {edit.kind for edit in found} <= ({"delete", "drop_word"} if text == "777 888" else {"homoglyph"})


def test_of_a_long_text_the_words_are_drawn():
    text = " ".join(["word"] * (3 * DRAWN_WORDS))
    found = [edit.word for edit in possible_edits(text, [], ["delete"], np.random.default_rng(1))]
    other = [edit.word for edit in possible_edits(text, [], ["delete"], np.random.default_rng(2))]
    assert len(set(found)) == DRAWN_WORDS
    assert found != other
    assert max(found) > DRAWN_WORDS


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("house", "house", 0), ("house", "huose", 1), ("house", "hous", 1), ("house", "hose", 1), ("house", "ho use", 1),
        ("house", "horse", 1), ("house", "mouses", 2), ("", "ab", 2), ("ab", "ba", 1), ("abc", "ca", 3),
    ],
)  # fmt: skip
def test_the_distance_between_words_is_that_of_the_books(before, after, expected):
    assert letters_between(before, after) == expected


@pytest.mark.parametrize(
    ("after", "by_words"),
    [
        ("please refund my order", (0, 0, 0)),
        ("please refund my", (math.inf, 0, 0)),
        ("please my", (math.inf, math.inf, 0)),
        ("refund please my order", (math.inf, 0, 0)),
        ("refund please my ordr", (math.inf, 1, 1)),
        ("please re fund my order", (1, 1, 1)),
        ("please refund my order now", (math.inf, math.inf, math.inf)),
        ("plaese refudn my order", (2, 2, 2)),
    ],
)  # fmt: skip
def test_edits_between_two_texts_are_counted_from_the_texts_alone(after, by_words):
    assert edits_between(TEXT, after, most_words=2, most_characters=3) == by_words


WORDS = st.lists(st.text("abcdeXq1é ", min_size=1, max_size=6), min_size=1, max_size=7).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(text=WORDS, seed=st.integers(0, 10_000), characters=st.integers(0, 4), words=st.integers(0, 3))
def test_an_edited_text_differs_by_at_most_its_budget(text, seed, characters, words):
    draw, made = np.random.default_rng(seed), []
    for _ in range(characters + words):
        spent = sum(edit.of_word for edit in made)
        open_ = [*(CHARACTER_EDITS if len(made) - spent < characters else ()), *(WORD_EDITS if spent < words else ())]
        found = list(possible_edits(text, made, open_, draw))
        if not found:
            break
        made.append(found[int(draw.integers(len(found)))])
    edited = apply_edits(text, made)
    assert within_budget(text, edited, most_words=words, most_characters=characters)
    shuffled = [made[place] for place in draw.permutation(len(made))]
    assert apply_edits(text, shuffled) == edited


def test_long_texts_are_compared_in_time():
    text = " ".join(f"word{number % 7}" for number in range(3_000))
    edited = apply_edits(text, [Edit("delete", 10, 0), Edit("swap_words", 2_000), Edit("drop_word", 2_900)])
    started = time.monotonic()
    assert edits_between(text, edited, most_words=3, most_characters=3)[2:] == (1, 1)
    assert time.monotonic() - started < 10


def test_one_edit_too_many_is_noticed():
    assert not within_budget(TEXT, "please rfund my ordr", most_words=0, most_characters=1)
    assert not within_budget(TEXT, "please order", most_words=1, most_characters=1)
    assert within_budget(TEXT, "please order", most_words=2, most_characters=0)
