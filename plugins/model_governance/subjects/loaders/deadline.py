"""A time limit for a whole HTTP request, whatever the server sends in between.

httpx limits the time between two pieces of an answer. A server that sends one byte of a header, or one interim answer, every
now and then keeps such a request alive for ever.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

PIECE = 1 << 16  # bytes sent under one look at the clock


class Deadline:
    """The moment, on the monotonic clock, at which the current request ends."""

    def __init__(self) -> None:
        self._end = float("inf")

    def begin(self, seconds: float) -> None:
        """Start a request that may take so many seconds."""
        self._end = time.monotonic() + seconds

    def left(self, timeout: float | None) -> float:
        """Seconds for the next step; not more than httpx itself allows.

        Raises:
            TimeoutError: there are none left.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no whole answer in time")
        return left if timeout is None else min(left, timeout)


def hold_to(client: httpx.Client, deadline: Deadline) -> None:
    """Make every step of every connection of a client look at the deadline."""
    transports = (client._transport, *client._mounts.values())  # noqa: SLF001 - httpx has no public way to its sockets
    for transport in transports:
        pool: Any = getattr(transport, "_pool", None)
        if pool is not None:
            pool._network_backend = _Backend(pool._network_backend, deadline)  # noqa: SLF001


class _Backend:
    """httpcore's network backend with the deadline."""

    def __init__(self, backend: Any, deadline: Deadline) -> None:
        self._backend, self._deadline = backend, deadline

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **others: Any) -> _Stream:
        stream = self._backend.connect_tcp(host, port, timeout=self._deadline.left(timeout), **others)
        return _Stream(stream, self._deadline)

    def connect_unix_socket(self, path: str, timeout: float | None = None, **others: Any) -> _Stream:
        stream = self._backend.connect_unix_socket(path, timeout=self._deadline.left(timeout), **others)
        return _Stream(stream, self._deadline)

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(self._deadline.left(seconds))


class _Stream:
    """httpcore's network stream with the deadline."""

    def __init__(self, stream: Any, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        content: bytes = self._stream.read(max_bytes, timeout=self._deadline.left(timeout))
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._stream.write(buffer[start : start + PIECE], timeout=self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        secure = self._stream.start_tls(ssl_context, server_hostname, timeout=self._deadline.left(timeout))
        return _Stream(secure, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
