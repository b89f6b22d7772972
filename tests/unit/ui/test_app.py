"""The report viewer: only known keys, only unaltered bytes, only behind its guard, and no way out of a page."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import urljoin

import pytest
from fastapi.testclient import TestClient

import project
from board_cases import app_for, board_over
from model_governance.archiving import archive_run
from model_governance.checks import catalogue
from model_governance.contract.connections import PlainConnections
from model_governance.contract.result import Artifact, canonical_json
from model_governance.contract.run import Run
from model_governance.errors import StoreUnreachable, SubjectError
from model_governance.policy import parse_policy
from model_governance.run import run_policy
from model_governance.store import put_blob
from model_governance.store.local import LocalStore
from model_governance.ui.stored import _blob

POLICY = b"""
version: 1
owner: team@example.com
model: {name: tiny, task: binary_classification, uri: model.skops, sha256: "%s"}
columns: {target: label, positive: 1, features: {age: {kind: integer}}}
datasets: {current: {uri: current.parquet}}
checks: {quality: {kind: model_quality, thresholds: [{metric: accuracy, geq_to: 0.5}]}}
""" % (b"0" * 64)


@pytest.fixture
def store(tmp_path):
    return LocalStore(str(tmp_path / "archive"))


@pytest.fixture
def board(store, tmp_path):
    return board_over(tmp_path, store)


@pytest.fixture
def client(board):
    return TestClient(app_for(board, "scheduled", "other"), raise_server_exceptions=False)


@pytest.fixture
def archived(store):
    run = Run(
        run_id="run",
        logical_date=datetime(2025, 6, 1, tzinfo=UTC),
        orchestrator={"type": "airflow", "dag_id": "scheduled"},
    )
    return archive_run(parse_policy(POLICY, catalogue()), {}, run=run, store=store)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A run with one check, of the DAG `scheduled`."""
    folder = tmp_path_factory.mktemp("measured")
    quality = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.99}]}
    small = project.small_project(folder, checks={"quality": quality})
    run = Run(
        run_id="run", logical_date=datetime(2025, 6, 1, tzinfo=UTC),
        orchestrator={"type": "airflow", "dag_id": "scheduled"},
    )  # fmt: skip
    ended = run_policy(small.policy(), run=run, store=small.store, connections=PlainConnections())
    return small, ended


@pytest.fixture
def copied(measured, tmp_path):
    """A copy of its archive that a test may alter, the client of it, the manifest and the name of the run."""
    small, ended = measured
    shutil.copytree(small.folder / "archive", tmp_path / "copied")
    store = LocalStore(str(tmp_path / "copied"))
    client = TestClient(app_for(board_over(tmp_path, store), "scheduled", "other"), raise_server_exceptions=False)
    manifest = json.loads(store.get(ended.manifest.key))
    return SimpleNamespace(
        store=store, client=client, manifest=manifest, ended=ended, name=ended.manifest.key.split("/")[-2]
    )


def blob(store, content=b"<!doctype html><p>fine</p>", name="report.html"):
    return put_blob(store, Artifact(name=name, media_type="text/html", content=content))


def alter(store, key):
    path = store.root / key
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")


def test_a_report_of_a_run_is_served_in_a_sandbox_without_network(copied):
    report = copied.manifest["checks"][0]["report"]
    answer = copied.client.get(f"/dags/scheduled/store/{report['key']}?run={copied.name}")

    assert (answer.status_code, answer.content) == (200, copied.store.get(report["key"]))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("private")


def test_a_blob_is_served_only_through_a_run_that_names_it(copied):
    report = copied.manifest["checks"][0]["report"]["key"]
    stranger = blob(copied.store, b"<p>of another team</p>").key
    get = copied.client.get

    assert get(f"/dags/scheduled/store/{report}").status_code == 404
    assert get(f"/dags/scheduled/store/{report}?run={'0' * 16}").status_code == 404
    assert get(f"/dags/other/store/{report}?run={copied.name}").status_code == 404
    assert get(f"/dags/scheduled/store/{stranger}?run={copied.name}").status_code == 404


