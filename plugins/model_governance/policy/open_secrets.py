"""Secrets in a policy, which is archived as it stands and read into Airflow's database: refused, with the cure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from model_governance.contract.secret_text import secret_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.policy.position import Path, Position

CURE = (
    "is archived with the policy for ever; remove it, change it where it was valid, and name an Airflow connection with "
    "`connection:`, or leave it to the environment (PGPASSWORD, AWS_PROFILE)"
)
ADDRESSES = ("uri", "query", "table")


def open_secrets(source: bytes, raw: Any, position: Position) -> Iterator[tuple[int, str]]:
    """Line and sentence of every secret in the text, comments included, and in values that the text spells otherwise."""
    lines: set[int] = set()
    text = source.decode(errors="replace")
    if secret_in(text):
        for number, line in enumerate(text.splitlines(), start=1):
            if kind := secret_in(line):
                lines.add(number)
                yield number, f"{kind} {CURE}"
    values = list(_texts(raw, ()))
    if not secret_in(joined := "\n".join(value for _, value in values), uri=True) and "%" not in joined:
        return
    for path, value in values:
        line_number = position.line(path)
        uri = bool(path) and path[-1] in ADDRESSES
        kind = secret_in(value, uri=uri) or secret_in(unquote(value), uri=uri)
        if kind and line_number not in lines:
            lines.add(line_number)
            yield line_number, f"{'.'.join(map(str, path))[:100]}: {kind} {CURE}"


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key if isinstance(key, int) else str(key)))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _texts(inner, (*path, place))
