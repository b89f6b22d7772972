"""What the answers of an S3 server mean, for reading inputs and for keeping evidence alike.

Codes: Amazon S3 API Reference, "Error responses". Other servers use the same codes, or only the HTTP status.

Two decisions are made here and nowhere else:

- Codes and class names are reported; messages are not, because servers put key ids and presigned urls into them.
- **Expired credentials are infrastructure.** `ExpiredToken` means that the session credentials of this process have run
  out. A retried task is a new process, which asks its connection, role or metadata service for new ones, so trying again
  may help. A token that was never valid (`InvalidToken`, `InvalidAccessKeyId`) stays invalid and is final.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from model_governance.errors import ObjectConflict, ObjectMissing, StoreError, StoreUnreachable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

Kind = Literal["missing", "no_bucket", "conflict", "not_allowed", "not_offered", "unreachable", "refused"]

NOT_OFFERED = frozenset({"NotImplemented", "MethodNotAllowed"})
NOT_ALLOWED = frozenset({"AccessDenied", "Forbidden", "403"})
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion"})
_MOVED_CODES = frozenset({"TemporaryRedirect", "Redirect", "307"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_BUSY = frozenset(
    {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "ThrottlingException"}
    | {"ThrottledException", "RequestThrottled", "RequestThrottledException", "TooManyRequests"}
    | {"TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "PriorRequestNotComplete"}
)
_CONFLICT = frozenset({409, 412})
_NOT_IMPLEMENTED = 501

_DAMAGED = "the bytes changed on the way: look for a proxy that rewrites requests"
_FULL = "the disks of the server are full: free space there"
_MOVED = (
    "the server points to another address: a bucket that was just created needs up to a day, until then set the endpoint "
    "of the connection to the region of the bucket; a later try may succeed"
)
_NEXT_STEP = {
    "404": "check the endpoint of the connection: an S3 server says what is missing",
    "SignatureDoesNotMatch": "correct the secret key of the connection",
    "InvalidAccessKeyId": "correct the access key of the connection",
    "InvalidSecurity": "correct the access key of the connection",
    "InvalidToken": "renew the session token of the connection",
    "RequestTimeTooSkewed": "set the clock of the worker",
    "AuthorizationHeaderMalformed": "set the region of the connection to the region of the bucket",
    "PermanentRedirect": "set the region or endpoint of the connection to that of the bucket",
    "BadDigest": _DAMAGED,
    "InvalidDigest": _DAMAGED,
    "XAmzContentSHA256Mismatch": _DAMAGED,
    "XAmzContentChecksumMismatch": _DAMAGED,
    "EntityTooLarge": "one object holds at most 5 GiB: store a summary instead",
    "KeyTooLongError": "shorten the prefix of the store",
    "InvalidObjectState": "the object is in an archive tier: restore it first",
    "QuotaExceeded": "raise the quota of the bucket",
    "XMinioStorageFull": _FULL,
    "InsufficientStorage": _FULL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An error of botocore, classified: `reason` names code or class, `next_step` what to do (empty where it depends)."""

    kind: Kind
    reason: str
    next_step: str = ""


def classify(error: Exception) -> Answer:
    """The meaning of what botocore raised: an answer of the server, or the lack of one."""
    from botocore.exceptions import ClientError

    return _classify_answer(error) if isinstance(error, ClientError) else _classify_failure(error)


def explain(error: Exception, *, action: str, permission: str, where: str) -> StoreError:
    """The StoreError for an error of botocore.

    Args:
        error: what botocore raised.
        action: what was tried, as in "cannot `read` ...".
        permission: the S3 permission that the action needs.
        where: the `s3://` uri.
    """
    answer = classify(error)
    sentence = f"cannot {action} {where}: {answer.reason}"
    match answer.kind:
        case "missing":
            return ObjectMissing(f"nothing is stored at {where}: {answer.reason}; expected an object there")
        case "not_offered":
            return StoreError(f"{sentence}; this server lacks what a create-only store needs, use another one")
        case "not_allowed":
            return StoreError(
                f"{sentence}; give the role of the connection {permission} here, and s3:ListBucket on the bucket"
            )
        case "conflict":
            return ObjectConflict(f"{sentence}; another writer is or was there")
        case "no_bucket":
            return StoreError(f"{sentence}; create the bucket, or correct the policy's artifacts uri")
        case "unreachable":
            return StoreUnreachable(f"{sentence}; {answer.next_step}")
        case _:
            return StoreError(f"{sentence}; {answer.next_step}")


def code_and_status(error: ClientError) -> tuple[str, int]:
    """The code of S3 and the status of HTTP; an answer to HEAD has its status as code."""
    answer: Any = error.response
    code = str(answer.get("Error", {}).get("Code", "Unknown"))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return code, status or (int(code) if code.isdecimal() else 0)


def _classify_answer(error: ClientError) -> Answer:
    code, status = code_and_status(error)
    reason = f"the server answers {code}" + (f" ({status})" if status else "")
    if code in _EXPIRED:
        step = "the credentials have expired, a new process may renew them; renew the session token of the connection"
        return Answer(kind="unreachable", reason=reason, next_step=step)
    if code in _MOVED_CODES:
        return Answer(kind="unreachable", reason=reason, next_step=_MOVED)
    if code in _NEXT_STEP:
        return Answer(kind="refused", reason=reason, next_step=_NEXT_STEP[code])
    return Answer(kind=_kind(code, status), reason=reason, next_step=_STEPS.get(_kind(code, status), ""))


def _kind(code: str, status: int) -> Kind:
    if code in _MISSING:
        return "missing"
    if code == "NoSuchBucket":
        return "no_bucket"
    if code in NOT_OFFERED or status == _NOT_IMPLEMENTED:
        return "not_offered"
    if code in NOT_ALLOWED:
        return "not_allowed"
    if status in _CONFLICT:
        return "conflict"
    return "unreachable" if code in _BUSY or status == 429 or status >= 500 else "refused"


_STEPS: dict[Kind, str] = {
    "unreachable": "it is busy or broken, a later try may succeed",
    "refused": "look this code up in the documentation of the server",
}


def _classify_failure(error: Exception) -> Answer:
    """No answer at all; the class alone is reported, because its text may hold an endpoint with credentials."""
    from botocore import exceptions

    reason = type(error).__name__
    credentials = (exceptions.CredentialRetrievalError, exceptions.MetadataRetrievalError)
    silence = (exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.IncompleteReadError)
    if isinstance(error, exceptions.SSLError):
        step = "let the connection's `verify` name the certificate authority of the server"
        return Answer(kind="refused", reason=reason, next_step=step)
    if isinstance(error, silence):
        step = "the server does not answer, check the endpoint or try later"
        return Answer(kind="unreachable", reason=reason, next_step=step)
    if isinstance(error, credentials):
        return Answer(
            kind="unreachable", reason=reason, next_step="the source of credentials does not answer, try later"
        )
    if isinstance(error, exceptions.ProfileNotFound):
        profile = error.kwargs.get("profile")
        return Answer(kind="refused", reason=f"{reason} {profile}", next_step="correct AWS_PROFILE, check credentials")
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        step = "name an aws connection in the policy, or set AWS_ACCESS_KEY_ID and its secret; check credentials"
        return Answer(kind="refused", reason=reason, next_step=step)
    if "Checksum" in reason:
        step = "the bytes that arrived are not those that were stored, a later try may succeed"
        return Answer(kind="unreachable", reason=reason, next_step=step)
    return Answer(kind="refused", reason=reason, next_step="check endpoint, region and credentials of the connection")
