"""The addresses of the board: pages below the root, their data below `/api/v1`. State is in the query string."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import Depends  # noqa: TID253 - only the api-server comes here
from starlette.exceptions import HTTPException
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations
from starlette.responses import JSONResponse, Response

from model_governance.errors import GovernanceError
from model_governance.ui.board import api, pages
from model_governance.ui.board.compare_page import comparison
from model_governance.ui.board.controls_page import controls_view
from model_governance.ui.board.model_page import RANGES, model_view
from model_governance.ui.board.portfolio import csv_of, portfolio, query_of
from model_governance.ui.board.run_page import run_view

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from fastapi import FastAPI

    from model_governance.ui.board.board import Board

log = logging.getLogger(__name__)

GOING_ON = ("queued", "running")
FAILED = ("failed", "upstream_failed")
NOT_KNOWN = "There is nothing here that you may see."


def add_pages(app: FastAPI, board: Board, *, dag: Sequence[Any], readable: Callable[..., Any]) -> None:
    """Add the pages, each behind a guard."""
    _add_lists(app, board, readable)
    _add_tabs(app, board, dag)


def add_api(app: FastAPI, board: Board, *, dag: Sequence[Any], readable: Callable[..., Any]) -> None:
    """Add the data of the pages as JSON, each behind a guard."""
    may_read: Any = Depends(readable)
    root = "/api/v1"

    @app.get(f"{root}/models")
    def models(
        request: Request, limit: str = "", cursor: str = "", dag_ids: frozenset[str] = may_read
    ) -> Response:  # fmt: skip
        board.refresh_soon()
        seen, silent, halts = _seen(board, dag_ids)
        query = replace(query_of(request.query_params), page=1)
        answer = api.models_answer(
            board, seen, query, now=time.time(), ungoverned=silent, halts=halts, limit=limit, cursor=cursor
        )  # fmt: skip
        return _json(answer)

    @app.get(f"{root}/coverage")
    def coverage(catalog: str = "", dag_ids: frozenset[str] = may_read) -> Response:
        view = controls_view(board.index, board.index.models(dag_ids=dag_ids), catalog=catalog, now=time.time())
        return _json(view | {"models": [{name: each[name] for name in ("model", "dag_id")} for each in view["models"]]})

    @app.get(f"{root}/health", dependencies=[may_read])
    def health() -> Response:
        return _json(api.health_answer(board))

    @app.get(f"{root}/dags/{{dag_id}}/models/{{model}}", dependencies=dag)
    def model_data(dag_id: str, model: str) -> Response:
        return _json(api.model_answer(board, _model(board, dag_id, model), now=time.time()))

    @app.get(f"{root}/dags/{{dag_id}}/evidence/{{name}}", dependencies=dag)
    def run_data(dag_id: str, name: str, verify: int = 0) -> Response:
        model, run = _run(board, dag_id, name)
        return _json(api.run_answer(board, _view(board, model, run, verify=bool(verify))))

    @app.get(f"{root}/dags/{{dag_id}}/compare", dependencies=dag)
    def compare_data(dag_id: str, a: str = "", b: str = "") -> Response:
        view = _comparison(board, dag_id, a, b)
        return _json({name: view[name] for name in ("same", "differs", "counts", "rows")})


def _add_lists(app: FastAPI, board: Board, readable: Callable[..., Any]) -> None:
    may_read: Any = Depends(readable)

    @app.get("/")
    def models(request: Request, dag_ids: frozenset[str] = may_read) -> Response:
        board.refresh_soon()
        query = query_of(request.query_params)
        seen, silent, halts = _seen(board, dag_ids)
        found = portfolio(seen, query, now=time.time(), ungoverned=silent, halts=halts)
        return pages.portfolio_page(board, found, query, path=pages.route_of(request))

    @app.get("/models.csv")
    def models_csv(request: Request, dag_ids: frozenset[str] = may_read) -> Response:
        seen, _, halts = _seen(board, dag_ids)
        text = csv_of(seen, query_of(request.query_params), now=time.time(), halts=halts)
        headers = {**pages.HEADERS, "Content-Disposition": 'attachment; filename="models.csv"'}
        return Response(text, headers=headers, media_type="text/csv; charset=utf-8")

    @app.get("/coverage")
    def coverage(request: Request, catalog: str = "", dag_ids: frozenset[str] = may_read) -> Response:
        board.refresh_soon()
        view = controls_view(board.index, board.index.models(dag_ids=dag_ids), catalog=catalog, now=time.time())
        return pages.page(board, "controls.html", path=pages.route_of(request), here="coverage", view=view)

    @app.get("/static/board.js", dependencies=[may_read])
    def script() -> Response:
        headers = {**pages.HEADERS, "Cache-Control": "private, max-age=300"}
        return Response(pages.SCRIPT.read_bytes(), headers=headers, media_type="text/javascript; charset=utf-8")


def _add_tabs(app: FastAPI, board: Board, dag: Sequence[Any]) -> None:
    @app.get("/dags/{dag_id}", dependencies=dag)
    def dag_tab(request: Request, dag_id: str) -> Response:
        board.refresh_soon()
        return _dag_page(board, request, dag_id)

    @app.get("/dags/{dag_id}/models/{model}", dependencies=dag)
    def model_page(request: Request, dag_id: str, model: str) -> Response:
        board.refresh_soon()
        return _model_page(board, request, _model(board, dag_id, model))

    @app.get("/dags/{dag_id}/evidence/{name}", dependencies=dag)
    def evidence(request: Request, dag_id: str, name: str, verify: int = 0) -> Response:
        return _run_page(board, request, _run(board, dag_id, name), verify=bool(verify))

    @app.get("/dags/{dag_id}/compare", dependencies=dag)
    def compare(request: Request, dag_id: str, a: str = "", b: str = "") -> Response:
        view = _comparison(board, dag_id, a, b)
        return pages.page(board, "compare.html", path=pages.route_of(request), view=view)

    @app.get("/dags/{dag_id}/runs/{run_id}", dependencies=dag)
    def run_tab(request: Request, dag_id: str, run_id: str) -> Response:
        board.refresh_soon()
        return _run_tab(board, request, dag_id, run_id)

    @app.get("/dags/{dag_id}/runs/{run_id}/tasks/{task_id}", dependencies=dag)
    def task_tab(request: Request, dag_id: str, run_id: str, task_id: str, map_index: str = "-1") -> Response:
        board.refresh_soon()
        place = int(map_index) if map_index.lstrip("-").isdecimal() and len(map_index) < 9 else -1
        return _task_tab(board, request, dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=place)


def _json(answer: Mapping[str, Any]) -> Response:
    headers = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
    return JSONResponse(answer, headers=headers)


def _seen(
    board: Board, dag_ids: Collection[str]
) -> tuple[list[dict[str, Any]], Sequence[Mapping[str, Any]], Mapping[str, Sequence[str]]]:
    """The models of these DAGs, those of these DAGs that are models' and have no evidence, and which DAGs run no more."""
    models = board.index.models(dag_ids=dag_ids)
    return models, board.surroundings.ungoverned(dag_ids, models), board.surroundings.halts(models)


