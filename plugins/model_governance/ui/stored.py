"""Stored objects of runs: by keys of known patterns, of a run of the reader's DAG, with their digest verified, in a sandbox."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, GovernanceError, ObjectMissing, StoreError
from model_governance.evidence.manifest import FILE
from model_governance.evidence.reading import read_archived, read_archived_record
from model_governance.report import draw_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from model_governance.evidence.reading import ArchivedManifest
    from model_governance.store import ArtifactStore
    from model_governance.ui.board.board import Board

log = logging.getLogger(__name__)

BLOB = re.compile(
    r"v1/blobs/sha256/(?P<first>[0-9a-f]{2})/(?P<sha256>(?P=first)[0-9a-f]{62})(?:\.[1-9])?\.(?P<ending>html|svg|json|yaml|csv)"
)
RUN = re.compile(
    r"(?P<folder>v1/runs/model=[a-z0-9][a-z0-9_-]{0,99}/run=(?:[0-9]{4}-[0-9]{2}/)?[0-9T.-]+Z/[0-9a-f]{16}/(?P<name>[0-9a-f]{16}))"
    rf"/(?P<file>report\.html|{re.escape(FILE)})"
)
MOMENT = re.compile(r"v1/runs/model=[a-z0-9][a-z0-9_-]{0,99}/run=(?:[0-9]{4}-[0-9]{2}/)?[0-9T.-]+Z/")
OF_RUN = re.compile(r"of/(?P<name>[0-9a-f]{16})/(?P<key>.+)")
"""A key below the name of the run that it is read through, so that relative links of stored pages stay below it."""
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
    "yaml": "text/plain; charset=utf-8",
    "csv": "text/plain; charset=utf-8",
}

# A page is shown on Airflow's own origin: the sandbox gives it an origin of its own, so that nothing in it
# reaches the session, and `default-src 'none'` denies it the network. Our own pages need no scripts.
STATIC_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
# Evidently's report draws with scripts; in the same sandbox they can draw and do nothing else.
SCRIPT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:; connect-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
UNKNOWN = "Nothing is stored under this address."


def stored_object(board: Board, dag_id: str, key: str, name: str) -> Response:
    """An object of a run of a DAG.

    Args:
        board: knows the archives.
        dag_id: the DAG, whose runs the reader may see.
        key: of the object: a file of a run, or a blob that the manifest of the run `name` names; either may stand below
            `of/<name>/`. There, the folder of the run's moment leads to its page.
        name: the first 16 digits of the manifest's digest; of no use for a file of a run, whose key holds it.

    Raises:
        HTTPException: 404 unknown or of another DAG, 409 altered, 502 the archive does not answer.
    """
    below = OF_RUN.fullmatch(key)
    if below is not None:
        name, key = below["name"], below["key"]
    if run := RUN.fullmatch(key):
        folder, file = run["folder"], run["file"]
        root = "../" * (folder.count("/") + 1) + ("" if below else f"of/{run['name']}/")
        return _of_any(
            board, dag_id, run["name"], key, lambda store: _run_file(board, store, dag_id, folder, file, root)
        )
    found = board.index.run_named(name, dag_id=dag_id) if name else None
    if found is None:
        raise HTTPException(404, UNKNOWN)
    manifest_key = str(found[1]["manifest"])
    if MOMENT.fullmatch(key) and manifest_key.startswith(key):
        page = f"{manifest_key.removeprefix(key).rpartition('/')[0]}/report.html"
        return Response(status_code=303, headers={**HEADERS, "Location": page, "Cache-Control": "no-store"})
    if BLOB.fullmatch(key) is None:
        raise HTTPException(404, UNKNOWN)

    def read(store: ArtifactStore) -> Response:
        manifest = _manifest_of_dag(board, store, manifest_key, dag_id)
        if key not in set(_keys_of(manifest.content)):
            raise HTTPException(404, UNKNOWN)
        return _blob(store, key)

    return _of_any(board, dag_id, name, key, read)


def reported_page(board: Board, report: Mapping[str, Any], *, dag_id: str, run_id: str) -> Response:
    """The report that a task has stored; where its run is archived, the way to it as an object of the run, whose links lead on.

    Raises as `stored_object`.
    """
    key, uri = str(report["key"]), str(report["uri"])
    if not BLOB.fullmatch(key) or not uri.endswith(f"/{key}"):
        raise HTTPException(404, UNKNOWN)
    name = _archived_with(board, key, dag_id=dag_id, run_id=run_id)
    if name is not None:
        place = f"../../../../store/of/{name}/{key}"
        return Response(status_code=303, headers={**HEADERS, "Location": place, "Cache-Control": "no-store"})
    return answered(key, lambda: _blob(board.stores.open(uri.removesuffix(f"/{key}")), key))


def _archived_with(board: Board, key: str, *, dag_id: str, run_id: str) -> str | None:
    """The name of the archived run with this id whose manifest names the object; None where there is none, or it is not readable."""
    for model, run in board.index.runs_with_id(run_id, dag_id=dag_id):
        try:
            manifest = read_archived(board.stores.open(model["archive"]), run["manifest"])
        except GovernanceError as error:
            log.warning("run %s cannot be read: %s", run["name"], error)
            continue
        if key in set(_keys_of(manifest.content)):
            return str(run["name"])
    return None


def answered(key: str, read: Callable[[], Response]) -> Response:
    """What a reading gives, its errors as answers of HTTP. Raises as `stored_object`."""
    try:
        return read()
    except ObjectMissing as error:
        raise HTTPException(404, UNKNOWN) from error
    except EvidenceError as error:
        log.error("refused to show %s: %s", key, error)
        raise HTTPException(409, f"Not shown: {error}") from error
    except GovernanceError as error:
        log.exception("cannot read %s", key)
        raise HTTPException(502, "The archive does not answer; the api-server's log says why.") from error


def _of_any(board: Board, dag_id: str, name: str, key: str, read: Callable[[ArtifactStore], Response]) -> Response:
    """The answer of the first archive that holds the run."""

    def search() -> Response:
        problem: StoreError = ObjectMissing(key)
        for store in board.archives_of(name, dag_id):
            try:
                return read(store)
            except ObjectMissing:
                continue
            except StoreError as error:
                problem = error
        raise problem

    return answered(key, search)


def _run_file(board: Board, store: ArtifactStore, dag_id: str, folder: str, file: str, root: str) -> Response:
    """The manifest of a run of this DAG, or its page, which is drawn from the evidence and so cannot differ from it.

    `root` is the way from the page to where keys begin.
    """
    manifest = _manifest_of_dag(board, store, f"{folder}/{FILE}", dag_id)
    if file == FILE:
        return _shown(canonical_json(manifest.content), "json")
    rows = manifest.content["checks"]
    records = [read_archived_record(store, manifest, row) if row["record"] else None for row in rows]
    content = draw_run(manifest.content, records=records, store=store, href=lambda key: root + key)
    return _shown(content, "html")


def _manifest_of_dag(board: Board, store: ArtifactStore, key: str, dag_id: str) -> ArchivedManifest:
    """The manifest, where it is of a run of this DAG. Raises HTTPException where not; else as `read_archived`."""
    manifest = read_archived(store, key)
    ran = manifest.content["run"]["orchestrator"].get("dag_id") or board.index.home(manifest.content["policy"]["name"])
    if ran != dag_id:
        raise HTTPException(404, UNKNOWN)
    return manifest


def _keys_of(manifest: Mapping[str, Any]) -> Iterator[str]:
    """The keys of the blobs that a manifest names."""
    yield manifest["policy"]["key"]
    for row in manifest["checks"]:
        yield from (row[name]["key"] for name in ("record", "report") if row[name])
        yield from (artifact["key"] for artifact in row["artifacts"])


def _blob(store: ArtifactStore, key: str) -> Response:
    """The bytes of a blob. Raises EvidenceError where they were altered, else as `ArtifactStore.get`."""
    blob = BLOB.fullmatch(key)
    if blob is None:
        raise HTTPException(404, UNKNOWN)
    content = store.get(key)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != blob["sha256"]:
        raise EvidenceError(f"stored with sha256 {blob['sha256']}, now has {sha256}; the object was altered afterwards")
    return _shown(content, blob["ending"])


def _shown(content: bytes, ending: str) -> Response:
    policy = SCRIPT_POLICY if ending == "html" and b"<script" in content.lower() else STATIC_POLICY
    headers = {**HEADERS, "Content-Security-Policy": policy, "Cache-Control": "private, max-age=300"}
    return Response(content, media_type=MEDIA_TYPES[ending], headers=headers)