def test_a_page_with_scripts_runs_them_in_an_origin_of_its_own_without_network(store):
    page = blob(store, b"<SCRIPT>draw()</SCRIPT>", "evidently.html")
    rules = _blob(store, page.key).headers["content-security-policy"]
    assert rules.startswith("sandbox allow-scripts; default-src 'none'")
    assert "connect-src 'none'" in rules
    assert "allow-same-origin" not in rules


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.json", "application/json"), ("a.svg", "image/svg+xml"), ("a.yaml", "text/plain; charset=utf-8")],
)
def test_other_kinds_of_evidence_have_their_media_type(store, name, media_type):
    answer = _blob(store, blob(store, b"{}", name).key)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-security-policy"].startswith("sandbox;")


def test_altered_bytes_are_not_shown(copied):
    report = copied.manifest["checks"][0]["report"]["key"]
    alter(copied.store, report)
    answer = copied.client.get(f"/dags/scheduled/store/{report}?run={copied.name}")

    assert answer.status_code == 409
    assert "altered" in answer.text
    assert "<" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("text/plain")


def test_the_page_of_a_run_and_every_link_on_it_resolve(copied):
    address = f"/dags/scheduled/store/{copied.ended.report.key}"
    page = copied.client.get(address)

    assert page.status_code == 200
    links = [html.unescape(one) for one in re.findall(r'href="([^"#]+)"', page.text) if not one.startswith("http")]
    assert len(links) > 3
    for link in links:
        assert copied.client.get(urljoin(address, link)).status_code == 200
    assert copied.client.get(f"/dags/scheduled/store/{copied.ended.manifest.key}").json()["run"]["run_id"] == "run"


def test_every_link_of_a_report_resolves_to_its_artifacts_and_to_the_page_of_its_run(copied):
    row = copied.manifest["checks"][0]
    address = f"/dags/scheduled/store/of/{copied.name}/{row['report']['key']}"
    report = copied.client.get(address)
    links = set(re.findall(r'href="([^"#]+)"', report.text))

    assert len(links) == len(row["artifacts"]) + 1
    answers = [copied.client.get(urljoin(address, link)) for link in links]
    assert {answer.status_code for answer in answers} == {200}
    assert any(
        answer.text == copied.client.get(f"/dags/scheduled/store/of/{copied.name}/{copied.ended.report.key}").text
        for answer in answers
    )


def test_the_folder_of_a_moment_leads_to_the_run_through_which_it_is_read_and_to_no_other(copied):
    moment = copied.ended.manifest.key.rsplit("/", 3)[0] + "/"
    get = copied.client.get
    assert get(f"/dags/scheduled/store/of/{copied.name}/{moment}").status_code == 200
    for address in (f"of/{copied.name}/{moment.replace('2025', '2024')}", f"of/{'0' * 16}/{moment}", moment):
        assert get(f"/dags/scheduled/store/{address}").status_code == 404
    assert get(f"/dags/other/store/of/{copied.name}/{moment}").status_code == 404


def test_the_report_of_a_task_is_shown_through_its_run_once_that_is_archived(copied, tmp_path):
    report = copied.manifest["checks"][0]["report"]
    board = board_over(tmp_path / "again", copied.store)
    stored = {"key": report["key"], "uri": copied.store.locate(report["key"])}
    board.surroundings.verdicts[("run", "quality")] = {"name": "quality", "report": stored}
    board.surroundings.verdicts[("later", "quality")] = {"name": "quality", "report": stored}
    client = TestClient(app_for(board, "scheduled"), follow_redirects=False)

    answer = client.get("/dags/scheduled/runs/run/tasks/quality/report")
    assert answer.status_code == 303
    shown = client.get(urljoin("/dags/scheduled/runs/run/tasks/quality/report", answer.headers["location"]))
    assert shown.content == copied.store.get(report["key"])
    assert client.get("/dags/scheduled/runs/later/tasks/quality/report").status_code == 200


def test_a_run_that_the_index_does_not_know_yet_is_shown(client, archived):
    page = client.get(f"/dags/scheduled/store/{archived.report.key}")
    assert page.status_code == 200
    assert "never reported" in page.text


@pytest.mark.parametrize("broken", [StoreUnreachable("no route"), SubjectError("no connection")])
def test_an_archive_of_another_dag_that_cannot_be_read_hides_no_run(board, client, archived, broken):
    good = board.stores.openers

    def refuse():
        raise broken

    board.stores.openers = lambda: [refuse, *good()]
    assert client.get(f"/dags/scheduled/store/{archived.report.key}").status_code == 200


