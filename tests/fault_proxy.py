"""A reverse proxy on real sockets between a client and an S3 server that loses, damages and replaces answers."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

HOST = "127.0.0.1"


@dataclass
class Exchange:
    """A request that arrived, and the answer once there is one."""

    method: str
    path: str
    headers: Any
    body: bytes
    status: int = 0
    answer: bytes = b""
    answer_headers: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Fault:
    """What happens to the next `times` requests of a method whose path holds `where`."""

    method: str
    where: str
    times: int
    before: Callable[[Exchange], bool] = lambda _: True  # False: the server does not hear of it
    after: Callable[[Exchange], bool] = lambda _: True  # False: the connection is closed without an answer


@dataclass
class FaultProxy:
    """Forwards requests to a server, with their Host header, so that signatures stay valid; a context manager."""

    target: str
    seen: list[str] = field(default_factory=list)
    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy._serve(self)

            do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the names that the base class calls

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A client that went away is part of the tests."""

        self._server = Server((HOST, 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint_url(self) -> str:
        assert self._server is not None
        return f"http://{HOST}:{self._server.server_port}"

    def lose_answers(self, method: str, where: str, *, times: int = 1) -> None:
        """The server does what it is asked and the client never hears of it."""
        self._faults.append(Fault(method, where, times, after=lambda _: False))

    def lose_requests(self, method: str, where: str, *, times: int = 1) -> None:
        """The connection is closed and the server never hears of it."""
        self._faults.append(Fault(method, where, times, before=lambda _: False, after=lambda _: False))

    def answer(
        self, method: str, where: str, *, status: int, code: str, times: int = 1, headers: dict[str, str] | None = None
    ) -> None:
        """An error of S3 instead of the server's answer."""

        def refuse(exchange: Exchange) -> bool:
            body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>planted</Message></Error>".encode()
            exchange.status, exchange.answer = status, b"" if method == "HEAD" else body
            exchange.answer_headers = [("Content-Type", "application/xml"), *(headers or {}).items()]
            return False

        self._faults.append(Fault(method, where, times, before=refuse))

    def damage_requests(self, method: str, where: str, *, times: int = 1) -> None:
        """The last byte of the body changes on the way."""

        def damage(exchange: Exchange) -> bool:
            exchange.body = exchange.body[:-1] + bytes([exchange.body[-1] ^ 1])
            return True

        self._faults.append(Fault(method, where, times, before=damage))

    def damage_answers(self, method: str, where: str, *, times: int = 1) -> None:
        """The last byte of the answer changes on the way."""

        def damage(exchange: Exchange) -> bool:
            exchange.answer = exchange.answer[:-1] + bytes([exchange.answer[-1] ^ 1])
            return True

        self._faults.append(Fault(method, where, times, after=damage))

    def call_after(self, method: str, where: str, action: Callable[[], object]) -> None:
        """Do something behind the client's back once the server has answered; the answer is lost."""

        def act(_: Exchange) -> bool:
            action()
            return False

        self._faults.append(Fault(method, where, 1, after=act))

    def count(self, method: str, where: str) -> int:
        """How many such requests arrived."""
        return sum(line.startswith(f"{method} ") and where in line for line in self.seen)

    def _fault(self, exchange: Exchange) -> Fault | None:
        with self._lock:
            self.seen.append(f"{exchange.method} {exchange.path}")
            for fault in self._faults:
                if fault.times and fault.method == exchange.method and fault.where in exchange.path:
                    fault.times -= 1
                    return fault
        return None

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        exchange = Exchange(handler.command, handler.path, handler.headers, body)
        fault = self._fault(exchange)
        if fault is None or fault.before(exchange):
            self._forward(exchange)
        if fault is not None and not fault.after(exchange):
            handler.close_connection = True
            return
        handler.send_response_only(exchange.status)
        for name, value in exchange.answer_headers:
            handler.send_header(name, value)
        if exchange.method != "HEAD" or "content-length" not in {name.lower() for name, _ in exchange.answer_headers}:
            handler.send_header("Content-Length", str(len(exchange.answer)))
        handler.end_headers()
        handler.wfile.write(exchange.answer)

    def _forward(self, exchange: Exchange) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.target).netloc, timeout=60)
        try:
            connection.putrequest(exchange.method, exchange.path, skip_host=True, skip_accept_encoding=True)
            for name, value in exchange.headers.items():
                if name.lower() not in ("expect", "connection"):
                    connection.putheader(name, value)
            connection.endheaders(exchange.body)
            answer = connection.getresponse()
            exchange.status, exchange.answer = answer.status, answer.read()
            dropped = {"connection", "transfer-encoding"} | (set() if exchange.method == "HEAD" else {"content-length"})
            exchange.answer_headers = [each for each in answer.getheaders() if each[0].lower() not in dropped]
        finally:
            connection.close()
