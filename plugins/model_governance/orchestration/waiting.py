"""Waiting for the data of a run, without a worker that is busy with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseSensorOperator
from airflow.sdk.exceptions import AirflowSensorTimeout

from model_governance.orchestration.operators import COLOUR, read_policy, rendered_sources, templated_sources
from model_governance.orchestration.run_moment import AnyRunOperator, run_from_context
from model_governance.orchestration.stores import AirflowConnections
from model_governance.orchestration.task_log import quiet_libraries
from model_governance.subjects.presence import missing_data

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from airflow.sdk import Context

    from model_governance.policy import Policy

EVERY_SECONDS = 60.0


class WaitForDataOperator(AnyRunOperator, BaseSensorOperator):
    """Ends when every dataset of a policy is there, and every asset that the policy waits for was updated.

    A file is there, a file of the run's partition, a table of a lake with the version or partition that is asked for, or a table
    of a database that holds a row. Between two looks the task is rescheduled and holds no slot of a worker. When the time is
    over it ends too, so that the checks say, in the evidence of the run, what is missing. Queries, and labels that need time
    to be complete, are not waited for.

    :param policy: the policy's file, best an absolute path, or a policy that was read already
    :param timeout: seconds after which it waits no longer
    """

    template_fields: Sequence[str] = ("sources",)
    ui_color = COLOUR

    def __init__(self, *, policy: str | os.PathLike[str] | Policy, **kwargs: Any) -> None:
        super().__init__(mode="reschedule", **{"poke_interval": EVERY_SECONDS, **kwargs})
        self.policy = read_policy(policy)
        self.sources = templated_sources(self.policy)
        wait = self.policy.schedule.wait_for_data
        self.assets = [Asset(uri=uri) for uri in wait.assets] if wait else []
        self.add_inlets(self.assets)

    def execute(self, context: Context) -> None:
        """Look; be rescheduled, or end."""
        try:
            super().execute(context)
        except AirflowSensorTimeout:
            self.log.error(
                "waited %.0f minutes and no longer: the checks run and say what is missing", self.timeout / 60
            )

    def poke(self, context: Context) -> bool:
        """Whether everything is there; logs what is missing.

        Raises:
            SubjectUnreachable: a place does not answer; Airflow tries again.
        """
        with quiet_libraries():
            missing = [
                sentence
                for role, spec in rendered_sources(self.policy, self.sources).items()
                if not (role == "labels" and spec.maturity_days)
                and (sentence := missing_data(spec, folder=self.policy.folder, connections=AirflowConnections()))
            ]
        missing += _not_updated(self.assets, context)
        for sentence in missing:
            self.log.info("not there yet: %s", sentence)
        return not missing


def _not_updated(assets: Sequence[Asset], context: Context) -> list[str]:
    """A sentence for each asset without an event since the start of the run's data interval."""
    since = context.get("data_interval_start") or run_from_context(context).logical_date
    return [
        f"asset {asset.uri}: not updated since {since:%Y-%m-%d %H:%M} UTC"
        for asset in assets
        if not len(context["inlet_events"][asset].after(since.isoformat()).limit(1))
    ]
