"""The notifications of a policy: what is accepted, and the sentence for what is not."""

from __future__ import annotations

import pytest

from model_governance.errors import PolicyError
from project import small_project


def problems(folder, channels, **more) -> str:
    project = small_project(folder).change(notifications={"channels": channels} | more)
    try:
        project.policy()
    except PolicyError as error:
        return "\n".join(error.problems)
    return ""


HOOK = {"type": "webhook", "connection": "teams"}


def test_channels_are_read_with_their_defaults(tmp_path):
    project = small_project(tmp_path).change(notifications={"channels": [HOOK], "digest": None})
    (channel,) = project.policy().notifications.channels
    assert (channel.severity, channel.owner, channel.to) == ("fail", None, ())


def test_a_check_may_have_an_owner_of_its_own(tmp_path):
    project = small_project(tmp_path)
    project.raw["checks"]["quality"]["owner"] = "ml@example.com"
    policy = project.change(notifications={"channels": [HOOK | {"owner": "ml@example.com"}]}).policy()
    assert [policy.owner_of(name) for name in ("quality", "validation", "no check")] == [
        "ml@example.com", "risk@example.com", "risk@example.com",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        (HOOK | {"type": "sms"}, "'slack', 'mail', 'webhook' or 'pagerduty'"),
        ({"type": "slack"}, "connection is missing"),
        (HOOK | {"connection": "https://x?y=z"}, "connection"),
        (HOOK | {"connection": "{{ var.value.x }}"}, "connection"),
        (HOOK | {"severity": "info"}, "'warn', 'uncertain' or 'fail'"),
        (HOOK | {"to": ["a@example.com"]}, "a webhook channel has none, remove it"),
        (
            HOOK | {"owner": "rsik@example.com"},
            "no check of this policy has the owner 'rsik@example.com'; did you mean",
        ),
        ({"type": "mail", "connection": "smtp", "to": ["not an address"]}, "to[0]"),
        (HOOK | {"chanel": "x"}, "unknown key"),
    ],
)
def test_a_mistake_is_said_in_words(tmp_path, channel, said):
    assert said in problems(tmp_path, [channel])


def test_mail_needs_a_recipient(tmp_path):
    mail = {"type": "mail", "connection": "smtp"}
    assert problems(tmp_path, [mail]) == ""
    project = small_project(tmp_path).change(owner="team risk", notifications={"channels": [mail]})
    with pytest.raises(PolicyError, match="mail has no recipient: the owner 'team risk' is no mail address; add to"):
        project.policy()


def test_the_same_channel_twice_is_refused(tmp_path):
    assert "stands here twice" in problems(tmp_path, [HOOK, dict(HOOK)])


def test_a_digest_that_nobody_hears_is_refused(tmp_path):
    assert "no digest would be sent" in problems(tmp_path, [HOOK], digest="weekly")
    assert problems(tmp_path, [HOOK | {"severity": "warn"}], digest="weekly") == ""
    assert "'daily' or 'weekly'" in problems(tmp_path, [HOOK | {"severity": "warn"}], digest="hourly")


def test_no_check_is_called_after_the_task_that_notifies(tmp_path):
    project = small_project(tmp_path)
    project.raw["checks"] = {"notify": project.raw["checks"]["quality"]}
    with pytest.raises(PolicyError, match="notify is the name of a task"):
        project.change().policy()
