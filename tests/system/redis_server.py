"""A real Redis of a test, which keeps what it was given on disk: it can be killed and started again."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from system.server import HOST, free_ports


@dataclass
class RedisServer:
    """A context manager; `uri` is that of its first database."""

    uri: str = field(default="", init=False)
    _folder: str = field(default="", init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        assert shutil.which("redis-server"), "Redis is not installed; apt-get install redis-server"
        self._folder = tempfile.mkdtemp(prefix="redis-")
        (self._port,) = free_ports(1)
        self.uri = f"redis://{HOST}:{self._port}/0"
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def process_id(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the server, on what an earlier one has left; returns once it answers. AssertionError where it does not."""
        options = {
            "port": self._port, "bind": HOST, "dir": self._folder, "appendonly": "yes", "appendfsync": "always", "save": "",
        }  # fmt: skip
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        with (Path(self._folder) / "log").open("ab") as log:
            self._process = subprocess.Popen(["redis-server", *words], stdout=log, stderr=log)
        asking = ["redis-cli", "-h", HOST, "-p", str(self._port), "ping"]
        for _ in range(100):
            if subprocess.run(asking, capture_output=True, text=True, check=False).stdout.strip() == "PONG":
                return
            time.sleep(0.05)
        raise AssertionError(f"Redis does not answer: {(Path(self._folder) / 'log').read_text()[-1500:]}")

    def kill(self) -> None:
        """End the server at once, as a machine that loses power does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
