"""Channels: the mail that a real SMTP server gets, the address of a webhook, and errors without secrets."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import sys
import threading
from types import ModuleType, SimpleNamespace

import pytest
from airflow.sdk import Connection

from model_governance.notify import Note, Section
from model_governance.orchestration.channels import ChannelFailed, send, webhook_request
from model_governance.policy.notifications import ChannelSpec

TEMPLATE = "{{ conn.smtp.password }} <b>x</b>"
NOTE = Note(
    title="loans: FAIL,\nnew", lead=TEMPLATE, sections=(Section(title="New", lines=("drift: psi is 0.3",)),),
    level="fail", subject="loans", link="https://airflow/page", facts={"kind": "run"},
)  # fmt: skip


class SmtpSession(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs to hand over one mail."""

    def handle(self):
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split(maxsplit=1)[0].upper()
            if word == "QUIT":
                return self.say("221 bye")
            if word == "DATA":
                self.say("354 go on")
                self.server.got.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            self.say("250 ok")
        return None

    def say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def smtp(monkeypatch):
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), SmtpSession)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "airflow@example.com", "timeout": 5}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": server.server_address[1], "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP", json.dumps(connection))
    yield server
    server.shutdown()
    server.server_close()


def test_a_mail_arrives_and_nothing_in_it_is_a_template(smtp):
    send(NOTE, ChannelSpec(type="mail", connection="smtp"), to=("risk@example.com", "ml@example.com"))
    mail = email.message_from_bytes(smtp.got[0], policy=email.policy.default)
    assert (mail["Subject"], mail["From"]) == ("loans: FAIL, new", "airflow@example.com")
    assert "risk@example.com" in mail["To"]
    html = mail.get_body(("html",)).get_content()
    assert "{{ conn.smtp.password }} &lt;b&gt;x&lt;/b&gt;" in html
    assert 'href="https://airflow/page"' in html


@pytest.mark.parametrize(
    ("fields", "address", "headers", "auth"),
    [
        ({"host": "hooks.example.com/x"}, "https://hooks.example.com/x", {}, None),
        ({"host": "hooks", "schema": "http", "port": 81}, "http://hooks:81", {}, None),
        ({"host": "https://hooks/path", "port": 444}, "https://hooks:444/path", {}, None),
        ({"host": "https://hooks:1/path", "port": 444}, "https://hooks:1/path", {}, None),
        ({"host": "https://hooks", "password": "t0ken"}, "https://hooks", {"Authorization": "Bearer t0ken"}, None),
        ({"host": "https://hooks", "login": "me", "password": "pw"}, "https://hooks", {}, ("me", "pw")),
        ({"password": "https://teams/x?sig=1"}, "https://teams/x?sig=1", {}, None),
    ],
)
def test_the_address_of_a_webhook(fields, address, headers, auth):
    assert webhook_request(Connection(conn_id="hook", conn_type="http", **fields)) == (address, headers, auth)


def test_a_connection_without_address_says_where_to_put_it():
    with pytest.raises(ChannelFailed, match="connection 'hook' has no host"):
        webhook_request(Connection(conn_id="hook", conn_type="http"))


def fake_provider(monkeypatch, name, cls, notify):
    """A notifier of a provider that is not installed here, with the arguments of the real one."""
    made = []

    class Notifier:
        def __init__(self, **arguments):
            made.append(arguments)

        def __call__(self, *_):
            raise AssertionError("a call renders texts as templates")

        def notify(self, _):
            notify()

    provider = f"airflow.providers.{name.split('.', maxsplit=1)[0]}"
    for part in (provider, f"{provider}.notifications"):
        monkeypatch.setitem(sys.modules, part, ModuleType(part))
    module = SimpleNamespace(**{cls: Notifier})
    monkeypatch.setitem(sys.modules, f"airflow.providers.{name}", module)
    return made


def test_slack_and_pagerduty_get_the_arguments_of_their_notifiers(monkeypatch):
    for name in ("SLACK", "PAGER"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps({"conn_type": "x", "password": "s3cret"}))
    slack = fake_provider(monkeypatch, "slack.notifications.slack_webhook", "SlackWebhookNotifier", lambda: None)
    pager = fake_provider(monkeypatch, "pagerduty.notifications.pagerduty", "PagerdutyNotifier", lambda: None)
    send(NOTE, ChannelSpec(type="slack", connection="slack"), to=())
    send(NOTE, ChannelSpec(type="pagerduty", connection="pager"), to=())
    assert slack[0]["slack_webhook_conn_id"] == "slack"
    assert "&lt;b&gt;" in slack[0]["text"]
    assert {name: pager[0][name] for name in ("severity", "action", "dedup_key", "summary")} == {
        "severity": "critical", "action": "trigger", "dedup_key": "model-governance/loans", "summary": "loans: FAIL, new",
    }  # fmt: skip
    over = Note(**{name: getattr(NOTE, name) for name in NOTE.__slots__} | {"level": "good"})
    send(over, ChannelSpec(type="pagerduty", connection="pager"), to=())
    assert (pager[1]["action"], pager[1]["dedup_key"]) == ("resolve", "model-governance/loans")


def test_an_error_of_a_notifier_repeats_no_address_and_no_secret(monkeypatch):
    def refuse():
        raise RuntimeError("T000/B000/tokentoken at https://hooks.slack.com/services/T000/B000/tokentoken was refused")

    monkeypatch.setenv("AIRFLOW_CONN_SLACK", json.dumps({"conn_type": "x", "password": "T000/B000/tokentoken"}))
    fake_provider(monkeypatch, "slack.notifications.slack_webhook", "SlackWebhookNotifier", refuse)
    with pytest.raises(ChannelFailed) as caught:
        send(NOTE, ChannelSpec(type="slack", connection="slack"), to=())
    assert str(caught.value) == "RuntimeError: *** at (address) was refused"
