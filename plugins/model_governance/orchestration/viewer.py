"""The governance app behind Airflow's login. Only the plugin imports this module, and only in the api-server."""

from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.dag import DagModel
from airflow.sdk import conf
from fastapi import FastAPI, HTTPException, Path, Request  # noqa: TID253 - only the api-server comes here

from model_governance.orchestration.board import airflow_board
from model_governance.ui.app import Guards, create_app

# No `from __future__ import annotations` here: FastAPI reads the annotations of the guards as they stand.

NO_DAG = "There is no such DAG, or you may not see its runs."
_require_runs = requires_access_dag("GET", DagAccessEntity.RUN)


def may_read_runs_of_dag(request: Request, dag_id: Annotated[str, Path()], user: GetUserDep) -> None:
    """Admit users who may read the runs of this DAG; whoever may not learns not even whether it exists."""
    try:
        _require_runs(request, user)
    except HTTPException as error:
        raise HTTPException(404, NO_DAG) from error
    # Airflow's own check does not test whether the DAG exists.
    if DagModel.get_dagmodel(dag_id) is None:
        raise HTTPException(404, NO_DAG)


def readable_dags(user: GetUserDep) -> frozenset[str]:
    """The DAGs that the user may read together with their runs."""
    manager = get_auth_manager()
    with_teams = conf.getboolean("core", "multi_team", fallback=False)

    def may_read_runs(dag_id: str) -> bool:
        team = DagModel.get_team_name(dag_id) if with_teams else None
        details = DagDetails(id=dag_id, team_name=team)
        return bool(
            manager.is_authorized_dag(method="GET", access_entity=DagAccessEntity.RUN, details=details, user=user)
        )

    return frozenset(filter(may_read_runs, manager.get_authorized_dag_ids(user=user, method="GET")))


def guarded_app() -> FastAPI:
    """The app with Airflow's guards in front of every route."""
    return create_app(airflow_board(), Guards(dag=may_read_runs_of_dag, readable=readable_dags))
