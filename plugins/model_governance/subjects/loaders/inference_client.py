"""Client of one inference endpoint over HTTP: retries, limits, and a token that never leaves the header."""

from __future__ import annotations

import json
import re
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from model_governance.errors import CheckError, DigestMismatch, ModelMisbehaved, SubjectError, SubjectUnreachable
from model_governance.store.backoff import Backoff
from model_governance.subjects.loaders.deadline import Deadline, hold_to

if TYPE_CHECKING:
    from model_governance.contract.connections import Connections
    from model_governance.policy import ModelSpec

ADDRESS = re.compile(r"https?://[^/?#]+(?:/[^?#]*)?/v2/models/(?P<name>[^/?#]+)(?:/versions/(?P<version>[^/?#]+))?")
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
NO_ANSWER = 0  # instead of an HTTP status
PASSING = frozenset({NO_ANSWER, 408, 425, 429, 500, 502, 503, 504})
TOO_MUCH = (400, 413)  # what servers answer to more rows than they take
LONGEST_WAIT = 60.0  # seconds of a pause, also where the server asks for more (Retry-After)
LARGEST_ANSWER = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """HTTP status or NO_ANSWER, why it is not good, seconds that the server asks to wait, and the body."""

    status: int
    reason: str
    wait: float = 0.0
    content: bytes = b""


class InferenceClient:
    """Queries one endpoint with retries; counts the rows and stops at the policy's budget."""

    def __init__(self, spec: ModelSpec, connections: Connections) -> None:
        """Nothing is asked yet.

        Raises:
            SubjectError: the uri is no endpoint of the protocol, or a token would travel in the clear.
        """
        import httpx

        match = ADDRESS.fullmatch(spec.uri.rstrip("/"))
        parts = urlsplit(spec.uri)
        if match is None or "@" in parts.netloc:
            raise SubjectError(
                f"{spec.uri.rpartition('@')[2]}: is no endpoint of the Open Inference Protocol; write "
                "https://host/v2/models/NAME or .../versions/VERSION, and leave credentials to `connection`"
            )
        headers = {"accept-encoding": "identity"}
        if spec.connection is not None:
            if parts.scheme == "http" and parts.hostname not in OWN_MACHINE:
                raise SubjectError(f"{spec.uri}: a token over http:// can be read on the way; use https://")
            headers["authorization"] = f"Bearer {connections.token(spec.connection)}"
        self.uri = spec.uri.rstrip("/")
        self.name: str = match["name"]
        self.version: str | None = match["version"]
        self.rows_asked = 0
        self._limits = spec.endpoint
        self._client = httpx.Client(headers=headers, timeout=spec.endpoint.timeout_seconds, follow_redirects=False)
        self._deadline = Deadline()
        hold_to(self._client, self._deadline)
        weakref.finalize(self, self._client.close)

    @property
    def rows_left(self) -> int:
        """Rows that may still be asked."""
        return self._limits.max_rows - self.rows_asked

    def metadata(self) -> dict[str, Any]:
        """What the endpoint says of itself.

        Raises:
            SubjectError: it knows no such model, refuses the token, or answers something else than metadata.
            SubjectUnreachable: it does not answer.
        """
        described = _parsed(self._ask("GET", self.uri, None))
        if not isinstance(described, dict) or described.get("name") != self.name:
            raise SubjectError(f"{self.uri}: answers no metadata of a model named {self.name}; correct the uri")
        return described

    def infer(self, inputs: list[dict[str, Any]], outputs: list[str], *, rows: int, version: str | None) -> Any:
        """The answer to one request of so many rows.

        Raises:
            CheckError: the budget of rows is spent.
            ModelMisbehaved: the request was refused, or the answer is no JSON object.
            DigestMismatch: another version described than the pinned one.
            SubjectUnreachable: no answer.
        """
        if self.rows_asked + rows > self._limits.max_rows:
            raise CheckError(
                f"{self.uri}: the check has asked {self.rows_asked:,} rows and {rows:,} more would exceed "
                f"endpoint.max_rows ({self._limits.max_rows:,}); raise it, or give the check fewer samples"
            )
        self.rows_asked += rows
        body = json.dumps({"inputs": inputs, "outputs": [{"name": name} for name in outputs]}).encode()
        answer = _parsed(self._ask("POST", f"{self.uri}/infer", body))
        if not isinstance(answer, dict) or not isinstance(answer.get("outputs"), list):
            raise ModelMisbehaved(f"{self.uri}: described {rows} rows with something else than JSON outputs")
        serving = answer.get("model_version")
        if version is not None and serving not in (None, "", version):
            raise DigestMismatch(
                f"{self.uri}: version {serving} answers, the policy pins {version}; name it: .../versions/{version}"
            )
        return answer

    def _ask(self, method: str, url: str, body: bytes | None) -> bytes:
        """The body of a good answer, after so many tries as the policy allows."""
        attempts = self._limits.retries + 1
        backoff = Backoff(attempts=attempts, first=self._limits.backoff_seconds, longest=LONGEST_WAIT)
        answer = backoff.until(
            lambda: self._try(method, url, body),
            done=lambda answer: answer.status not in PASSING,
            at_least=lambda answer: answer.wait,
        )
        if answer.status in PASSING:
            raise SubjectUnreachable(
                f"{self.uri}: no answer after {attempts} tries, the last: {answer.reason}; try again"
            )
        if answer.status != 200:
            raise self._refusal(answer.status, is_metadata=body is None)
        return answer.content

    def _try(self, method: str, url: str, body: bytes | None) -> _Answer:
        import httpx

        try:
            return self._once(method, url, body)
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout):
            return _Answer(status=NO_ANSWER, reason=f"no whole answer in {self._limits.timeout_seconds:g} s")
        except httpx.TransportError as error:
            return _Answer(status=NO_ANSWER, reason=f"{type(error).__name__}: {error}".rstrip(": "))

    def _once(self, method: str, url: str, body: bytes | None) -> _Answer:
        """One answer; the time limit holds for the whole of it, from connecting to the last byte."""
        self._deadline.begin(self._limits.timeout_seconds)
        pieces: list[bytes] = []
        size = 0
        headers = {"content-type": "application/json"} if body is not None else {}
        with self._client.stream(method, url, content=body, headers=headers) as answer:
            for piece in answer.iter_raw():
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST_ANSWER:
                    raise ModelMisbehaved(f"{self.uri}: answers more than {LARGEST_ANSWER >> 20} MiB to one request")
            retry_after = answer.headers.get("retry-after", "")
            wait = min(float(retry_after), LONGEST_WAIT) if retry_after.isdigit() else 0.0
            reason = f"HTTP {answer.status_code}"
            return _Answer(status=answer.status_code, reason=reason, wait=wait, content=b"".join(pieces))

    def _refusal(self, status: int, *, is_metadata: bool) -> SubjectError | ModelMisbehaved:
        """Without the words of the server, which may quote a row."""
        if status in (401, 403):
            return SubjectError(f"{self.uri}: refuses the token (HTTP {status}); check `connection`")
        if 300 <= status < 400:
            return SubjectError(
                f"{self.uri}: points to another address (HTTP {status}); write that one into the policy"
            )
        if is_metadata:
            return SubjectError(f"{self.uri}: knows no such model (HTTP {status}); correct the uri or deploy it")
        hint = (
            f"; it may take fewer rows at once: lower endpoint.batch_rows (now {self._limits.batch_rows})"
            if status in TOO_MUCH
            else ""
        )
        return ModelMisbehaved(f"{self.uri}: refused the rows (HTTP {status}); the log of the server says why{hint}")


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
