"""The button on a task's page that opens its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class GovernanceReportLink(BaseOperatorLink):
    """Opens the report of a check, or the page of the run for archive, retraining and gate."""

    name = "Governance report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow names it
        """The address that the operator found while it ran; empty when it stored no report.

        Airflow asks right after `execute`, in the same process, whether or not the task failed.
        """
        return str(getattr(operator, "report_address", ""))
