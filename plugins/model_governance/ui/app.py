"""The report viewer: serves stored pages by keys of known patterns, with their digest verified, in a sandbox."""

from __future__ import annotations

import hashlib
import logging
import re
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, HTTPException  # noqa: TID253 - only the api-server comes here
from fastapi.responses import PlainTextResponse, Response  # noqa: TID253
from starlette.exceptions import HTTPException as AnyHTTPException

from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, GovernanceError, ObjectMissing
from model_governance.evidence.manifest import FILE
from model_governance.evidence.reading import read_archived, read_archived_record
from model_governance.report import draw_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Request

    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)

BLOB = re.compile(
    r"v1/blobs/sha256/(?P<first>[0-9a-f]{2})/(?P<sha256>(?P=first)[0-9a-f]{62})(?:\.[1-9])?\.(?P<ending>html|svg|json|yaml)"
)
RUN = re.compile(
    r"(?P<folder>v1/runs/model=[a-z0-9][a-z0-9_-]{0,99}/run=[0-9T.-]+Z/[0-9a-f]{16}/(?P<sha256>[0-9a-f]{16}))"
    rf"/(?P<file>report\.html|{re.escape(FILE)})"
)
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
    "yaml": "text/plain; charset=utf-8",
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


def create_app(store_factory: Callable[[], ArtifactStore], guard: Callable[..., Any]) -> FastAPI:
    """The report viewer as an ASGI app.

    Args:
        store_factory: gives the store at each request, so that starting the app asks no server.
        guard: FastAPI dependency in front of every route; it raises HTTPException to refuse. It may
            read the path parameter `dag_id`.

    Whoever passes the guard for a DAG may read the runs of this DAG. A blob has no DAG of its own: it is
    readable for those who know its digest, which only the pages that link to it contain.
    """
    app = FastAPI(title="Model governance reports", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/dags/{dag_id}/reports/{sha256}.html", dependencies=[Depends(guard)])
    def report(dag_id: str, sha256: str) -> Response:
        return _stored(store_factory, dag_id, f"v1/blobs/sha256/{sha256[:2]}/{sha256}.html")

    @app.get("/dags/{dag_id}/store/{key:path}", dependencies=[Depends(guard)])
    def stored(dag_id: str, key: str) -> Response:
        return _stored(store_factory, dag_id, key)

    app.add_exception_handler(AnyHTTPException, _refused)
    return app


def _stored(store_factory: Callable[[], ArtifactStore], dag_id: str, key: str) -> Response:
    """The object under a key of a known pattern, with its digest verified.

    Raises:
        HTTPException: 404 unknown, 409 altered, 502 the store does not answer.
    """
    try:
        if blob := BLOB.fullmatch(key):
            content = store_factory().get(key)
            _require_digest(content, blob["sha256"])
            return _shown(content, blob["ending"])
        if run := RUN.fullmatch(key):
            return _run_file(store_factory(), dag_id, run["folder"], run["file"])
    except ObjectMissing as error:
        raise HTTPException(404, "Nothing is stored under this address.") from error
    except EvidenceError as error:
        log.error("refused to show %s: %s", key, error)
        raise HTTPException(409, f"Not shown: {error}") from error
    except GovernanceError as error:
        log.exception("cannot read %s", key)
        raise HTTPException(502, "The archive does not answer; the api-server's log says why.") from error
    raise HTTPException(404, "Nothing is stored under this address.")


def _run_file(store: ArtifactStore, dag_id: str, folder: str, file: str) -> Response:
    """The manifest of a run of this DAG, or its page, which is drawn from the evidence and so cannot differ from it."""
    manifest = read_archived(store, f"{folder}/{FILE}")
    if manifest.content["run"]["orchestrator"].get("dag_id") != dag_id:
        raise HTTPException(404, "Nothing is stored under this address.")
    if file == FILE:
        return _shown(canonical_json(manifest.content), "json")
    depth = "../" * (folder.count("/") + 1)
    rows = manifest.content["checks"]
    records = [read_archived_record(store, manifest, row) if row["record"] else None for row in rows]
    page = draw_run(manifest.content, records=records, store=store, href=lambda key: depth + key)
    return _shown(page, "html")


def _require_digest(content: bytes, expected: str) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    if not sha256.startswith(expected):
        raise EvidenceError(f"stored with sha256 {expected}, now has {sha256}; the object was altered afterwards")


def _shown(content: bytes, ending: str) -> Response:
    policy = SCRIPT_POLICY if ending == "html" and b"<script" in content.lower() else STATIC_POLICY
    headers = {**HEADERS, "Content-Security-Policy": policy, "Cache-Control": "private, max-age=300"}
    return Response(content, media_type=MEDIA_TYPES[ending], headers=headers)


async def _refused(_: Request, error: Exception) -> Response:
    """A refusal of the guard or a route as plain text, never cached."""
    if not isinstance(error, AnyHTTPException):
        raise error
    headers = {
        **(error.headers or {}),
        **HEADERS,
        "Content-Security-Policy": STATIC_POLICY,
        "Cache-Control": "no-store",
    }
    return PlainTextResponse(f"{error.detail}\n", error.status_code, headers)
