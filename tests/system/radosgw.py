"""A second opinion on S3: Ceph's gateway with one monitor and one OSD in memory (Debian: radosgw, ceph-mon, ceph-osd)."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import struct
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from system.server import HOST, REGION, S3Server, free_ports

PROGRAMS = ("radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool")
READY_WITHIN = 90.0  # seconds
CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = [v2:{host}:{v2},v1:{host}:{v1}]
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = {folder}/keyring
run dir = {folder}
log file = {folder}/$name.log
pid file = {folder}/$name.pid
admin socket = {folder}/$name.asok
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1
osd crush chooseleaf type = 0
osd objectstore = memstore
osd class load list = *
osd class default list = *
ms bind port min = {low}
ms bind port max = {high}
mon data = {folder}/mon
osd data = {folder}/osd
rgw frontends = beast endpoint={host}:{port}
rgw thread pool size = 16
rgw run sync thread = false
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = evidence={kms}
"""


def is_installed() -> bool:
    """Whether the Debian packages are there; they need an administrator, so that no test installs them."""
    return all(shutil.which(program) for program in PROGRAMS)


@dataclass
class RadosGateway(S3Server):
    """The gateway with its cluster in a folder of its own; a context manager."""

    key: str = "RADOSGWTESTWRITER000"
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list, init=False)

    def _begin(self) -> None:
        self._configure()
        self._start_monitor()
        self._start_osd()
        self._start_gateway()

    def client(self, *, through: str = "") -> Any:
        """A boto3 client with the right credentials."""
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3", endpoint_url=through or self.endpoint_url, region_name=REGION, aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            config=Config(
                s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 3}, max_pool_connections=16
            ),
        )  # fmt: skip

    def _configure(self) -> None:
        v1, v2, port = free_ports(3)
        low = max(v1, v2, port) - 200
        text = CONFIGURATION.format(
            fsid=uuid.uuid4(), host=HOST, v1=v1, v2=v2, port=port, folder=self._folder, low=low, high=low + 190,
            kms=base64.b64encode(secrets.token_bytes(32)).decode(),
        )  # fmt: skip
        Path(self._folder, "ceph.conf").write_text(text)
        self.endpoint_url = f"http://{HOST}:{port}"
        self._monitor = f"[v2:{HOST}:{v2},v1:{HOST}:{v1}]"

    def _start_monitor(self) -> None:
        keyring = f"{self._folder}/keyring"
        for name, caps in {
            "mon.": {"mon": "allow *"},
            "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
            "client.rgw": {"mon": "allow rwx", "osd": "allow rwx"},
        }.items():
            words = [word for part, cap in caps.items() for word in ("--cap", part, cap)]
            new = [] if Path(keyring).exists() else ["--create-keyring"]
            self._run("ceph-authtool", *new, keyring, "--gen-key", "-n", name, *words)
        self._run("monmaptool", "--create", "--addv", "a", self._monitor, f"{self._folder}/monmap")
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", f"{self._folder}/monmap", "--keyring", keyring)
        self._spawn("ceph-mon", "-f", "-i", "a")
        self._until("the monitor", lambda: "quorum" in self._run("ceph", "mon", "stat"))

    def _start_osd(self) -> None:
        # A cephx key: type 1, seconds, nanoseconds, length, 16 random bytes.
        secret = base64.b64encode(struct.pack("<hiih", 1, int(time.time()), 0, 16) + secrets.token_bytes(16)).decode()
        identity, folder = str(uuid.uuid4()), Path(self._folder, "osd")
        folder.mkdir()
        described = Path(self._folder, "osd.json")
        described.write_text(json.dumps({"cephx_secret": secret}))
        self._run("ceph", "osd", "new", identity, "-i", str(described))
        self._run("ceph-authtool", "--create-keyring", f"{folder}/keyring", "-n", "osd.0", "--add-key", secret)
        osd = ("ceph-osd", "-i", "0", "--keyring", f"{folder}/keyring")
        self._run(*osd, "--mkfs", "--osd-uuid", identity)
        self._spawn(*osd, "-f")
        self._until("the OSD", lambda: "1 up" in self._run("ceph", "osd", "stat"))

    def _start_gateway(self) -> None:
        self._run(
            "radosgw-admin", "user", "create", "--uid=governance", "--display-name=governance",
            f"--access-key={self.key}", f"--secret-key={self.secret}",
        )  # fmt: skip
        self._spawn("radosgw", "-f", "-n", "client.rgw")
        client = self.client()
        self._until("the gateway", lambda: "Buckets" in client.list_buckets())

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            [*command, "-c", f"{self._folder}/ceph.conf"] if command[0] not in ("ceph-authtool", "monmaptool") else command,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def _spawn(self, *command: str) -> None:
        with Path(self._folder, f"{command[0]}.out").open("wb") as out:
            self._processes.append(
                subprocess.Popen(
                    [*command, "-c", f"{self._folder}/ceph.conf"], stdin=subprocess.DEVNULL, stdout=out,
                    stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"], "HOME": self._folder},
                )
            )  # fmt: skip

    def _until(self, what: str, ready: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        begun = time.monotonic()
        while time.monotonic() - begun < READY_WITHIN:
            with contextlib.suppress(RuntimeError, BotoCoreError, ClientError, subprocess.TimeoutExpired):
                if ready():
                    return
            time.sleep(0.2)
        logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in Path(self._folder).glob("*.out"))
        raise RuntimeError(f"{what} of Ceph is not ready after {READY_WITHIN:.0f} s\n{logs}")

    def _stop(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait(timeout=30)
        shutil.rmtree(self._folder, ignore_errors=True)
