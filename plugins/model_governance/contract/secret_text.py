"""Secrets in the text of a policy or of an error: found without being repeated, and left out of what is written."""

from __future__ import annotations

import re

NAMES = (
    r"(?:[\w.-]{0,60}(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|shared[_-]?key"
    r"|private[_-]?key|signature|credential)[\w.-]{0,60}|auth|authorization|sas|sig|key)"
)
TEMPLATE = r"\{\{[^{}]{0,200}\}\}"
USER_AND_PASSWORD = re.compile(
    rf"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]{{0,30}}://)(?:{TEMPLATE}|(?!\{{\{{)[^\s/?#:@'\"<>]){{0,500}}"
    rf":(?![0-9]{{1,5}}[/?#])(?:{TEMPLATE}|(?!\{{\{{)[^\s@'\"<>]){{1,500}}@"
)
ARGUMENT = re.compile(rf"(?P<name>[?&;]{NAMES}=)(?P<value>{TEMPLATE}|[^&;\s'\"<>]+)", re.IGNORECASE)
PAIR = re.compile(
    r"(?P<name>\b(?:password|passwd|pwd|secret_access_key|client_secret|accountkey|sharedaccesskey|session_token)\s*=\s*)"
    rf"(?P<value>{TEMPLATE}|[^\s&;,'\")]+)",
    re.IGNORECASE,
)
KEY_MATERIAL = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{36,}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"
)


def secret_in(text: str, *, uri: bool = False) -> str:
    """What kind of secret a text holds, without the secret; empty where none is recognised.

    Args:
        text: a line of a policy or one of its values.
        uri: whether it is an address, in which `password=...` is a secret wherever it stands.
    """
    if USER_AND_PASSWORD.search(text):
        return "a password (user:password@)"
    if "://" in text and (found := ARGUMENT.search(text)):
        return f"a secret argument ({found['name'][1:60]}...)"
    if KEY_MATERIAL.search(text):
        return "a key or token"
    if uri and (found := PAIR.search(text)):
        return f"a password ({found['name'][:60].strip()}...)"
    return ""


def without_secrets(text: str) -> str:
    """The text with `***` for every secret that `secret_in` recognises."""
    text = USER_AND_PASSWORD.sub(r"\g<scheme>***@", text)
    text = ARGUMENT.sub(r"\g<name>***", text)
    text = PAIR.sub(r"\g<name>***", text)
    return KEY_MATERIAL.sub("***", text)
