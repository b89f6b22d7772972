"""Every route has a guard, says nothing of other DAGs, and every link on a page leads somewhere."""

from __future__ import annotations

import html
import re
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from board_cases import app_for
from model_governance.errors import StoreUnreachable

DAG = "governance_synthetic"


def filled(board):
    """An address for every route of the app, with the model and run of this archive."""
    (model,) = board.index.models()
    run = board.index.runs(model["id"])[1]
    values = {
        "dag_id": DAG, "model": "synthetic", "name": run["name"], "run_id": run["run_id"], "task_id": "quality",
        "key": run["manifest"],
    }  # fmt: skip
    found = []
    for route in app_for(board, DAG).routes:
        assert isinstance(route, APIRoute), f"{route} has no guard that this test knows"
        assert route.methods == {"GET"}
        path = re.sub(r"\{(\w+)(?::path)?\}", lambda match: values[match[1]], route.path)
        found.append(path + (f"?a={run['name']}&b={model['manifest']}" if path.endswith("compare") else ""))
    return found


def test_the_app_has_the_routes_of_the_design(board):
    assert len(filled(board)) == 18


def test_nobody_gets_anything_without_a_login(board):
    client = TestClient(app_for(board), raise_server_exceptions=False)
    for path in filled(board):
        answer = client.get(path)
        assert answer.status_code == 401, path
        assert "synthetic" not in answer.text


def test_a_reader_of_another_dag_sees_neither_rows_nor_totals(board):
    client = TestClient(app_for(board, "governance_other"), raise_server_exceptions=False)
    for path in filled(board):
        answer = client.get(path)
        of_dag = f"/dags/{DAG}" in path
        assert answer.status_code == (404 if of_dag else 200), path
        if "/static/" not in path:
            assert "risk@example.com" not in answer.text
            assert "synthetic" not in answer.text.replace(DAG, "").replace("synthetic_release", "")
    models = client.get("/api/v1/models").json()
    assert (models["total"], models["models"]) == (0, [])
    assert sum(models["totals"].values()) == 0


def test_a_reader_sees_every_page(board, client):
    board.surroundings.verdicts["night-2", "quality"] = None
    for path in filled(board):
        if path.endswith("/report"):
            continue  # of a task that Airflow knows
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.text[:300])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "private" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["/?passes=1", "/coverage", f"/dags/{DAG}", "run", "task", "compare"])
def test_every_link_of_a_page_leads_somewhere(board, client, path):
    name = board.index.runs(1)[1]["name"]
    newest = board.index.runs(1)[-1]["name"]
    path = {
        "run": f"/dags/{DAG}/evidence/{name}", "task": f"/dags/{DAG}/runs/night-2/tasks/quality",
        "compare": f"/dags/{DAG}/compare?a={name}&b={newest}",
    }.get(path, path)  # fmt: skip
    page = client.get(path)
    assert page.status_code == 200
    links = {html.unescape(each) for each in re.findall(r'(?:href|src|action)="([^"#]+)"', page.text)}
    assert len(links) >= 3
    for link in links:
        assert not urlsplit(link).netloc, link
        assert client.get(urljoin(path, link)).status_code == 200, link
    for anchor in re.findall(r'href="#([^"]+)"', page.text):
        assert f'id="{anchor}"' in page.text


def test_pages_work_below_any_prefix(board):
    from fastapi import FastAPI

    outer = FastAPI(root_path="/airflow")
    outer.mount("/governance", app_for(board, DAG))
    client = TestClient(outer)
    page = client.get(f"/airflow/governance/dags/{DAG}/models/synthetic")
    assert 'href="../../../coverage"' in page.text


def test_board_pages_run_only_the_script_of_this_package(client):
    rules = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in rules
    assert "script-src 'self'" in rules
    assert "connect-src" not in rules
    assert client.get("/static/board.js").headers["content-type"].startswith("text/javascript")


def test_a_name_with_markup_stays_text(board, client, store):
    import sqlite3

    with sqlite3.connect(board.index.path) as database:
        database.execute("update model set owner = '<script>alert(1)</script>', reasons = '[\"<b>x</b>\"]'")
    for path in ("/?passes=1", f"/dags/{DAG}"):
        text = client.get(path).text
        assert "<script>alert" not in text
        assert "<b>x" not in text


def test_reports_are_framed_without_the_origin_of_airflow(client):
    page = client.get(f"/dags/{DAG}/runs/night-2").text
    frames = re.findall(r"<iframe[^>]*>", page)
    assert frames
    assert all('sandbox="allow-scripts"' in frame and 'loading="lazy"' in frame for frame in frames)


def test_an_empty_board_says_how_the_first_run_is_made(board):
    page = TestClient(app_for(board, "governance_other")).get("/")
    assert "No model that you may see has evidence yet" in page.text
    assert "governance_dags" in page.text


def test_a_dag_without_evidence_says_so(client, board):
    page = TestClient(app_for(board, "train")).get("/dags/train")
    assert page.status_code == 200
    assert "No evidence of a model" in page.text


def test_a_run_that_is_going_on_asks_again_and_one_without_evidence_says_where_to_look(client, board):
    board.surroundings.states |= {"night-9": "running", "night-8": "failed"}
    waiting = client.get(f"/dags/{DAG}/runs/night-9")
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in waiting.text
    assert 'data-again="5"' in waiting.text
    assert "connect-src 'self'" in waiting.headers["content-security-policy"]
    shown = client.get(f"/dags/{DAG}")
    assert "data-again" not in shown.text
    assert "connect-src" not in shown.headers["content-security-policy"]
    assert "look at the log of its archive task" in client.get(f"/dags/{DAG}/runs/night-8").text
    assert client.get(f"/dags/{DAG}/runs/night-7").status_code == 404


