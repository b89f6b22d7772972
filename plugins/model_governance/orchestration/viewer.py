"""The report viewer behind Airflow's login. Only the plugin imports this module, and only in the api-server."""

from functools import cache
from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.models.dag import DagModel
from fastapi import Depends, FastAPI, HTTPException, Path  # noqa: TID253 - only the api-server comes here

from model_governance.orchestration.stores import configured_location
from model_governance.store import ArtifactStore
from model_governance.ui.app import create_app

# No `from __future__ import annotations` here: FastAPI reads the annotations of the guard as they stand.


@cache
def configured_store() -> ArtifactStore:
    """The store of the configuration, opened at the first request."""
    return configured_location().open()


def may_read_runs_of_dag(
    dag_id: Annotated[str, Path()], _: Annotated[None, Depends(requires_access_dag("GET", DagAccessEntity.RUN))]
) -> None:
    """Admit users who may read the runs of this DAG; Airflow's own check does not test whether the DAG exists."""
    if DagModel.get_dagmodel(dag_id) is None:
        raise HTTPException(404, "There is no such DAG.")


def guarded_app() -> FastAPI:
    """The viewer with Airflow's guard in front of every route."""
    return create_app(configured_store, guard=may_read_runs_of_dag)
