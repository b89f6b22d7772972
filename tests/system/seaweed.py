"""A real S3 server on the loopback: SeaweedFS, one binary from the package index, ready in about a second."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from system.server import HOST, REGION, S3Server, free_ports

READY_WITHIN = 60.0  # seconds
_PARTS = ("master", "volume", "filer", "s3", "admin")


@dataclass
class SeaweedServer(S3Server):
    """`weed mini` in a folder of its own; a context manager.

    Every start but `restart` is fresh: a server that finds older data needs many seconds more. It is stopped by
    SIGKILL, because a polite stop takes 16 s and nothing of it is kept.
    """

    key: str = "seaweed-test-writer"
    roles: dict[str, list[str]] = field(default_factory=dict)
    """Further identities and what they may: Read, List, Tagging, Write, with `:bucket/prefix` or without."""
    seconds_to_ready: float = field(default=0.0, init=False)
    _ports: dict[str, int] = field(default_factory=dict, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def client(self, *, key: str | None = None, secret: str | None = None, through: str = "") -> Any:
        """A boto3 client; by default with the right credentials, and to the server itself or to a proxy before it."""
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=through or self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=key or self.key,
            aws_secret_access_key=secret or self.secret,
            config=Config(
                s3={"addressing_style": "path"},
                retries={"mode": "standard", "max_attempts": 3},
                connect_timeout=5,
                read_timeout=20,
                max_pool_connections=16,
            ),
        )

    def client_of(self, role: str) -> Any:
        """A client of one of `roles`; its secret is that of the server with the name of the role in front."""
        return self.client(key=f"role-{role}", secret=f"{role}-{self.secret}")

    def connection_json(self) -> str:
        """An Airflow aws connection, as `AIRFLOW_CONN_<ID>` takes it."""
        extra = {
            "region_name": REGION,
            "endpoint_url": self.endpoint_url,
            "config_kwargs": {"s3": {"addressing_style": "path"}},
        }
        return json.dumps({"conn_type": "aws", "login": self.key, "password": self.secret, "extra": extra})

    def delete_behind_the_gateway(self, bucket: str, key: str) -> None:
        """Delete an object, all of its versions, in the filer, which knows neither credentials nor locks."""
        from urllib.parse import quote
        from urllib.request import Request, urlopen

        filer = f"http://{HOST}:{self._ports['filer.port']}/buckets/{bucket}/"
        for name in (key, f"{key}.versions"):
            request = Request(f"{filer}{quote(name)}?recursive=true&ignoreRecursiveError=true", method="DELETE")
            with contextlib.suppress(OSError), urlopen(request, timeout=20):
                pass

    def kill(self) -> None:
        """End the server at once, as a machine that loses power does; its data stays."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=30)

    def restart(self) -> None:
        """Start a server that was killed again, on its data and its ports; returns once it answers."""
        self._run()
        self._wait()

    def log(self) -> str:
        """What the server printed so far."""
        return (Path(self._folder) / "log").read_text(errors="replace")

    def _begin(self) -> None:
        self._start()
        self._wait()

    def _start(self) -> None:
        names = [f"{part}.{port}" for part in _PARTS for port in ("port", "port.grpc")]
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.endpoint_url = f"http://{HOST}:{self._ports['s3.port']}"
        (Path(self._folder) / "data").mkdir()
        if self.roles:
            (Path(self._folder) / "identities.json").write_text(json.dumps(self._identities()))
        self._run()

    def _run(self) -> None:
        options = {
            "dir": Path(self._folder) / "data",
            "ip": HOST,
            "ip.bind": HOST,
            "admin.ui": "false",
            "webdav": "false",
            "master.telemetry": "false",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.autoCreateBucket": "false",
            "filer.localSocket": f"{self._folder}/filer.sock",
            "s3.localSocket": f"{self._folder}/s3.sock",
            **self._ports,
        }
        if self.roles:
            options["s3.config"] = Path(self._folder) / "identities.json"
        surroundings = {
            "PATH": os.defpath,
            "HOME": self._folder,
            "TMPDIR": self._folder,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
        }
        with (Path(self._folder) / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_binary(), "mini", *(f"-{name}={value}" for name, value in options.items())],
                cwd=self._folder,
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _identities(self) -> dict[str, Any]:
        def identity(name: str, *, key: str, secret: str, actions: list[str]) -> dict[str, Any]:
            return {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}

        admin = identity(
            "admin", key=self.key, secret=self.secret, actions=["Admin", "Read", "List", "Tagging", "Write"]
        )
        others = [
            identity(role, key=f"role-{role}", secret=f"{role}-{self.secret}", actions=actions)
            for role, actions in self.roles.items()
        ]
        kms = {"default_provider": "local", "providers": {"local": {"type": "local", "enableOnDemandCreate": True}}}
        return {"identities": [admin, *others], "kms": kms}

    def _wait(self) -> None:
        """Until the server lists its buckets for us. Raises RuntimeError with the log when it never does."""
        from botocore.exceptions import BotoCoreError, ClientError

        assert self._process is not None
        client, begun, last = self.client(), time.monotonic(), "nothing was asked yet"
        while (waited := time.monotonic() - begun) < READY_WITHIN and self._process.poll() is None:
            try:
                client.list_buckets()
            except (BotoCoreError, ClientError) as error:
                last = str(error)
                time.sleep(0.1)
            else:
                self.seconds_to_ready = time.monotonic() - begun
                return
        raise RuntimeError(
            f"weed mini is not ready after {waited:.0f} s (exit status {self._process.poll()}): {last}\n{self.log()}"
        )

    def _stop(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
        for part in _PARTS:  # the places of these sockets cannot be chosen
            Path(f"/tmp/seaweedfs-{part}-grpc-{self._ports.get(f'{part}.port.grpc')}.sock").unlink(missing_ok=True)


def _binary() -> str:
    beside_python = Path(sys.executable).parent / "weed"
    found = str(beside_python) if beside_python.exists() else shutil.which("weed")
    if found is None:
        raise RuntimeError("no `weed` found beside this python or on PATH; install the extra `system`")
    return found