def test_a_run_without_evidence_shows_the_states_of_its_tasks_and_guesses_no_outcome(client, board):
    board.surroundings.states |= {"night-9": "running", "night-8": "failed"}
    board.surroundings.tasks |= {
        "night-9": [("quality", "success"), ("privacy", "running"), ("archive", "not started")],
        "night-8": [("quality", "failed"), ("archive", "upstream_failed"), ("gate", "failed")],
    }
    running, ended = (client.get(f"/dags/{DAG}/runs/{run}").text for run in ("night-9", "night-8"))
    cells = re.findall(r'<th scope="row">(\w+)</th><td>([\w ]+)</td>', running)
    assert cells == board.surroundings.tasks["night-9"]
    assert "badge" not in running.partition("<main")[2]
    assert "look at the log of quality, archive, gate." in ended


def test_a_dag_that_runs_no_more_is_said_by_list_model_and_data(client, board):
    board.surroundings.halted[DAG] = ["Its DAG is paused; no run starts until somebody unpauses it"]
    for address in ("/", f"/dags/{DAG}"):
        page = client.get(address).text
        assert "Its DAG is paused" in page
    (model,) = client.get("/api/v1/models").json()["models"]
    assert model["state"] == "overdue", "which it is too, and comes first"
    assert model["reasons"][0].startswith("Its DAG is paused")
    assert "Its DAG is paused" in client.get("/models.csv").text


def test_a_check_that_has_ended_before_its_run_links_its_report(client, board):
    board.surroundings.verdicts["night-9", "quality"] = {"name": "quality", "outcome": "fail", "report": {}}
    page = client.get(f"/dags/{DAG}/runs/night-9/tasks/quality")
    assert "This check has ended: fail" in page.text
    assert "tasks/quality/report?map_index=-1" in page.text


def test_a_task_that_is_no_check_leads_to_its_run(client):
    page = client.get(f"/dags/{DAG}/runs/night-2/tasks/archive?map_index=None")
    assert "This task runs no check" in page.text
    assert client.get(f"/dags/{DAG}/runs/night-2/tasks/group.quality").text.count("<iframe") == 1


def test_an_archive_that_does_not_answer_leaves_the_list_and_says_so(board, client):
    board.stores.problem = StoreUnreachable("s3.internal refused key AKIA")
    name = board.index.runs(1)[1]["name"]
    run = client.get(f"/dags/{DAG}/evidence/{name}")
    assert run.status_code == 502
    assert "The index says: fail" in run.text
    assert "AKIA" not in run.text
    assert client.get("/").status_code == 200
    problem = client.get(f"/api/v1/dags/{DAG}/evidence/{name}")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["status"] == 502


def test_numbers_of_the_api_are_unrounded_and_name_their_record(client, board):
    answer = client.get(f"/api/v1/dags/{DAG}/models/synthetic").json()
    (accuracy,) = [each for each in answer["metrics"] if each["metric"] == "accuracy"]
    assert len(accuracy["points"]) == 4
    assert accuracy["points"][-1]["bound"] == 0.6
    assert [run["name"] for run in answer["runs"]] == [run["name"] for run in board.index.runs(1)]


def test_health_names_no_archive(client, store):
    answer = client.get("/api/v1/health")
    assert answer.json()["archives"] == 1
    assert str(store.root) not in answer.text


def test_what_is_still_to_be_read_tells_no_numbers_of_models(board, client):
    import sqlite3

    client.get("/")  # the archive is not asked again for some seconds
    with sqlite3.connect(board.index.path) as database:
        database.execute("update archive set behind = 4711")
    assert "An archive is still being read" in client.get("/").text
    assert "4711" not in client.get("/").text + client.get("/api/v1/health").text + client.get("/api/v1/models").text


def test_an_answer_that_the_reader_has_already_is_not_sent_again(board, client):
    for path in ("/", f"/dags/{DAG}", "/api/v1/models", f"/api/v1/dags/{DAG}/models/synthetic", "/static/board.js"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["etag"] == first.headers["etag"]
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content
    stranger = TestClient(app_for(board, "governance_other"), raise_server_exceptions=False)
    known = {"If-None-Match": client.get(f"/dags/{DAG}").headers["etag"]}
    assert stranger.get(f"/dags/{DAG}", headers=known).status_code == 404
    assert "etag" not in stranger.get(f"/dags/{DAG}").headers


def test_the_etag_changes_with_the_answer(board, client):
    before = client.get("/api/v1/models").headers["etag"]
    board.surroundings.silent = [{"dag_id": DAG, "owner": "o", "tags": ["model"], "reason": "no policy"}]
    assert client.get("/api/v1/models", headers={"If-None-Match": before}).status_code == 200


def test_the_api_goes_on_behind_a_cursor_and_names_what_is_none(board, client):
    board.surroundings.silent = [{"dag_id": DAG, "owner": "o", "tags": ["model"], "reason": "no policy"}]
    first = client.get("/api/v1/models?passes=1&limit=1").json()
    second = client.get(f"/api/v1/models?passes=1&limit=1&cursor={first['next']}").json()
    assert [each["model"] for answer in (first, second) for each in answer["models"]] == [DAG, "synthetic"]
    assert (first["limit"], second["next"]) == (1, None)
    wrong = client.get("/api/v1/models?passes=1&limit=500&cursor=none").json()
    assert [each["model"] for each in wrong["models"]] == [DAG, "synthetic"]
    assert wrong["mistakes"] == [
        "There is no limit '500'; it is a number from 1 to 200.",
        "This cursor is none of this order; these are the first models.",
    ]
