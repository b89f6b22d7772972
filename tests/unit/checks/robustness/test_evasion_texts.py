"""Evasion by edits of texts: a model that one word decides is found, its twin that many words decide passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.svm import LinearSVC

import text_cases
from model_governance.attacks.schedule import AttackCutShort
from model_governance.attacks.text_edits import KINDS, Edit
from model_governance.checks.robustness.evasion import CHECK
from model_governance.checks.robustness.evasion.text_check import within_budget
from model_governance.checks.robustness.evasion.text_moves import TextMoves, difference
from model_governance.checks.robustness.evasion.validity import valid_rows
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns, Feature
from model_governance.contract.threat_model import CHARACTER_EDITS, ThreatModel
from model_governance.errors import CheckError

CHARACTERS = {"edits": list(CHARACTER_EDITS), "max_characters": 1}
EVERYTHING = {"edits": list(KINDS), "max_characters": 2, "max_words": 1}


@pytest.fixture(scope="module")
def models():
    return {keyword: text_cases.fitted(text_cases.messages(400, seed=1, keyword=keyword)) for keyword in (True, False)}


def subject_of(models, entry=EVERYTHING, *, keyword=True, more=None, **options):
    threat = ThreatModel.model_validate({"features": {"body": entry} | (more or {})})
    frame = text_cases.messages(200, seed=3, keyword=keyword)
    return text_cases.text_subject(models[keyword], frame, threat_model=threat, **options)


def measure(subject, seed=1, **params):
    return CHECK.measure(subject, CHECK.params.model_validate({"samples": 40, **params}), seed)


def table(result, name):
    found = next(one for one in result.tables if one.name == name)
    return [dict(zip(found.header, row, strict=True)) for row in found.rows]


def rate(result, key="all"):
    return result.metric("attack_success_rate", key=key).value


def test_a_policy_finds_the_model_that_one_word_decides_and_passes_its_twin(tmp_path):
    checks = {
        "evasion": {
            "kind": "evasion",
            "params": {"samples": 150},
            "thresholds": [{"metric": "attack_success_rate", "key": "all", "less_than": 0.15}],
        }
    }
    verdicts = {}
    for keyword in (True, False):
        folder = tmp_path / str(keyword)
        folder.mkdir()
        project = text_cases.text_project(
            folder, keyword=keyword, checks=checks, threat_model={"features": {"body": EVERYTHING}}
        )
        verdicts[keyword] = project.check("evasion").verdict
    assert verdicts[True].outcome == "fail"
    assert verdicts[False].outcome == "pass"


@pytest.mark.parametrize("edit", KINDS)
def test_each_edit_alone_hides_the_keyword_but_for_an_exchange_of_words(models, edit):
    most = "max_characters" if edit in CHARACTER_EDITS else "max_words"
    found = measure(subject_of(models, {"edits": [edit], most: 1}))
    if edit == "swap_words":
        assert rate(found) == 0.0, "a bag of words does not know their order"
    else:
        assert 0.3 < rate(found) < 0.7, "the rows that hold the keyword"
    assert found.metric("queries_per_row", key="greedy").value > 5


def test_a_bigger_budget_of_characters_flips_more(models):
    shares = []
    for most in (1, 6, 14):
        entry = {"edits": ["homoglyph"], "max_characters": most}
        shares.append(rate(measure(subject_of(models, entry, keyword=False), samples=20)))
    assert shares[0] == 0.0
    assert shares[0] <= shares[1] <= shares[2]
    assert shares[2] >= 0.3


def test_flips_use_no_more_edits_than_they_need_and_the_report_counts_them(models):
    found = measure(subject_of(models, {"edits": ["delete", "drop_word"], "max_characters": 3, "max_words": 2}))
    changed = table(found, "changed_features")
    assert {row["feature"] for row in changed} <= {"body (characters)", "body (words)"}
    assert sum(row["share of successes"] for row in changed) == pytest.approx(1.0)
    assert all(row["mean change (of a text: edits)"] == 1.0 for row in changed)
    assert found.metric("valid_share").value == 1.0
    (row,) = [one for one in table(found, "threat_model") if one["feature"] == "body"]
    assert row["may move"] == "at most 3 characters (delete), 2 words (drop_word)"
    assert any("body: at most 3 characters (delete), 2 words (drop_word)" in note for note in found.notes)
    assert any(
        change["change"] in ("body 1 character edited", "body 1 word edited")
        for change in table(found, "cheapest_changes")
    )


def test_words_of_a_text_are_shown_only_where_the_policy_discloses_them(models):
    hidden = measure(subject_of(models, CHARACTERS))
    shown = measure(subject_of(models, CHARACTERS, disclose=("body",)))
    assert text_cases.KEYWORD not in str(canonical_json(hidden.record()))
    assert f"{text_cases.KEYWORD}→" in shown.highlights[0]
    assert rate(hidden) == rate(shown)


def test_each_edit_has_its_cost_in_the_norm_cost(models):
    entry = {"edits": ["delete"], "max_characters": 2, "cost": 3}
    dear = measure(subject_of(models, entry), norm="cost", epsilon=[3.5, 2.5])
    assert dear.metric("attack_success_rate_at", key="3.5").value > 0.3
    assert dear.metric("attack_success_rate_at", key="2.5").value is None, "no edit is within it, so nobody was asked"
    assert dear.metric("median_distance", key="greedy").value == 3.0
    with pytest.raises(CheckError, match="none of 40 rows can be changed within epsilon 2"):
        measure(subject_of(models, entry), norm="cost", epsilon=2)


def test_texts_and_numbers_move_together(models):
    subject = subject_of(
        models, CHARACTERS, keyword=False, more={"amount": {"mutable": True}, "age": {"mutable": True}}
    )
    found = measure(subject, samples=12, max_iterations=2, max_evaluations=20, initial_size=50)
    assert found.metric("valid_share").value in (None, 1.0)
    assert {row["attack"] for row in table(found, "attacks")} >= {"greedy", "hopskipjump"}
    (note,) = [note for note in found.notes if note.startswith("budget")]
    assert "2 numeric, 0 category and 1 text features" in note


def test_a_model_that_gives_labels_only_is_asked_too(models):
    found = measure(subject_of(models, CHARACTERS, labels_only=True))
    assert rate(found, "greedy") == rate(measure(subject_of(models, CHARACTERS)), "greedy") > 0.3


def test_attacks_that_need_scores_still_need_them_beside_texts(models):
    subject = subject_of(models, CHARACTERS, labels_only=True, more={"amount": {"mutable": True}})
    with pytest.raises(CheckError, match="square: the model gives labels only"):
        measure(subject, attacks=["greedy", "square"])


def test_a_model_with_scores_and_no_probabilities_is_attacked(models):
    frame = text_cases.messages(400, seed=1, keyword=True)
    native = models[True][:-1]
    machine = LinearSVC().fit(native.transform(frame[list(text_cases.COLUMNS["features"])]), frame["label"])
    subject = subject_of(models, CHARACTERS)
    names = list(text_cases.COLUMNS["features"])

    def logits(rows):
        scores = machine.decision_function(native.transform(rows[names]))
        return np.column_stack([np.zeros(len(scores)), scores])

    model = replace(
        subject.model, call=lambda rows: machine.predict(native.transform(rows[names])), call_proba=None, call_logits=logits
    )  # fmt: skip
    assert rate(measure(replace(subject, model=model))) > 0.3


def test_rows_without_a_text_to_edit_are_not_attacked_and_are_counted(models):
    subject = subject_of(models, CHARACTERS)
    frame = subject.datasets["current"].frame
    bare = subject.with_frame("current", frame.assign(body=frame["body"].where(frame["label"] == 1, "")))
    found = measure(bare)
    steps = {row["step"]: row for row in table(found, "rows")}
    assert 0 < steps["attacked"]["rows"] < 40
    assert "nothing of them may change" in steps["attacked"]["remark"]
    assert rate(found) == 1.0
    with pytest.raises(CheckError, match="can be changed within epsilon"):
        measure(subject.with_frame("current", frame.assign(body="", label=0)))


def test_nobody_says_robust_where_no_attack_edits_the_texts(models):
    subject = subject_of(models, CHARACTERS, more={"amount": {"mutable": True}})
    with pytest.raises(CheckError, match="lets body be edited, and greedy, the attack that edits texts, is not among"):
        measure(subject, attacks=["hopskipjump"])
    with pytest.raises(CheckError, match="hopskipjump: only texts may move"):
        measure(subject_of(models, CHARACTERS), attacks=["hopskipjump", "greedy"])


def test_a_budget_of_queries_that_is_too_small_for_one_question_is_an_error(models):
    with pytest.raises(AttackCutShort):
        measure(subject_of(models, CHARACTERS), budget={"greedy": {"max_queries": 50}})
    found = measure(subject_of(models, CHARACTERS), budget={"greedy": {"max_queries": 2_000}})
    assert rate(found) > 0.3


def test_the_same_seed_gives_the_same_bytes(models):
    first, second = (measure(subject_of(models), samples=20) for _ in range(2))
    assert canonical_json(first.record()) == canonical_json(second.record())


def test_what_is_no_text_is_refused_in_words(models):
    subject = subject_of(models, CHARACTERS)
    frame = subject.datasets["current"].frame
    with pytest.raises(
        CheckError, match="'body' is text in the policy and a column of categories in dataset 'current'"
    ):
        measure(subject.with_frame("current", frame.assign(body=frame["body"].astype("category"))))
    columns = Columns(features={"amount": Feature(kind="numeric"), "age": Feature(kind="text")}, target="label")
    threat = ThreatModel.model_validate({"features": {"age": CHARACTERS}})
    model = replace(subject.model, call=lambda rows: (rows["age"] > 50).astype(int).to_numpy(), call_proba=None)
    with pytest.raises(CheckError, match="'age' is text in the policy and holds int in dataset 'current'"):
        measure(replace(subject, columns=columns, threat_model=threat, model=model))


def test_rows_beyond_the_budget_or_with_other_columns_changed_are_no_valid_rows(models):
    from model_governance.checks.robustness.evasion.row_space import RowSpace

    before = text_cases.messages(3, seed=1, keyword=True)[list(text_cases.COLUMNS["features"])]
    space = RowSpace((), texts=(TextMoves("body", KINDS, characters=1, words=1),))
    after = before.assign(body=[before["body"][0][1:], before["body"][1][2:], before["body"][2]])
    assert valid_rows(space, before, after).tolist() == [True, False, True]
    assert not valid_rows(space, before, after.assign(age=after["age"] + 1)).any()


def test_columns_of_picks_hold_edits_in_order_and_say_how_many():
    text = TextMoves("body", KINDS, characters=2, words=1)
    row = np.full(3, -1)
    generator = np.random.default_rng(1)
    (*_, first) = [after for after in text.next_picks("good morning", row, generator) if (after[:2] >= 0).any()]
    both = [after for after in text.next_picks("good morning", first, generator) if (after[:2] >= 0).all()]
    assert both
    assert all(after[0] > after[1] >= 0 for after in both)
    full = both[0].copy()
    full[2] = Edit("drop_word", 0).code
    assert not list(text.next_picks("good morning", full, generator)), "the budget is spent"
    assert text.counts(np.stack([row, first, full])).tolist() == [[0, 0], [1, 0], [2, 1]]
    assert not list(text.next_picks(None, row, generator))
    assert not list(text.next_picks(float("nan"), row, generator))
    assert text.edited(["a b", None], np.stack([row, row])) == ["a b", None]


def test_the_difference_of_two_texts_names_the_words_that_differ():
    assert difference("a good day", "a g00d day") == "good→g00d"
    assert difference("a good day", "a day") == "good→"
    assert difference("a good day", "good a day") == "a good→good a"
    assert difference("a a b", "a b") == "a→"


def test_every_flip_is_within_the_budget_of_the_policy_by_an_independent_count(models):
    asked = []
    subject = subject_of(models, EVERYTHING)
    call = subject.model.call

    def listen(rows):
        asked.append(rows)
        return call(rows)

    measure(replace(subject, model=replace(subject.model, call=listen)), samples=15)
    known = set(subject.datasets["current"].frame["body"])
    edited = {text for rows in asked for text in rows["body"]} - known
    assert len(edited) > 20
    for text in sorted(edited)[:60]:
        assert any(within_budget(before, text, most_words=1, most_characters=2) for before in known), text
