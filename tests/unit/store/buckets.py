"""Buckets on moto over real HTTP, and faults for the real boto3 client."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from model_governance.contract.protection import Protection
from model_governance.store.s3 import S3Store

if TYPE_CHECKING:
    from collections.abc import Callable


HTML = "text/html"
KEY_ID = "AKIAPLANTEDKEYID"
SECRET = "planted-secret-of-the-test"


@dataclass
class Bucket:
    """A bucket of its own and a client that faults can be planted into."""

    name: str
    client: Any
    calls: list[str] = field(default_factory=list)

    def store(self, prefix: str = "gov", **protection: Any) -> S3Store:
        return S3Store(f"s3://{self.name}/{prefix}", client=self.client, protection=Protection(**protection))

    def inject(self, event: str, fault: Callable[..., Any]) -> None:
        self.client.meta.events.register(event, fault)

    def versions(self, name: str) -> list[str]:
        """Ids of all versions of an object, the newest first."""
        answer = self.client.list_object_versions(Bucket=self.name, Prefix=name)
        return [entry["VersionId"] for entry in answer.get("Versions", ()) if entry["Key"] == name]


def connect(endpoint: str) -> Any:
    config = Config(
        s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 3}, max_pool_connections=16
    )
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        config=config,
    )


_numbers = itertools.count()


def refusal(code: str, status: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": f"{SECRET} {KEY_ID}"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutObject")


def raise_times(times: int, error: Exception) -> Callable[..., None]:
    """A fault that goes away after so many calls."""
    left = iter(range(times))

    def fault(**_: Any) -> None:
        if next(left, None) is not None:
            raise error

    return fault
