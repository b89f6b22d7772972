"""The binary forms of PostgreSQL, read without a server."""

from __future__ import annotations

import datetime as dt
import struct

import numpy as np
import pyarrow as pa
import pytest

from model_governance.engine.binary_copy import HEADER, SIGNATURE, _chunks, _decoded
from model_governance.engine.binary_values import Column, NotCopied, texts_of, values_of
from model_governance.engine.packed_pages import _unpacked

NUMBER = Column(name="x", oid=701, kind=pa.float64())
TEXT = Column(name="s", oid=25, kind=pa.string())
DAY = Column(name="d", oid=1082, kind=pa.date32())
PRICE = Column(name="p", oid=1700, kind=pa.decimal128(38, 2))
ROWS = [
    (1.5, "a", 0, "1.10"),
    (None, "", -1, None),
    (-0.0, None, None, "-3.00"),
    (float("nan"), "müde\n", 9000, "0.05"),
]


def sent(value, form: str) -> bytes:
    if value is None:
        return struct.pack(">i", -1)
    content = value.encode() if form == "text" else struct.pack(form, value)
    return struct.pack(">i", len(content)) + content


def message(row) -> bytes:
    cells = (sent(value, form) for value, form in zip(row, (">d", "text", ">i", "text"), strict=True))
    return struct.pack(">h", len(row)) + b"".join(cells)


def expected() -> list[dict]:
    from decimal import Decimal

    start = dt.date(2000, 1, 1)
    return [
        {
            "x": x,
            "s": s,
            "d": None if d is None else start + dt.timedelta(days=d),
            "p": None if p is None else Decimal(p),
        }
        for x, s, d, p in ROWS
    ]


class Sending:
    """A server that sends these messages one by one, with a pause before each second one."""

    socket = 0

    def __init__(self, messages: list[bytes], ready) -> None:
        self.messages, self.paused, self.socket = list(messages), False, ready

    def get_copy_data(self, _):
        self.paused = not self.paused
        if self.paused:
            return 0, None
        content = self.messages.pop(0)
        return len(content), memoryview(content)

    def consume_input(self) -> None:
        """Nothing waits."""

    def read(self) -> bytes:
        return self.messages.pop(0) if self.messages else b""


@pytest.fixture
def ready():
    import socket

    near, far = socket.socketpair()
    far.send(b"x")
    yield near.fileno()
    near.close()
    far.close()


@pytest.mark.parametrize("count", [0, 1, 4])
@pytest.mark.parametrize("chunk", [1, 1 << 20])
def test_rows_of_a_copy_arrive_with_their_nulls(ready, monkeypatch, count, chunk):
    monkeypatch.setattr("model_governance.engine.binary_copy.CHUNK", chunk)
    rows = [message(row) for row in ROWS[:count]]
    header = SIGNATURE + bytes(HEADER - len(SIGNATURE))
    trailer = struct.pack(">h", -1)
    server = Sending([header + rows[0], *rows[1:], trailer] if rows else [header + trailer], ready)
    columns = [NUMBER, TEXT, DAY, PRICE]
    batches = [_decoded(content, starts, columns) for content, starts in _chunks(server, server)]
    assert len(batches) == (3 if chunk == 1 and count == 4 else min(count, 1))
    found = [row for batch in batches for row in batch.to_pylist()]
    assert repr(found) == repr(expected()[:count])
    assert server.messages == []


def test_packed_columns_are_the_same_rows():
    numbers = struct.pack(">3d", 1.5, -0.0, float("nan"))
    texts = b"a\x00\x00\xff\x00" + "müde\n".encode()
    days = struct.pack(">3i", 0, -1, 9000)
    prices = b"1.10\x00\xff\x00-3.00\x000.05"
    masks = struct.pack(">4i", 0, 1, 2, 0)
    batch = _unpacked([numbers, texts, days, prices], [NUMBER, TEXT, DAY, PRICE], [masks], [NUMBER, DAY])
    assert repr(batch.to_pylist()) == repr(expected())


@pytest.mark.parametrize(("oid", "value"), [(1082, 2**31 - 1), (1082, -(2**31)), (1114, 2**63 - 1), (1184, -(2**63))])
def test_infinite_dates_have_no_place(oid, value):
    column = Column(name="d", oid=oid, kind=pa.date32() if oid == 1082 else pa.timestamp("us"))
    form = ">i4" if oid == 1082 else ">i8"
    assert values_of(np.array([value], form), np.array([True]), column).null_count == 1
    with pytest.raises(NotCopied, match=r"column 'd' is .* with infinite values"):
        values_of(np.array([value], form), None, column)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(pa.ArrowInvalid):
        texts_of(np.array([255], "uint8"), np.array([1]), np.array([False]), TEXT)


@pytest.mark.parametrize(
    ("oid", "form", "value", "kind", "read"),
    [
        (16, "i1", 1, pa.bool_(), True),
        (21, ">i2", -5, pa.int16(), -5),
        (20, ">i8", 2**53 + 1, pa.int64(), 2**53 + 1),
        (700, ">f4", 0.5, pa.float32(), 0.5),
        (1083, ">i8", 36_000_000_000, pa.time64("us"), dt.time(10)),
        (1114, ">i8", 1_000_000, pa.timestamp("us"), dt.datetime(2000, 1, 1, 0, 0, 1)),
        (1184, ">i8", 0, pa.timestamp("us", "UTC"), dt.datetime(2000, 1, 1, tzinfo=dt.UTC)),
    ],
)
def test_every_fixed_type_is_read(oid, form, value, kind, read):
    array = values_of(np.array([value, 0], form), np.array([False, True]), Column(name="x", oid=oid, kind=kind))
    assert array.type == kind
    assert array.to_pylist() == [read, None]
