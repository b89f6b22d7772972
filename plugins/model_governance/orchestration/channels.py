"""Channels: a note through the notifiers of Airflow's providers, or as JSON to a webhook.

The notifiers are used by their `notify`, never by calling them: a call renders their texts as templates, and sentences
hold text from data. A provider is imported when a channel of its type is used; one that is not installed is a channel
that failed, for no model may go unchecked because a messenger is missing.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from model_governance.contract.secret_text import without_secrets
from model_governance.contract.text import library_words
from model_governance.notify.forms import as_html, as_payload, as_slack, as_text, one_line
from model_governance.orchestration.stores import connection_named
from model_governance.store.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from airflow.sdk import Connection

    from model_governance.notify.note import Level, Note
    from model_governance.policy.notifications import ChannelSpec, ChannelType

TIMEOUT_SECONDS = 10.0
TRIES = Backoff(attempts=3, first=1.0, longest=5.0)
PASSING = frozenset({0, 408, 425, 429, 500, 502, 503, 504})
"""HTTP states after which another try may help; 0: no answer."""
ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
SHORTEST_SECRET = 4
PAGER_SEVERITY: Mapping[Level, str] = {"fail": "critical", "warn": "warning", "good": "info"}
PROVIDERS: Mapping[ChannelType, str] = {
    "slack": "apache-airflow-providers-slack", "mail": "apache-airflow-providers-smtp",
    "pagerduty": "apache-airflow-providers-pagerduty",
}  # fmt: skip


class ChannelFailed(Exception):
    """A message that did not arrive; nothing else depends on it."""


def send(note: Note, channel: ChannelSpec, *, to: Sequence[str]) -> None:
    """Send a note.

    Args:
        note: what is sent.
        channel: where it goes.
        to: recipients of a mail; other channels have none.

    Raises:
        ChannelFailed: it did not arrive; the sentence holds neither address nor secret.
    """
    connection: Connection | None = None
    try:
        connection = connection_named(channel.connection)
        SENDERS[channel.type](note, channel, connection, to)
    except ChannelFailed:
        raise
    except ImportError as error:
        provider = PROVIDERS.get(channel.type, "the provider")
        raise ChannelFailed(f"{channel.type} needs {provider}, which is not installed here: install it") from error
    except Exception as error:
        raise ChannelFailed(_harmless(error, connection)) from None  # its cause repeats addresses


def _slack(note: Note, channel: ChannelSpec, _: Connection, __: Sequence[str]) -> None:
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    SlackWebhookNotifier(
        slack_webhook_conn_id=channel.connection, text=as_slack(note), unfurl_links=False, unfurl_media=False
    ).notify({})


def _mail(note: Note, channel: ChannelSpec, _: Connection, to: Sequence[str]) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    SmtpNotifier(
        smtp_conn_id=channel.connection, to=list(to), subject=one_line(note.title), html_content=as_html(note)
    ).notify({})


def _pagerduty(note: Note, channel: ChannelSpec, _: Connection, __: Sequence[str]) -> None:
    from airflow.providers.pagerduty.notifications.pagerduty import PagerdutyNotifier

    links = [{"href": note.link, "text": "Page of the run"}] if note.link.startswith("https://") else None
    PagerdutyNotifier(
        pagerduty_events_conn_id=channel.connection, summary=one_line(note.title),
        severity=PAGER_SEVERITY[note.level], source="airflow-model-governance",
        action="resolve" if note.level == "good" else "trigger", dedup_key=f"model-governance/{note.subject}",
        custom_details={"message": as_text(note)}, links=links,
    ).notify({})  # fmt: skip


def _webhook(note: Note, channel: ChannelSpec, connection: Connection, _: Sequence[str]) -> None:
    import httpx

    address, headers, auth = webhook_request(connection)
    payload = as_payload(note)

    def once() -> int:
        try:
            return client.post(address, json=payload).status_code
        except httpx.TransportError:
            return 0

    with _quiet("httpx", "httpcore"), httpx.Client(
        headers=headers, auth=auth, timeout=TIMEOUT_SECONDS, follow_redirects=False
    ) as client:  # fmt: skip
        status = TRIES.until(once, done=lambda status: status not in PASSING)
    if not 200 <= status < 300:
        answer = f"answers with status {status}" if status else "does not answer"
        tries = f"; {TRIES.attempts} tries" if status in PASSING else ""
        raise ChannelFailed(f"the address in connection {channel.connection!r} {answer}{tries}")


def webhook_request(connection: Connection) -> tuple[str, dict[str, str], tuple[str, str] | None]:
    """Address, headers and login of a webhook.

    The address is the host of the connection, with its path. Where the address itself is the secret, as with Microsoft
    Teams, it is the password. Any other password is a bearer token, or with a login that of HTTP basic authentication.

    Raises:
        ChannelFailed: the connection has no address.
    """
    from airflow.sdk.log import mask_secret

    host, password = connection.host or "", connection.password or ""
    if password.startswith(("https://", "http://")):
        mask_secret(password)
        return password, {}, None
    if not host:
        raise ChannelFailed(
            f"connection {connection.conn_id!r} has no host; put the address of the webhook there, or into the password"
        )
    if "://" not in host:
        host = f"{connection.schema or 'https'}://{host}"
    if connection.port and not re.search(r"://[^/]+:\d+", host):
        host = re.sub(r"^([a-z]+://[^/]+)", rf"\g<1>:{connection.port}", host)
    if connection.login:
        return host, {}, (connection.login, password)
    return host, ({"Authorization": f"Bearer {password}"} if password else {}), None


SENDERS: Mapping[ChannelType, Callable[[Note, ChannelSpec, Any, Sequence[str]], None]] = {
    "slack": _slack, "mail": _mail, "pagerduty": _pagerduty, "webhook": _webhook,
}  # fmt: skip


def _harmless(error: Exception, connection: Connection | None) -> str:
    """What an error says, without addresses and without anything that the connection keeps secret."""
    text = without_secrets(library_words(error))
    for secret in _secrets(connection):
        text = text.replace(secret, "***")
    return f"{type(error).__name__}: {ADDRESS.sub('(address)', text)}"


def _secrets(connection: Connection | None) -> Iterator[str]:
    if connection is None:
        return
    for value in (connection.password, connection.login, connection.host, *connection.extra_dejson.values()):
        if isinstance(value, str) and len(value) >= SHORTEST_SECRET:
            yield value


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Without the lines of these loggers, which repeat the address of every request."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
