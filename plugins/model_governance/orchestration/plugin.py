"""The Airflow plugin: the report link and, in the api-server, the report viewer."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from model_governance.orchestration.stores import URL_PREFIX, GovernanceReportLink

log = logging.getLogger(__name__)


class GovernancePlugin(AirflowPlugin):
    """Registered once, through the entry point `airflow.plugins`."""

    name = "model_governance"
    operator_extra_links = [GovernanceReportLink()]  # noqa: RUF012 - Airflow's own idiom

    # Cached and lazy: every Airflow process loads plugins, only the api-server asks for this.
    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """The report viewer behind Airflow's own login; nothing at all if that login is not to be had."""
        try:
            from model_governance.orchestration.viewer import guarded_app
        except ImportError:
            log.exception("the report viewer is off: Airflow's access checks cannot be imported")
            return []
        return [{"app": guarded_app(), "url_prefix": URL_PREFIX, "name": "Model governance"}]
