"""A note as text, as Slack's text, as a mail in HTML, and as JSON for a webhook.

Sentences hold names and categories from data, which may be hostile: each form escapes what its reader would obey, and
none is a template.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from model_governance.contract.secret_text import without_secrets

if TYPE_CHECKING:
    from model_governance.notify.note import Level, Note, Section

MOST_LETTERS = 400
"""Letters of a sentence in a message."""
COLOURS: dict[Level, str] = {"fail": "#b3261e", "warn": "#8a5a00", "good": "#1e6b3a"}
CARD_COLOURS: dict[Level, str] = {"fail": "attention", "warn": "warning", "good": "good"}


def as_text(note: Note) -> str:
    """The note as plain text."""
    parts = [one_line(note.title), one_line(note.lead)]
    for section in note.sections:
        parts += ["", f"{section.title}:", *(f"- {line}" for line in _lines(section))]
    return "\n".join([*parts, *(["", f"Page: {note.link}"] if note.link else [])])


def as_slack(note: Note) -> str:
    """The note in Slack's own markup; nothing in it mentions a person or makes a link but the page."""
    parts = [f"*{_slack(note.title)}*", _slack(note.lead)]
    for section in note.sections:
        parts += [f"*{_slack(section.title)}*", *(f"• {_slack(line)}" for line in _lines(section))]
    link = f"<{_slack(note.link)}|Page of the run>" if _is_web(note.link) else _slack(f"Page: {note.link}")
    return "\n".join([*parts, *([link] if note.link else [])])


def as_html(note: Note) -> str:
    """The note as the body of a mail, with styles of its own and nothing that is loaded."""
    parts = [
        f'<h2 style="margin:0 0 8px;color:{COLOURS[note.level]}">{escape(one_line(note.title))}</h2>',
        f"<p>{escape(one_line(note.lead))}</p>",
    ]
    for section in note.sections:
        items = "".join(f"<li>{escape(line)}</li>" for line in _lines(section))
        parts.append(f'<h3 style="margin:12px 0 4px">{escape(section.title)}</h3><ul>{items}</ul>')
    if _is_web(note.link):
        parts.append(f'<p><a href="{escape(note.link, quote=True)}">Page of the run</a></p>')
    body = "".join(parts)
    return f'<html><body style="font-family:sans-serif;font-size:14px;color:#1f1f1f">{body}</body></html>'


def as_payload(note: Note) -> dict[str, Any]:
    """The note as JSON for a webhook.

    `attachments` is the Adaptive Card that Microsoft Teams shows, `text` what Mattermost and others read, and
    `governance` the facts for machines.
    """
    card = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": _card(note)}
    return {"type": "message", "text": as_text(note), "attachments": [card], "governance": note.facts}


def one_line(text: str) -> str:
    """One line of printable text without secrets, cut to MOST_LETTERS."""
    text = without_secrets(" ".join(text[: 10 * MOST_LETTERS].split()))
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 6]} [...]"


def _card(note: Note) -> dict[str, Any]:
    body = [_runs(note.title, weight="Bolder", size="Large", color=CARD_COLOURS[note.level]), _runs(note.lead)]
    for section in note.sections:
        body += [_runs(section.title, weight="Bolder"), *(_runs(f"• {line}") for line in _lines(section))]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": body,
    }  # fmt: skip
    if _is_web(note.link):
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Page of the run", "url": note.link}]
    return card


def _runs(text: str, **style: str) -> dict[str, Any]:
    """A line of a card. A TextRun shows text as it is; a TextBlock would read it as Markdown."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": one_line(text), **style}]}


def _lines(section: Section) -> list[str]:
    more = [f"and {section.omitted:,} more, on the page of the run"] if section.omitted else []
    return [*map(one_line, section.lines), *more]


def _is_web(link: str) -> bool:
    return link.startswith(("https://", "http://"))


def _slack(text: str) -> str:
    """Slack reads <...> as a mention or a link, and * _ ~ ` as markup."""
    text = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A zero-width joiner breaks the markup without changing what is read; Slack has no escape for it.
    return "".join(f"\u200d{letter}" if letter in "*~`" else letter for letter in text)
