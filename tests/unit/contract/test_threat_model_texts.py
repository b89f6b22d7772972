"""Texts in the threat model: edits with budgets, and what lint says where they do not fit."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from model_governance.contract.threat_model import ThreatModel
from model_governance.errors import PolicyError
from text_cases import text_project

KINDS = {"amount": "numeric", "channel": "category", "body": "text", "at": "datetime"}
OPEN = {"edits": ["delete", "drop_word"], "max_characters": 2, "max_words": 1}


def of_body(**entry):
    return ThreatModel.model_validate({"features": {"body": entry}})


def problems(raw, **more):
    return list(ThreatModel.model_validate(raw).problems(KINDS, **more))


def test_a_text_moves_by_the_edits_that_the_threat_model_names_and_stays_without_them():
    rule = of_body(**OPEN).capability("body", kind="text")
    assert rule.moves
    assert (rule.edits, rule.max_characters, rule.max_words) == (("delete", "drop_word"), 2, 1)
    only_words = of_body(edits=["swap_words"], max_words=3).capability("body", kind="text")
    assert (only_words.max_characters, only_words.max_words) == (0, 3)
    assert ThreatModel().capability("body", kind="text").why == "text without edits in the threat model"
    assert of_body(**OPEN).capability("body", kind="text", mutable=False).why == "immutable"
    assert not problems({"features": {"body": OPEN}})
    assert not problems({"preset": "fraud", "mutable": ["body"], "features": {"body": OPEN}})


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"edits": []}, "at least 1 item"),
        ({"edits": ["synonym"], "max_words": 1}, "Input should be"),
        ({"edits": ["delete", "delete"], "max_characters": 1}, "edits lists one twice: delete, delete"),
        ({"edits": ["delete"]}, "edits names delete without a budget; add max_characters"),
        ({"edits": ["delete", "drop_word"], "max_characters": 1}, "edits names drop_word without a budget; add max_words"),
        ({"max_characters": 1}, "max_characters bounds edits that edits does not name; add one of delete, swap"),
        ({"edits": ["delete"], "max_characters": 1, "max_words": 1}, "max_words bounds edits that edits does not name"),
        ({"edits": ["delete"], "max_characters": 0}, "greater than or equal to 1"),
        ({"edits": ["delete"], "max_characters": 51}, "less than or equal to 50"),
        ({"mutable": False, "edits": ["delete"], "max_characters": 1}, "mutable: false leaves nothing to say with edits"),
    ],
)  # fmt: skip
def test_edits_and_budgets_that_do_not_belong_together_are_refused(entry, words):
    with pytest.raises(ValidationError, match=words):
        of_body(**entry)


@pytest.mark.parametrize(
    ("raw", "path", "words"),
    [
        ({"features": {"body": {"mutable": True}}}, ("features", "body"), "it is text and names no edits, so it would stay"),
        ({"mutable": ["body"]}, ("mutable",), "threat_model.features.body names no edits"),
        ({"features": {"amount": OPEN}}, ("features", "amount", "edits"), "edits fits text, and this feature is numeric"),
        ({"features": {"channel": OPEN}}, ("features", "channel", "edits"), "edits fits text, and this feature is category"),
        ({"features": {"body": OPEN | {"may_be_omitted": True}}}, ("features", "body", "may_be_omitted"), "this feature is text"),
        ({"features": {"body": {"moves": ["a"]}}}, ("features", "body", "moves"), "moves fits numbers or categories"),
    ],
)  # fmt: skip
def test_lint_names_the_place_where_a_text_has_no_edit_or_an_edit_no_text(raw, path, words):
    found = dict(problems(raw))
    assert words in found[path]


def test_edits_of_a_text_that_the_columns_call_immutable_are_a_mistake():
    found = dict(problems({"features": {"body": OPEN}}, immutable=["body"]))
    assert "columns.features says not mutable" in found["features", "body", "edits"]
    assert not problems({"features": {"body": OPEN | {"mutable": True}}}, immutable=["body"])


@pytest.mark.parametrize(
    ("threat", "line"),
    [
        ({"features": {"body": {"mutable": True}}}, "body:"),
        ({"features": {"amount": OPEN | {"mutable": True}}}, "edits:"),
        ({"features": {"body": {"max_words": 2}}}, "body:"),
    ],
)  # fmt: skip
def test_a_policy_is_refused_at_the_line_of_the_mistake(tmp_path, threat, line):
    checks = {"evasion": {"kind": "evasion", "thresholds": [{"metric": "robust_accuracy", "geq_to": 0.5}]}}
    project = text_project(tmp_path, keyword=True, checks=checks, threat_model=threat)
    with pytest.raises(PolicyError) as refused:
        project.policy()
    lines = project.policy_file.read_text().splitlines()
    number = int(str(refused.value).split("policy.yaml:")[1].split()[0])
    start = next(place for place, text in enumerate(lines) if text.startswith("threat_model"))
    assert number > start
    assert lines[number - 1].strip().startswith(line)
