"""The governance app: the board, its data as JSON, and stored objects, each behind the guards that are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI  # noqa: TID253 - only the api-server comes here
from starlette.exceptions import HTTPException
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations
from starlette.responses import JSONResponse, PlainTextResponse, Response

from model_governance.ui.board import pages
from model_governance.ui.board.routes import add_api, add_pages
from model_governance.ui.conditional import ConditionalRoute
from model_governance.ui.stored import HEADERS, STATIC_POLICY, reported_page, stored_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_governance.ui.board.board import Board

NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """FastAPI dependencies that stand before the routes.

    Attributes:
        dag: admits who may read the runs of the DAG in the path parameter `dag_id`; raises HTTPException 401 without a login,
            and 404 for a DAG that does not exist and for one that the user may not see.
        readable: gives the ids of the DAGs whose runs the user may read, as a frozenset; raises HTTPException 401.
    """

    dag: Callable[..., Any]
    readable: Callable[..., Any]


def create_app(board: Board, guards: Guards) -> FastAPI:
    """The governance app as an ASGI app; every route has a guard.

    Whoever may read the runs of a DAG sees the models and runs of this DAG, and the objects that these runs name. Lists and
    totals hold nothing of other DAGs.
    """
    app = FastAPI(title="Model governance", docs_url=None, redoc_url=None, openapi_url=None)
    app.router.route_class = ConditionalRoute
    of_dag = [Depends(guards.dag)]

    @app.get("/dags/{dag_id}/store/{key:path}", dependencies=of_dag)
    def stored(dag_id: str, key: str, run: str = "") -> Response:
        return stored_object(board, dag_id, key, run)

    @app.get("/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/report", dependencies=of_dag)
    def report(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Response:
        found = board.surroundings.reported(dag_id, run_id, task_id, map_index)
        if found is None:
            raise HTTPException(404, "This task has stored no report.")
        return reported_page(board, found["report"], dag_id=dag_id, run_id=run_id)

    add_pages(app, board, dag=of_dag, readable=guards.readable)
    add_api(app, board, dag=of_dag, readable=guards.readable)
    app.add_exception_handler(HTTPException, _refused)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    """A refusal of a guard or a route, never cached: JSON for programs, plain text for stored objects, else a page."""
    if not isinstance(error, HTTPException):
        raise error
    headers = {**(error.headers or {}), **HEADERS, **NO_STORE, "Content-Security-Policy": STATIC_POLICY}
    path = pages.route_of(request)
    if path.startswith("/api/"):
        problem = {"type": "about:blank", "title": error.detail, "status": error.status_code}
        return JSONResponse(problem, error.status_code, headers, media_type="application/problem+json")
    if "/store/" in path or path.endswith("/report") or error.status_code == 401:
        return PlainTextResponse(f"{error.detail}\n", error.status_code, headers)
    answer = pages.message(
        None, path=path, title="Not found" if error.status_code == 404 else "Not shown", sentence=error.detail,
        status=error.status_code,
    )  # fmt: skip
    answer.headers["Cache-Control"] = "no-store"
    return answer
