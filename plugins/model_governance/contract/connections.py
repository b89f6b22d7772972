"""How bytes, rows and endpoints are reached: clients, engines and tokens, plain here, through Airflow in orchestration."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from sqlalchemy import Engine


S3_ATTEMPTS = 8
CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """Where copies of S3 objects are kept for the other checks of a run on this machine, and how many bytes of them."""

    folder: Path
    max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """Signing key and trust file of this installation, for policies that name none; relative paths start at `folder`."""

    folder: Path
    signing_key: str | None = None
    trust: str | None = None


class Connections(Protocol):
    """Turns the name of a connection into a client; None means the surroundings decide.

    `cache` is the content cache of this machine, None where S3 objects are fetched for every check.
    """

    @property
    def cache(self) -> CacheSettings | None:
        """The content cache of this machine."""

    @property
    def keys(self) -> KeySettings:
        """Signing key and trust file of this installation."""

    def s3(self, name: str | None) -> Any:
        """A boto3 S3 client."""

    def engine(self, name: str) -> Engine:
        """An SQLAlchemy engine."""

    def token(self, name: str) -> str:
        """A bearer token."""

    def secret(self, name: str) -> str:
        """A private key."""

    def kms(self, name: str | None) -> Any:
        """A boto3 client of AWS KMS."""


def plain_s3_client() -> Any:
    """A boto3 S3 client whose credentials, region, endpoint, proxies and CA bundle come from boto3's own sources.

    Adaptive retries and a short time to connect hold unless the environment or the profile sets its own. A checksum is
    sent where an operation requires one or the caller gives one: boto3's default, a trailing checksum on every upload,
    is refused by Ceph RGW over HTTPS (411 MissingContentLength).
    """
    import boto3
    from botocore.config import Config

    session = boto3.session.Session()
    profile = session._session.get_scoped_config()  # noqa: SLF001 - boto3 has no public way to the profile
    retries: dict[str, Any] = {}
    if not {"retry_mode", "AWS_RETRY_MODE"} & {*profile, *os.environ}:
        retries["mode"] = "adaptive"
    if not {"max_attempts", "AWS_MAX_ATTEMPTS"} & {*profile, *os.environ}:
        retries["total_max_attempts"] = S3_ATTEMPTS
    return session.client(
        "s3",
        config=Config(retries=retries, connect_timeout=CONNECT_SECONDS, request_checksum_calculation="when_required"),
    )


class PlainConnections:
    """Connections without Airflow: boto3 takes credentials and endpoint from its usual environment. No cache."""

    cache: CacheSettings | None = None

    @property
    def keys(self) -> KeySettings:
        """Those in the environment variables MODEL_GOVERNANCE_SIGNING_KEY and MODEL_GOVERNANCE_TRUST."""
        return KeySettings(
            folder=Path.cwd(), signing_key=os.environ.get("MODEL_GOVERNANCE_SIGNING_KEY") or None,
            trust=os.environ.get("MODEL_GOVERNANCE_TRUST") or None,
        )  # fmt: skip

    def s3(self, name: str | None) -> Any:
        """A boto3 S3 client from the environment, as `plain_s3_client` makes it.

        Raises:
            SubjectError: a named connection was asked for, which only Airflow knows.
        """
        if name is not None:
            raise _only_airflow_knows(name)
        return plain_s3_client()

    def engine(self, name: str) -> Engine:
        """Never available: named databases live in Airflow. Raises SubjectError."""
        raise _only_airflow_knows(name)

    def token(self, name: str) -> str:
        """The bearer token in the environment variable MODEL_GOVERNANCE_TOKEN_<NAME>.

        Raises:
            SubjectError: it is not set.
        """
        variable = f"MODEL_GOVERNANCE_TOKEN_{name.upper()}"
        token = os.environ.get(variable)
        if not token:
            raise SubjectError(
                f"connection {name!r}: no token; set {variable}, or run the DAG with an Airflow connection"
            )
        return token

    def secret(self, name: str) -> str:
        """Never available: named secrets live in Airflow. Raises SubjectError."""
        raise SubjectError(
            f"connection {name!r} is an Airflow connection and this run is outside Airflow; "
            "run the DAG, or name the signing key as file:PATH or env:VARIABLE"
        )

    def kms(self, name: str | None) -> Any:
        """A boto3 client of AWS KMS from the environment.

        Raises:
            SubjectError: a named connection was asked for, which only Airflow knows.
        """
        if name is not None:
            raise _only_airflow_knows(name)
        import boto3

        return boto3.client("kms")


def _only_airflow_knows(name: str) -> SubjectError:
    return SubjectError(
        f"connection {name!r} is an Airflow connection and this run is outside Airflow; "
        "run the DAG, or leave `connection` out and use the environment (AWS_*) or an SQLAlchemy uri"
    )
