"""What every S3 server of the system tests is: a process with a folder of its own, and how tests reach it."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import socket
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
REGION = "us-east-1"


@dataclass
class S3Server:
    """A context manager; a subclass starts the server in `_folder` and ends it, and says how a client is made."""

    key: str = "test-writer"
    secret: str = field(default_factory=lambda: secrets.token_hex(20), repr=False)
    endpoint_url: str = field(default="", init=False)
    _folder: str = field(default="", init=False)
    _names: itertools.count[int] = field(default_factory=itertools.count, init=False)

    def __enter__(self) -> Self:
        self._folder = tempfile.mkdtemp(prefix="s3-server-")
        try:
            self._begin()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def client(self) -> Any:
        """A boto3 client with the right credentials."""
        raise NotImplementedError

    def surroundings(self) -> dict[str, str]:
        """The environment variables that lead boto3 to this server, and to nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url, "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": REGION, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }  # fmt: skip

    def new_bucket(self, *, versioned: bool = False, locked: bool = False) -> str:
        """The name of an empty bucket nobody else uses; Object Lock brings versioning with it."""
        name, client = f"bucket-{next(self._names)}", self.client()
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
        if versioned and not locked:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def _begin(self) -> None:
        raise NotImplementedError

    def _stop(self) -> None:
        raise NotImplementedError


def free_ports(count: int) -> list[int]:
    """Ports that are free now, all different because all are held until the last is known."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]
