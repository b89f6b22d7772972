"""A real Airflow of a test: a home of its own, a fresh database, and the parts of it that the test needs, as processes."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psutil

from system.server import HOST, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).parent / "airflow"
INITDB = "from airflow.utils.db import initdb\ninitdb()\n"


@dataclass
class AirflowServer:
    """A context manager; leaving it ends every part that was started.

    Attributes:
        home: an empty folder.
        settings: environment variables on top of those of every test.
        url: of the API server.
    """

    home: Path
    settings: dict[str, str]
    url: str = field(default="", init=False)
    _parts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)

    def __enter__(self) -> Self:
        (port,) = free_ports(1)
        self.url = f"http://{HOST}:{port}"
        (self.home / "dags").mkdir(parents=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS"))}
        self._environment = kept | {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW__MODEL_GOVERNANCE__BOARD_INDEX": str(self.home / "board.sqlite"),
        } | self.settings  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._parts.values():
            process.terminate()
        for process in self._parts.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)

    def program(self, text: str) -> str:
        """What a program prints that runs in this Airflow's environment. AssertionError with its output where it fails."""
        done = subprocess.run(
            [sys.executable, "-c", text],
            capture_output=True,
            text=True,
            env=self._environment,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def start(self, *parts: str) -> None:
        """Start parts, as `api-server`; their output goes to a file of their name in the home."""
        for part in parts:
            self.start_as(part, part)

    def start_as(self, name: str, *words: str, settings: Mapping[str, str] | None = None) -> None:
        """Start the command `airflow WORDS` as a part of this name, with settings that it alone has."""
        with (self.home / f"{name}.log").open("ab") as log:
            self._parts[name] = subprocess.Popen(
                [PROGRAM, *words], env=self._environment | dict(settings or {}), stdout=log, stderr=log
            )

    def process_ids(self) -> dict[str, int]:
        """The parts that were started and not killed."""
        return {name: process.pid for name, process in self._parts.items()}

    def kill(self, name: str) -> None:
        """End a part and every process it has started at once, as a machine that loses power does."""
        process = self._parts.pop(name)
        tree = psutil.Process(process.pid)
        for one in [tree, *tree.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait(20)

    def wait_until_ready(self, seconds: int = 120) -> None:
        """Return once the API server answers. AssertionError with its log where it does not."""
        self.wait_for(lambda: self.get("/api/v2/monitor/health")[0] == 200, "an API server that answers", seconds)

    def wait_for(self, question: Callable[[], Any], what: str, seconds: int) -> Any:
        """The first true answer. AssertionError with the end of every log where none comes, or a part has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and all(process.poll() is None for process in self._parts.values()):
            with contextlib.suppress(OSError):
                if answer := question():
                    return answer
            time.sleep(0.25)
        logs = "\n".join(f"{part}: {(self.home / f'{part}.log').read_text()[-1500:]}" for part in self._parts)
        raise AssertionError(f"expected {what} within {seconds} s\n{logs}")

    def get(self, path: str, *, token: str = "") -> tuple[int, str]:
        """Status and text of an answer."""
        return self._ask(urllib.request.Request(self.url + path), token)

    def send(self, path: str, body: dict[str, Any], *, method: str = "POST", token: str = "") -> tuple[int, str]:
        """Status and text of the answer to a JSON body."""
        headers = {"Content-Type": "application/json"}
        return self._ask(
            urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method=method), token
        )

    def token(self, name: str, password: str) -> str:
        """The token of a user, through the login of the auth manager."""
        status, text = self.send("/auth/token", {"username": name, "password": password})
        assert status == 201, text
        return str(json.loads(text)["access_token"])

    @staticmethod
    def _ask(request: urllib.request.Request, token: str) -> tuple[int, str]:
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode(errors="replace")