def _model(board: Board, dag_id: str, name: str) -> dict[str, Any]:
    """The model as this DAG governs it; where several archives hold it, the one with the newest evidence."""
    found = [model for model in board.index.models(dag_ids={dag_id}) if model["model"] == name]
    if not found:
        raise HTTPException(404, NOT_KNOWN)
    return max(found, key=lambda model: float(model["recorded"]))


def _run(board: Board, dag_id: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    found = board.index.run_named(name, dag_id=dag_id)
    if found is None:
        raise HTTPException(404, NOT_KNOWN)
    return found


def _view(board: Board, model: Mapping[str, Any], run: Mapping[str, Any], *, verify: bool) -> dict[str, Any]:
    """The view of a run. Raises HTTPException 502 where the archive does not answer."""
    try:
        return run_view(board.index, board.stores.open(model["archive"]), model, run, all_objects=verify)
    except GovernanceError as error:
        log.exception("the board cannot read run %s", run["name"])
        raise HTTPException(
            502,
            f"The archive does not answer, so this run cannot be shown. The index says: {run['outcome']}. Try again; the "
            "api-server's log says why.",
        ) from error


def _comparison(board: Board, dag_id: str, a: str, b: str) -> dict[str, Any]:
    (model, first), (other, second) = _run(board, dag_id, a), _run(board, dag_id, b)
    if model["id"] != other["id"]:
        raise HTTPException(404, "These are runs of two models; two runs of one model can be compared.")
    return comparison(board.index, model, first, second)


def _dag_page(board: Board, request: Request, dag_id: str) -> Response:
    models = board.index.models(dag_ids={dag_id})
    path = pages.route_of(request)
    if len(models) == 1:
        return _model_page(board, request, models[0])
    if models:
        root = pages.root_of(path)
        links = [(pages.address_of(root, "dags", dag_id, "models", model["model"]), model["model"]) for model in models]
        return pages.message(
            board, path=path, title=dag_id, sentence=f"This Dag governs {len(models)} models.", links=links
        )
    return pages.message(
        board, path=path, title=dag_id, sentence="No evidence of a model is archived by this Dag. To govern one, write a policy:",
        command="model-governance policy init --model model.skops --reference reference.parquet --output policies/my_model.yaml",
    )  # fmt: skip


def _model_page(board: Board, request: Request, model: Mapping[str, Any]) -> Response:
    asked = request.query_params.get("runs", "")
    span = int(asked) if asked in map(str, RANGES) else RANGES[1]
    halt = board.surroundings.halts([model]).get(model["dag_id"], ())
    view = model_view(
        board.index, model, now=time.time(), span=span, chosen=request.query_params.get("metric", ""), halt=halt
    )  # fmt: skip
    return pages.page(board, "model.html", path=pages.route_of(request), view=view)


def _run_page(
    board: Board, request: Request, found: tuple[Mapping[str, Any], Mapping[str, Any]], *, verify: bool
) -> Response:
    view = _view(board, *found, verify=verify)
    return pages.page(board, "run.html", path=pages.route_of(request), view=view, verified=verify, only=False)


def _run_tab(board: Board, request: Request, dag_id: str, run_id: str) -> Response:
    found = board.index.runs_with_id(run_id, dag_id=dag_id)
    path = pages.route_of(request)
    if len(found) == 1:
        return _run_page(board, request, found[0], verify=False)
    if found:
        root = pages.root_of(path)
        links = [
            (pages.address_of(root, "dags", dag_id, "evidence", run["name"]), f"{model['model']}: {run['outcome']}")
            for model, run in found
        ]
        return pages.message(board, path=path, title=run_id, sentence="This run governs several models.", links=links)
    return _not_archived(board, request, dag_id, run_id)


def _not_archived(board: Board, request: Request, dag_id: str, run_id: str) -> Response:
    state = board.surroundings.run_state(dag_id, run_id)
    if state is None:
        raise HTTPException(404, NOT_KNOWN)
    tasks = board.surroundings.task_states(dag_id, run_id)
    failed = [task for task, task_state in tasks if task_state in FAILED]
    sentence = (
        "This run is still going on; its evidence is archived when all checks have ended."
        if state in GOING_ON
        else f"The run has ended ({state}), and the index knows no evidence of it yet. If it stays so, no evidence was stored: "
        f"look at the log of {', '.join(failed) or 'its archive task'}."
    )
    return pages.message(
        board, path=pages.route_of(request), title="No evidence yet", sentence=sentence, refresh=pages.AGAIN, tasks=tasks
    )  # fmt: skip


def _task_tab(
    board: Board, request: Request, *, dag_id: str, run_id: str, task_id: str, map_index: int
) -> Response:  # fmt: skip
    found = board.index.runs_with_id(run_id, dag_id=dag_id)
    reported = board.surroundings.reported(dag_id, run_id, task_id, map_index)
    path = pages.route_of(request)
    root = pages.root_of(path)
    named = str(reported["name"]) if reported else task_id.rpartition(".")[2]
    for model, run in found:
        view = _view(board, model, run, verify=False)
        check = next((each for each in view.get("checks", ()) if each["name"] == named), None)
        if check is not None:
            return pages.page(board, "task.html", path=path, view=view, check=check, verified=True, only=True)
    if reported is not None:
        report = pages.address_of(root, "dags", dag_id, "runs", run_id, "tasks", task_id, "report")
        return pages.message(
            board, path=path, title=named, sentence=f"This check has ended: {reported['outcome']}. Its run is not archived yet.",
            refresh=pages.AGAIN, links=[(f"{report}?map_index={map_index}", "The report of the check")],
        )  # fmt: skip
    run_page = pages.address_of(root, "dags", dag_id, "runs", run_id)
    return pages.message(
        board, path=path, title=task_id, sentence="This task runs no check, or has not reported yet.",
        links=[(run_page, "The evidence of this run")],
    )  # fmt: skip
