"""A webhook on this machine that keeps what it is sent."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

SECRET = "Pl4nted-S3cret-signature"
"""Part of its address."""


@contextmanager
def webhook():
    """Gives `got` (path, headers and body of each request), `answer` (its status), and `connection` as JSON for Airflow."""
    got: list[dict] = []
    answer = {"status": 200}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append({"path": self.path, "headers": dict(self.headers), "body": json.loads(body)})
            self.send_response(answer["status"])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/hook?sig={SECRET}"
    try:
        yield SimpleNamespace(got=got, answer=answer, connection=json.dumps({"conn_type": "http", "password": address}))
    finally:
        server.shutdown()
        server.server_close()
