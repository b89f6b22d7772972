"""One room says what an answer of S3 means: reading an input and keeping evidence agree on every one."""

from __future__ import annotations

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from model_governance.contract.connections import PlainConnections
from model_governance.errors import GovernanceError
from model_governance.store.s3_answers import classify, explain
from model_governance.subjects.sources import read_source

SECRET = "AKIAEXAMPLE https://bucket/key?X-Amz-Signature=abc"


def answer(code, status):
    return ClientError(
        {"Error": {"Code": code, "Message": SECRET}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject"
    )


ANSWERS = {
    "expired credentials": (answer("ExpiredToken", 400), "unreachable"),
    "busy": (answer("SlowDown", 503), "unreachable"),
    "broken": (answer("Unknown", 500), "unreachable"),
    "gateway without a code": (answer("502", 0), "unreachable"),
    "throttled": (answer("SomethingNew", 429), "unreachable"),
    "no key": (answer("NoSuchKey", 404), "missing"),
    "no bucket": (answer("NoSuchBucket", 404), "no_bucket"),
    "no permission": (answer("AccessDenied", 403), "not_allowed"),
    "taken": (answer("PreconditionFailed", 412), "conflict"),
    "not implemented": (answer("NotImplemented", 501), "not_offered"),
    "token that was never valid": (answer("InvalidToken", 400), "refused"),
    "wrong key": (answer("InvalidAccessKeyId", 403), "refused"),
    "wrong digest": (answer("BadDigest", 400), "refused"),
    "full server": (answer("XMinioStorageFull", 507), "refused"),
    "bucket that moves": (answer("TemporaryRedirect", 307), "unreachable"),
    "unknown code": (answer("SomethingNew", 400), "refused"),
    "no server": (exceptions.EndpointConnectionError(endpoint_url=SECRET), "unreachable"),
    "cut off": (exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), "unreachable"),
    "no metadata service": (exceptions.CredentialRetrievalError(provider="x", error_msg=SECRET), "unreachable"),
    "other bytes": (exceptions.FlexibleChecksumError(error_msg=SECRET), "unreachable"),
    "no certificate": (exceptions.SSLError(endpoint_url=SECRET, error=SECRET), "refused"),
    "no credentials": (exceptions.NoCredentialsError(), "refused"),
    "no region": (exceptions.NoRegionError(), "refused"),
}


def read_error(error, tmp_path):
    class Client:
        def get_object(self, **_):
            raise error

        def head_object(self, **_):
            raise error

    class Connected(PlainConnections):
        def s3(self, name):
            return Client()

    with pytest.raises(GovernanceError) as caught:
        read_source("s3://bucket/key", folder=tmp_path, connections=Connected(), connection=None, expected=None)
    return caught.value


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_means_the_same_for_inputs_and_for_evidence_and_no_message_is_reported(name, tmp_path):
    error, kind = ANSWERS[name]
    assert classify(error).kind == kind
    told = explain(error, action="read", permission="s3:GetObject", where="s3://bucket/key")
    read = read_error(error, tmp_path)
    assert told.infrastructure == read.infrastructure == (kind == "unreachable")
    for sentence in (str(told), str(read)):
        assert "AKIAEXAMPLE" not in sentence
        assert "X-Amz-Signature" not in sentence
        assert "s3://bucket/key" in sentence
        assert ";" in sentence, "a next step follows"


def test_expired_credentials_say_that_a_new_process_may_renew_them(tmp_path):
    error, _ = ANSWERS["expired credentials"]
    for sentence in (explain(error, action="read", permission="", where="s3://b/k"), read_error(error, tmp_path)):
        assert "ExpiredToken" in str(sentence)
        assert "new process may renew" in str(sentence)
