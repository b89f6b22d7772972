"""Airflow connections as S3 clients, SQL engines and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.errors import SubjectError

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from sqlalchemy import Engine


class AirflowConnections:
    """Implements `model_governance.contract.connections.Connections` with the connections of this Airflow."""

    def s3(self, name: str | None) -> Any:
        """A boto3 S3 client with the credentials, role, endpoint and proxies of an `aws` connection.

        None gives a plain boto3 client, which takes them from its usual environment.

        Raises:
            SubjectError: Airflow knows no connection of this name.
        """
        if name is None:
            import boto3

            return boto3.client("s3")
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

        # The hook falls back to the environment when a connection is missing: evidence would be written
        # with the wrong credentials, so a missing connection is refused first.
        _connection(name)
        return AwsBaseHook(aws_conn_id=name, client_type="s3").get_conn()

    def engine(self, name: str) -> Engine:
        """An SQLAlchemy engine: the one of the connection's hook, or one on its uri where there is no hook.

        Raises:
            SubjectError: Airflow knows no connection of this name.
        """
        from airflow.sdk.exceptions import AirflowException
        from sqlalchemy import create_engine

        connection = _connection(name)
        try:
            hook = connection.get_hook()
        except AirflowException:  # no provider offers a hook for this type
            hook = None
        if hasattr(hook, "get_sqlalchemy_engine"):
            engine: Engine = hook.get_sqlalchemy_engine()
            return engine
        return create_engine(connection.get_uri())

    def token(self, name: str) -> str:
        """The password of a connection, as the bearer token of an inference endpoint.

        Raises:
            SubjectError: Airflow knows no connection of this name, or it has no password.
        """
        token = _connection(name).password
        if not token:
            raise SubjectError(f"Airflow connection {name!r} has no password; put the endpoint's bearer token there")
        return str(token)


def _connection(name: str) -> Connection:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException
    from airflow.sdk.log import mask_secret

    try:
        connection = BaseHook.get_connection(name)
    except AirflowNotFoundException as error:
        raise SubjectError(
            f"Airflow has no connection {name!r}; add it (airflow connections add {name}, "
            f"or the variable AIRFLOW_CONN_{name.upper()}), or correct the name in the policy"
        ) from error
    if connection.password:
        mask_secret(connection.password)
    return connection
