"""How numbers are written for readers: one spelling for log, report, terminal and record."""

from __future__ import annotations

from decimal import Decimal

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


def spell_p(value: float) -> str:
    """A p-value as `p = 0.012`; below 0.001 as `p < 0.001`, because its digits say nothing there."""
    return f"p {p_cell(value)}" if value < SMALLEST_P else f"p = {p_cell(value)}"


def p_cell(value: float) -> str:
    """As `spell_p`, for a column that is called p."""
    return f"< {SMALLEST_P:g}" if value < SMALLEST_P else number(value, digits=2)


def interval(low: float | None, high: float | None, *, digits: int = 4) -> str:
    """An interval as `1.91 to 1.95`; empty where there is none."""
    return "" if low is None or high is None else f"{number(low, digits=digits)} to {number(high, digits=digits)}"


def estimate(value: float, low: float | None, high: float | None, *, digits: int = 4) -> str:
    """A number with its interval.

    >>> estimate(0.82, 0.8171, 0.8233)
    '0.82 (0.8171 to 0.8233)'
    """
    limits = interval(low, high, digits=digits)
    return number(value, digits=digits) + (f" ({limits})" if limits else "")


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
