"""What the error answers of an S3 server mean for a store, and what to do about each.

Codes: Amazon S3 API Reference, "Error responses". Other servers use the same codes, or only the HTTP status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.errors import ObjectConflict, ObjectMissing, StoreError, StoreUnreachable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_MISSING = frozenset({"NoSuchKey", "NoSuchVersion"})
_BUSY = frozenset(
    {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "ThrottlingException"}
    | {"ThrottledException", "RequestThrottled", "RequestThrottledException", "TooManyRequests"}
    | {"TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "PriorRequestNotComplete"}
)
_TAKEN = frozenset({409, 412})
_NOT_IMPLEMENTED = 501
NOT_OFFERED = frozenset({"NotImplemented", "MethodNotAllowed"})
NOT_ALLOWED = frozenset({"AccessDenied", "Forbidden", "403"})

_DAMAGED = "the bytes changed on the way: look for a proxy that rewrites requests"
_NEXT_STEP = {
    "404": "check the endpoint of the connection: an S3 server says what is missing",
    "NoSuchBucket": "create the bucket, or correct the policy's artifacts uri",
    "SignatureDoesNotMatch": "correct the secret key of the connection",
    "InvalidAccessKeyId": "correct the access key of the connection",
    "InvalidSecurity": "correct the access key of the connection",
    "InvalidToken": "renew the session token of the connection",
    "ExpiredToken": "renew the session token of the connection",
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
}


def explain(error: Exception, *, action: str, permission: str, where: str) -> StoreError:
    """The error of ours for an error of botocore; `where` is the `s3://` uri, `permission` what the action needs.

    Codes and class names are told; messages are not, since servers put key ids and presigned urls into them.
    """
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        return _explain_answer(error, action=action, permission=permission, where=where)
    return _explain_silence(error, told=f"cannot {action} {where}: {type(error).__name__}")


def code_and_status(error: ClientError) -> tuple[str, int]:
    """The code of S3 and the status of HTTP; an answer to HEAD has its status as code."""
    answer: Any = error.response
    code = str(answer.get("Error", {}).get("Code", "Unknown"))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return code, status or (int(code) if code.isdecimal() else 0)


def _explain_answer(error: ClientError, *, action: str, permission: str, where: str) -> StoreError:
    code, status = code_and_status(error)
    told = f"cannot {action} {where}: the server answers {code}" + (f" ({status})" if status else "")
    if code in _MISSING:
        return ObjectMissing(f"nothing is stored at {where}: the server answers {code}; expected an object there")
    if code in NOT_OFFERED or status == _NOT_IMPLEMENTED:
        return StoreError(f"{told}; this server lacks what a create-only store needs, use another one")
    if code in NOT_ALLOWED:
        return StoreError(f"{told}; give the role of the connection {permission} here, and s3:ListBucket on the bucket")
    if code in _NEXT_STEP:
        return StoreError(f"{told}; {_NEXT_STEP[code]}")
    if status in _TAKEN:
        return ObjectConflict(f"{told}; another writer is or was there")
    if code in _BUSY or status == 429 or status >= 500:
        return StoreUnreachable(f"{told}; it is busy or broken, a later try may succeed")
    return StoreError(f"{told}; look this code up in the documentation of the server")


def _explain_silence(error: Exception, *, told: str) -> StoreError:
    from botocore import exceptions

    if isinstance(error, exceptions.SSLError):
        return StoreError(f"{told}; let the connection's `verify` name the certificate authority of the server")
    silence = (exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.IncompleteReadError)
    if isinstance(error, silence):
        return StoreUnreachable(f"{told}; the server does not answer, check the endpoint or try later")
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return StoreError(f"{told}; name an aws connection in the policy, or set AWS_ACCESS_KEY_ID and its secret")
    if "Checksum" in type(error).__name__:
        return StoreError(f"{told}; the bytes that arrived are not those that were stored, read them again elsewhere")
    return StoreError(f"{told}; check endpoint, region and credentials of the connection")
