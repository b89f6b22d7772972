"""Moments of runs: read from text, spelled for people, spelled in keys. All are UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

_KEY = "%Y-%m-%dT%H%M%S"


def as_moment(value: date | datetime) -> datetime:
    """A date as its midnight, a moment without zone as UTC, any other moment in UTC."""
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), tzinfo=UTC)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def parse_moment(text: str) -> datetime:
    """The moment in an ISO 8601 date or date and time.

    Raises:
        ValueError: the text is neither.
    """
    return as_moment(datetime.fromisoformat(text))


def spell_moment(moment: datetime) -> str:
    """`2026-11-28` for a midnight, `2026-11-28 14:00 UTC` for any other moment; seconds where there are any."""
    moment = as_moment(moment)
    if moment.time() == time():
        return moment.date().isoformat()
    clock = moment.strftime("%H:%M" if moment.second == 0 and moment.microsecond == 0 else "%H:%M:%S")
    return f"{moment.date().isoformat()} {clock} UTC"


def moment_key(moment: datetime) -> str:
    """The moment as a part of a key, without colons: `2026-11-28T140000Z`, with microseconds where there are any."""
    moment = as_moment(moment)
    fraction = f".{moment.microsecond:06d}" if moment.microsecond else ""
    return f"{moment.strftime(_KEY)}{fraction}Z"


def read_moment_key(key: str) -> datetime:
    """The moment that `moment_key` wrote.

    Raises:
        ValueError: the text is no such key.
    """
    text = key.removesuffix("Z")
    return datetime.strptime(text, _KEY + (".%f" if "." in text else "")).replace(tzinfo=UTC)


def end_of(value: date | datetime) -> datetime:
    """The first moment after a date (the next midnight), or the moment itself."""
    moment = as_moment(value)
    return moment if isinstance(value, datetime) else moment + timedelta(days=1)
