"""The Airflow plugin: the report link, the views of the board and, in the api-server, the app behind them."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from model_governance.orchestration.stores import URL_PREFIX, GovernanceReportLink

log = logging.getLogger(__name__)


# Relative addresses, which Airflow resolves against its own base: they survive a prefix of a proxy.
_DAG = f"{URL_PREFIX[1:]}/dags/{{DAG_ID}}"
VIEWS = [
    {"name": "Governance", "href": f"{URL_PREFIX[1:]}/", "destination": "nav", "url_route": "governance"},
    {"name": "Governance", "href": _DAG, "destination": "dag", "url_route": "governance-dag"},
    {"name": "Governance", "href": f"{_DAG}/runs/{{RUN_ID}}", "destination": "dag_run", "url_route": "governance-run"},
    {
        "name": "Findings",
        "href": f"{_DAG}/runs/{{RUN_ID}}/tasks/{{TASK_ID}}?map_index={{MAP_INDEX}}",
        "destination": "task_instance",
        "url_route": "governance-findings",
    },
]


class GovernancePlugin(AirflowPlugin):
    """Registered once, through the entry point `airflow.plugins`."""

    name = "model_governance"
    operator_extra_links = [GovernanceReportLink()]  # noqa: RUF012 - Airflow's own idiom
    external_views = VIEWS

    # Cached and lazy: every Airflow process loads plugins, only the api-server asks for this.
    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """The governance app behind Airflow's own login; nothing at all if that login is not to be had."""
        try:
            from model_governance.orchestration.viewer import guarded_app
        except ImportError:
            log.exception("the governance board is off: Airflow's access checks cannot be imported")
            return []
        return [{"app": guarded_app(), "url_prefix": URL_PREFIX, "name": "Model governance"}]
