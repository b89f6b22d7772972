"""How numbers are written for readers: one spelling for log, report, terminal and record."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHARE = "share"
"""The unit of metrics that are shares of something; readers get them as percentages."""
FINEST = 4
"""Decimals of a percentage at most."""
TINY = 1e-9
"""Numbers nearer to 0 than this are not written out."""
SMALLEST_P = 0.001


def number(value: float, *, digits: int = 4) -> str:
    """A number with that many significant digits, never with an exponent; whole numbers and those from 1000 on without decimals.

    >>> number(0.81234567), number(1234567), number(2.0), number(0.0000475)
    ('0.8123', '1,234,567', '2', '0.0000475')

    What is nearer to 0 than a billionth is written as `< 0.000000001`.
    """
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < TINY:
        return f"< {Decimal(str(TINY)):f}" if value > 0 else f"> -{Decimal(str(TINY)):f}"
    written = f"{value:.{digits}g}"
    return f"{Decimal(written):f}" if "e" in written else written


def quantity(value: float, unit: str = "", *, digits: int = 4, beside: Iterable[float | None] = ()) -> str:
    """A value of a metric: a share as a percentage, anything else as `number`.

    A percentage has one decimal; nearer than one to 0% and 100% it has two significant digits of that distance, because many
    flags and rare classes are there.

    Args:
        value: the value.
        unit: of the metric.
        digits: significant digits of what is no share.
        beside: numbers that it is compared with; a share gets as many decimals as tell it from them.

    >>> quantity(0.4949, "share"), quantity(0.00364, "share"), quantity(0.79996, "share", beside=[0.8]), quantity(0.4949)
    ('49.5%', '0.36%', '79.996%', '0.4949')
    """
    if unit != SHARE:
        return number(value, digits=digits)
    percent = 100 * value
    near = min(abs(percent), abs(100 - abs(percent)))
    decimals = 1 if near >= 1 or near < TINY else min(FINEST, 1 - math.floor(math.log10(near)))
    others = [100 * other for other in beside if other is not None and TINY < abs(other - value) < math.inf]
    while decimals < FINEST and any(round(percent, decimals) == round(other, decimals) for other in others):
        decimals += 1
    if 0 < abs(percent) < 0.5 * 10**-FINEST:
        return f"< {10**-FINEST:.{FINEST}f}%" if percent > 0 else f"> -{10**-FINEST:.{FINEST}f}%"
    return f"{_plain(f'{percent:.{decimals}f}')}%"


def difference(value: float, unit: str = "", *, digits: int = 4) -> str:
    """A difference with its sign: of shares in percentage points.

    >>> difference(0.125, "share"), difference(-0.031, "share"), difference(8.41)
    ('+12.5 points', '-3.1 points', '+8.41')
    """
    sign = "+" if value > 0 else ""
    if unit != SHARE:
        return f"{sign}{number(value, digits=digits)}"
    return f"{sign}{quantity(value, unit).removesuffix('%')} points"


def bound_text(bound: float, unit: str = "") -> str:
    """A bound of a policy, as exactly as the policy has it: 0.8125 of a share as `81.25%`."""
    return f"{_plain(f'{Decimal(str(bound)) * 100:f}')}%" if unit == SHARE else number(bound)


def _plain(decimal: str) -> str:
    """Without zeros at the end, and without the sign of a zero."""
    short = decimal.rstrip("0").rstrip(".") if "." in decimal else decimal
    return "0" if short in ("-0", "") else short


def spell_p(value: float) -> str:
    """A p-value as `p = 0.012`; below 0.001 as `p < 0.001`, because its digits say nothing there."""
    return f"p {p_cell(value)}" if value < SMALLEST_P else f"p = {p_cell(value)}"


def p_cell(value: float) -> str:
    """As `spell_p`, for a column that is called p."""
    return f"< {SMALLEST_P:g}" if value < SMALLEST_P else number(value, digits=2)


def interval(
    low: float | None, high: float | None, unit: str = "", *, digits: int = 4, beside: Iterable[float | None] = ()
) -> str:  # fmt: skip
    """An interval as `1.91 to 1.95`, of shares as `49.1% to 49.9%`; empty where there is none."""
    if low is None or high is None:
        return ""
    known = tuple(beside)
    first, last = (quantity(end, unit, digits=digits, beside=known) for end in (low, high))
    return f"{first} to {last}"


def estimate(value: float, low: float | None, high: float | None, unit: str = "", *, digits: int = 4) -> str:
    """A value with its interval.

    >>> estimate(0.82, 0.8171, 0.8233)
    '0.82 (0.8171 to 0.8233)'
    """
    limits = interval(low, high, unit, digits=digits)
    return quantity(value, unit, digits=digits) + (f" ({limits})" if limits else "")


MOST_WORDS = 300


def library_words(error: BaseException) -> str:
    """What a library said about bytes that it could not read: one line of printable text, at most 300 characters.

    Libraries repeat the bytes in their messages, and bytes of data belong into no log, record or page.
    """
    text = " ".join(str(error)[: 10 * MOST_WORDS].split())
    text = "".join(letter if letter.isprintable() and letter != "\ufffd" else "?" for letter in text)
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]} [...]"


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its type where it says nothing."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