def test_a_run_is_shown_under_its_own_dag_only(client, archived):
    for key in (archived.report.key, archived.manifest.key):
        assert client.get(f"/dags/other/store/{key}").status_code == 404


def test_the_page_of_an_altered_manifest_is_not_shown(client, store, archived):
    alter(store, archived.manifest.key)
    assert client.get(f"/dags/scheduled/store/{archived.report.key}").status_code == 409


def test_a_manifest_is_served_as_it_is_stored(client, store, archived):
    answer = client.get(f"/dags/scheduled/store/{archived.manifest.key}")
    assert answer.content == store.get(archived.manifest.key)


def test_a_run_whose_manifest_was_edited_and_filed_anew_is_not_shown(copied):
    manifest = copied.manifest
    assert manifest["verdict"]["stops"]
    for part in (manifest["verdict"], manifest["checks"][0]):
        part |= {"outcome": "pass", "stops": False}
    manifest["verdict"]["findings"][0]["outcome"] = "pass"
    content = canonical_json(manifest)
    folder = f"{copied.ended.manifest.key.rsplit('/', 2)[0]}/{hashlib.sha256(content).hexdigest()[:16]}"
    copied.store.put_once(f"{folder}/run_manifest.json", content, media_type="application/json")
    answer = copied.client.get(f"/dags/scheduled/store/{folder}/report.html")
    assert answer.status_code == 409
    assert "expected verdict.outcome of check quality as in its record" in answer.text


def test_an_altered_page_is_replaced_by_the_one_its_manifest_gives(client, store, archived):
    before = client.get(f"/dags/scheduled/store/{archived.report.key}").content
    alter(store, archived.report.key)
    assert client.get(f"/dags/scheduled/store/{archived.report.key}").content == before


@pytest.mark.parametrize(
    "key",
    [
        "v1/blobs/sha256/00/" + "0" * 64 + ".html",
        "v1/blobs/sha256/11/" + "0" * 64 + ".html",
        "v1/blobs/sha256/00/" + "0" * 64 + ".skops",
        "v1/blobs/sha256/00/" + "0" * 64 + ".html%0a",
        "v1/retraining/model=tiny/run=2025-06-01T000000Z/0123456789abcdef.json",
        "v1/runs/model=tiny/run=2025-06-01T000000Z/0123456789abcdef/0123456789abcdef/secret.txt",
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "v1/blobs/sha256/00/..%2f..%2f..%2f..%2fsecret.html",
        "%2fetc/passwd",
        "secret.html",
        "",
    ],
)
def test_every_other_key_is_unknown(client, store, key):
    store.root.mkdir(exist_ok=True)
    (store.root / "secret.html").write_text("secret")
    ledger = store.root / "v1/retraining/model=tiny/run=2025-06-01T000000Z"
    ledger.mkdir(parents=True)
    (ledger / "0123456789abcdef.json").write_text("secret")
    answer = client.get(f"/dags/scheduled/store/{key}")

    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_what_a_task_reported_is_shown_before_its_run_is_archived(board, client, store):
    page = blob(store)
    report = {"key": page.key, "uri": page.uri}
    board.surroundings.verdicts["run", "quality"] = {"name": "quality", "outcome": "fail", "report": report}
    address = "/dags/scheduled/runs/run/tasks/quality/report"

    assert client.get(address).content == b"<!doctype html><p>fine</p>"
    assert client.get(address.replace("quality", "drift")).status_code == 404
    report["uri"] = f"file:///somewhere/else/{page.key}"
    assert client.get(address).status_code == 502  # no archive that is served
    report |= {"key": "secret.txt", "uri": "file:///secret.txt"}
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc", "/static/", "/static/../app.py"])
def test_nothing_else_is_offered(client, path):
    assert client.get(path).status_code == 404


def test_a_store_that_does_not_answer_is_said_plainly(board, client, archived):
    board.stores.problem = StoreUnreachable("s3.internal:9000 refused the connection of key AKIA")
    board.index.refresh([lambda: board.stores.stores[0]])
    answer = client.get(f"/dags/scheduled/store/{archived.report.key}")

    assert answer.status_code == 502
    assert "AKIA" not in answer.text  # details belong into the log


def test_the_viewer_knows_no_airflow():
    program = (
        "import sys, model_governance.ui.app; sys.exit(any(one.split('.')[0] == 'airflow' for one in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
