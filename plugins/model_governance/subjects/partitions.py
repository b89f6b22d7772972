"""Which Hive partitions a run reads: those whose period meets the run's data interval."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.policy import DatasetSpec

PERIOD = re.compile(r"(\d{4})(?:-?(\d{1,2})(?:-?(\d{1,2})(?:[-T_ ]?(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?)?)?)?")
LENGTHS = {3: timedelta(days=1), 4: timedelta(hours=1), 5: timedelta(minutes=1), 6: timedelta(seconds=1)}
SHOWN = 5  # partitions named in an error


def prune(uri: str, partitions: Mapping[str, Mapping[str, str | None]], spec: DatasetSpec) -> list[str]:
    """The files whose partition meets the interval of the spec; all where it names no `partition`.

    Args:
        uri: the place, for an error.
        partitions: the values that the folders of each file name, by file.
        spec: `partition` names the keys that together spell a period (`day`, or `year`, `month`, `day`), `interval` the
            rendered moments `start/end`. Of an interval without length the period that holds it is read.

    Raises:
        SubjectError: a file lies below no such key, a value is no date, or no partition meets the interval.
    """
    if spec.partition is None:
        return list(partitions)
    keys = (spec.partition,) if isinstance(spec.partition, str) else spec.partition
    start, end = _interval(uri, spec.interval or "")
    wanted, others = [], set()
    for name, values in partitions.items():
        lacking = [key for key in keys if values.get(key) is None]
        if lacking:
            raise SubjectError(
                f"{uri}: {name} lies in no folder {lacking[0]}=...; correct `partition` or write it into its partition"
            )
        period = _period(uri, name, keys, values)
        met = period[0] <= start < period[1] if start == end else period[0] < end and start < period[1]
        if met:
            wanted.append(name)
        else:
            others.add("/".join(f"{key}={values[key]}" for key in keys))
    if not wanted:
        shown = sorted(others)
        found = f"{', '.join(shown[-SHOWN:])}{f' (the last of {len(shown)})' if len(shown) > SHOWN else ''}"
        raise SubjectError(
            f"{uri}: no partition lies within {start.isoformat()}/{end.isoformat()}; found {found}; "
            "run what writes it, or correct `partition` and `interval`"
        )
    return wanted


def _interval(uri: str, text: str) -> tuple[datetime, datetime]:
    try:
        first, second = (_moment(part) for part in text.split("/"))
    except ValueError:
        raise SubjectError(
            f"{uri}: `interval` is no two moments start/end, found {text!r}; leave it out for the run's data interval"
        ) from None
    if second < first:
        raise SubjectError(f"{uri}: `interval` ends before it starts: {text}")
    return first, second


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _period(uri: str, name: str, keys: Sequence[str], values: Mapping[str, str | None]) -> tuple[datetime, datetime]:
    """The first moment of a partition and the first after it, in UTC."""
    text = "-".join(str(values[key]) for key in keys)
    match = PERIOD.fullmatch(text)
    parts = [int(part) for part in match.groups() if part is not None] if match else []
    try:
        year, month, day, hour, minute, second = (*parts, *(1, 1, 1, 0, 0, 0)[len(parts) :])
        start = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        if len(parts) == 1:
            return start, start.replace(year=year + 1)
        if len(parts) == 2:
            return start, (start + timedelta(days=32)).replace(day=1)
        return start, start + LENGTHS[len(parts)]
    except (KeyError, ValueError, OverflowError):
        raise SubjectError(
            f"{uri}: the partition of {name} is no date: {text!r}; write 2026-11-29, 2026-11 or 2026-11-29-13, or name "
            "the keys that spell one in `partition`"
        ) from None
