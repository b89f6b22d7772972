"""How bytes, rows and endpoints are reached: clients, engines and tokens, plain here, through Airflow in orchestration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Connections(Protocol):
    """Turns the name of a connection into a client; None means the surroundings decide."""

    def s3(self, name: str | None) -> Any:
        """A boto3 S3 client."""

    def engine(self, name: str) -> Engine:
        """An SQLAlchemy engine."""

    def token(self, name: str) -> str:
        """A bearer token."""


class PlainConnections:
    """Connections without Airflow: boto3 takes credentials and endpoint from its usual environment."""

    def s3(self, name: str | None) -> Any:
        """A boto3 S3 client from the environment.

        Raises:
            SubjectError: a named connection was asked for, which only Airflow knows.
        """
        if name is not None:
            raise _only_airflow_knows(name)
        import boto3

        return boto3.client("s3")

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


def _only_airflow_knows(name: str) -> SubjectError:
    return SubjectError(
        f"connection {name!r} is an Airflow connection and this run is outside Airflow; "
        "run the DAG, or leave `connection` out and use the environment (AWS_*) or an SQLAlchemy uri"
    )
