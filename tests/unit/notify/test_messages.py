"""The message of a run, what a channel hears of it, and its forms."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from model_governance.notify import digest_of, is_quiet, message_of, routed
from model_governance.notify.forms import as_html, as_payload, as_slack, as_text
from model_governance.notify.note import Note, Section
from model_governance.policy import CheckSpec, Policy
from model_governance.policy.notifications import ChannelSpec
from notify_cases import DAY, FAIL, PASS, before, finding, verdict

HOSTILE = "drift: psi[<!channel> {{ conn.x }} <script>alert(1)</script> *b* [a](http://evil)\u202e] is 3"


def channel(**keys) -> ChannelSpec:
    return ChannelSpec(**{"type": "webhook", "connection": "hook"} | keys)


def policy(**owners) -> Policy:
    threshold = [{"metric": "psi", "less_than": 0.2}]
    checks = {
        name: CheckSpec(kind="data_drift", thresholds=threshold, owner=owners.get(name))
        for name in ("drift", "quality")
    }
    model = type("Model", (), {"name": "loans"})()
    return Policy.model_construct(owner="risk@example.com", checks=checks, model=model)


def message(current, *earlier):
    return message_of(current, moment=DAY, earlier=before(*earlier), link="https://airflow/governance/run")


def test_a_message_says_outcome_status_and_since_when():
    text = as_text(message(FAIL, FAIL, PASS).note())
    assert text.splitlines()[:2] == [
        "loans: FAIL, ongoing",
        "Run of 2026-06-10: fail, it stops. Findings: 1 ongoing.",
    ]
    assert "- drift: psi is 0.3 [since 2026-06-09 (2 runs)]" in text
    assert text.endswith("Page: https://airflow/governance/run")


def test_a_resolved_finding_says_what_it_was():
    text = as_text(message(PASS, FAIL, FAIL, PASS).note())
    assert text.startswith("loans: PASS, resolved\n")
    assert "[it was fail since 2026-06-08 (2 runs)]" in text


def test_a_pass_after_a_pass_and_what_was_waived_before_is_no_news():
    waived = verdict(finding("waived"))
    assert not message(PASS, PASS).is_news
    assert not message(waived, waived).is_news
    assert message(waived, FAIL).is_news
    assert message(FAIL, waived).is_news
    assert message(FAIL, FAIL).is_news


def test_a_run_waived_in_part_is_resolved_in_part_and_one_all_waived_is_waived():
    first = verdict(finding("fail"), finding("fail", metric="ks"))
    assert message(verdict(finding("waived"), finding("pass", 0.1, metric="ks")), first).status == "resolved in part"
    assert message(verdict(finding("waived")), FAIL).status == "waived"


@pytest.mark.parametrize(
    ("severity", "outcome", "heard"),
    [
        ("fail", "fail", True), ("fail", "error", True), ("fail", "uncertain", False), ("fail", "warn", False),
        ("uncertain", "uncertain", True), ("uncertain", "warn", False), ("uncertain", "fail", True),
        ("warn", "warn", True), ("warn", "uncertain", True),
    ],
)  # fmt: skip
def test_a_channel_hears_its_severity_and_worse(severity, outcome, heard):
    told = routed(message(verdict(finding(outcome)), PASS), channel(severity=severity), policy())
    assert (told is not None) == heard


def test_who_was_told_of_a_fail_is_told_that_it_is_over_or_waived():
    assert routed(message(PASS, FAIL), channel(), policy()).status == "resolved"
    assert routed(message(verdict(finding("waived")), FAIL), channel(), policy()).status == "waived"
    assert routed(message(PASS, verdict(finding("warn"))), channel(), policy()) is None


def test_a_new_finding_that_is_waived_at_once_is_heard_as_its_violation():
    assert routed(message(verdict(finding("waived"))), channel(), policy()).status == "waived"
    assert routed(message(verdict(finding("waived", severity="warn"))), channel(), policy()) is None


def test_a_channel_of_an_owner_hears_only_the_checks_of_that_owner():
    both = message(verdict(finding("fail"), finding("fail", metric="accuracy", check="quality")), PASS)
    owned = policy(quality="ml@example.com")
    told = {
        owner: [issue.finding.check for issue in routed(both, channel(owner=owner), owned).issues]
        for owner in ("ml@example.com", "risk@example.com")
    }
    assert told == {"ml@example.com": ["quality"], "risk@example.com": ["drift"]}
    assert len(routed(both, channel(), owned).issues) == 2


def test_the_status_of_a_channel_is_that_of_what_it_hears():
    mixed = message(verdict(finding("fail"), finding("fail", metric="accuracy", check="quality")), FAIL)
    owned = policy(quality="ml@example.com")
    assert mixed.status == "new"
    assert routed(mixed, channel(owner="risk@example.com"), owned).status == "ongoing"


def test_only_a_run_without_fails_now_and_before_is_quiet():
    warned = verdict(finding("warn", severity="warn"))
    assert is_quiet(message(warned, warned))
    assert is_quiet(message(warned, PASS))
    assert not is_quiet(message(warned, FAIL))
    assert not is_quiet(message(PASS, FAIL))
    assert not is_quiet(message(FAIL))


def test_a_digest_covers_the_week_before_and_is_sent_by_the_first_run_of_the_next():
    warned = verdict(finding("warn", severity="warn"))
    monday = DAY - timedelta(days=DAY.weekday())
    week = [(monday - timedelta(days=each), warned if each in (1, 3) else PASS) for each in range(1, 12)]
    told = digest_of(policy(), channel(severity="warn"), every="weekly", moment=monday, earlier=week)
    assert told.lead == "7 runs from 2026-06-01 to 2026-06-07: 2 warn, 5 pass."
    assert told.sections[0].lines[0].startswith("2 warn (first 2026-06-05); the newest: drift: psi")
    tuesday = [(monday, PASS), *week]
    later = monday + timedelta(days=1)
    assert digest_of(policy(), channel(severity="warn"), every="weekly", moment=later, earlier=tuesday) is None
    assert digest_of(policy(), channel(severity="warn"), every="daily", moment=later, earlier=tuesday) is None
    assert digest_of(policy(), channel(severity="fail"), every="weekly", moment=monday, earlier=week) is None
    assert digest_of(policy(), channel(severity="uncertain"), every="weekly", moment=monday, earlier=week) is None
    assert digest_of(policy(), channel(severity="warn"), every="weekly", moment=monday, earlier=[]) is None


def hostile_note(**keys) -> Note:
    section = Section(title="New", lines=(HOSTILE,), omitted=3)
    fields = {"title": "loans: FAIL", "lead": "a & b", "sections": (section,), "level": "fail", "subject": "loans"}
    return Note(**fields | {"link": "https://airflow/page", "facts": {}} | keys)


def test_text_from_data_is_obeyed_in_no_form():
    html, slack = as_html(hostile_note()), as_slack(hostile_note())
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<!channel>" not in slack
    assert slack.count("<") == 1, "the link to the page alone"
    assert "\u202e" not in as_text(hostile_note())
    card = as_payload(hostile_note())["attachments"][0]["content"]
    assert {part["type"] for part in card["body"]} == {"RichTextBlock"}, "a TextBlock reads Markdown"
    assert card["actions"][0]["url"] == "https://airflow/page"
    assert "actions" not in as_payload(hostile_note(link="file:///evidence/page.html"))["attachments"][0]["content"]


def test_a_long_sentence_and_a_long_list_are_cut_and_say_so():
    many = verdict(*(finding("fail", key=f"c{number:03d}") for number in range(50)))
    text = as_text(message(many).note())
    assert text.count("\n- ") == 21
    assert "- and 30 more, on the page of the run" in text
    long = as_text(hostile_note(sections=(Section(title="New", lines=("x" * 5000,)),)))
    assert len(long) < 600


def test_a_payload_is_json_and_holds_no_secret():
    note = hostile_note(lead="cannot reach postgresql://me:hunter2secret@db/x")
    assert "hunter2secret" not in json.dumps(as_payload(note)) + as_html(note) + as_slack(note)
    facts = message(FAIL, FAIL).note().facts
    assert (facts["status"], facts["issues"][0]["runs"]) == ("ongoing", 2)
