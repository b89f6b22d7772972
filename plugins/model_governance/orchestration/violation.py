"""The exception that fails a task for good."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowFailException


class GovernanceViolation(AirflowFailException):
    """A verdict that stops the run. Airflow does not retry it: the same evidence gives the same verdict."""
