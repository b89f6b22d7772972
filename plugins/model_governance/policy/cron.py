"""When and how often a cron expression fires."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache

FIELDS = ("minute", "hour", "day of month", "month", "day of week")
RANDOM = re.compile(r"(?<![A-Za-z])R(?![A-Za-z])", re.IGNORECASE)
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 365
"""A year without a leap day, so that a daily schedule has 365 runs."""


@cache
def require_cron(expression: str) -> None:
    """Nothing, where the expression is one that Airflow takes and that fires: five fields, or a preset such as `@hourly`.

    Raises:
        ValueError: it is not; the message says why.
    """
    from croniter import CroniterError

    _fields(expression)
    try:
        next_firing(expression, FIRST_DAY)
    except CroniterError as error:
        raise ValueError(f"the cron expression {expression!r} never fires; name a day that its months have") from error


@cache
def runs_in_a_year(expression: str) -> int:
    """How often the expression fires in a year of 365 days, at least 1.

    Raises:
        ValueError: as `require_cron`.
    """
    minutes, hours, *days = _fields(expression)
    return max(1, _times(minutes, 60) * _times(hours, 24) * _days_of_a_year(expression, days))


def fires_at(expression: str, moment: datetime) -> bool:
    """Whether the expression fires in the minute of a moment, in the time zone of the moment."""
    from croniter import croniter

    return bool(croniter.match(expression, moment))


def last_firing(expression: str, moment: datetime) -> datetime:
    """The last moment before this one at which the expression fires, in the time zone of the moment."""
    from croniter import croniter

    fired: datetime = croniter(expression, moment).get_prev(datetime)
    return fired


def next_firing(expression: str, moment: datetime) -> datetime:
    """The first moment after this one at which the expression fires, in the time zone of the moment."""
    from croniter import croniter

    fired: datetime = croniter(expression, moment).get_next(datetime)
    return fired


def _fields(expression: str) -> list[list[int | str]]:
    from croniter import CroniterError, croniter

    if not expression.startswith("@") and len(expression.split()) != len(FIELDS):
        raise ValueError(
            f"not a cron expression: {len(expression.split())} fields; expected five ({', '.join(FIELDS)}) such as `0 2 * * *`"
        )
    if RANDOM.search(expression):
        raise ValueError("not a cron expression: R is drawn anew whenever the policy is read; write the numbers")
    try:
        fields, _ = croniter.expand(expression)
    except (CroniterError, ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"not a cron expression: {error}; expected five fields such as `0 2 * * *`") from error
    return list(fields)


def _times(field: list[int | str], values: int) -> int:
    return values if field == ["*"] else len(set(field))


def _days_of_a_year(expression: str, days: list[list[int | str]]) -> int:
    """Days on which it fires; day of month and day of week are alternatives where both are given (POSIX crontab)."""
    from croniter import croniter

    if all(field == ["*"] for field in days):
        return DAYS
    each = (FIRST_DAY + timedelta(days=number) for number in range(DAYS))
    return sum(croniter.match_range(expression, day, day + timedelta(days=1, seconds=-1)) for day in each)
