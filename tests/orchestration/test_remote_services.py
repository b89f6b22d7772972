"""The two services of container jobs: what each is asked for, and how its answers are read."""

from __future__ import annotations

import inspect
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import ClassVar

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from model_governance.errors import SubjectError
from model_governance.orchestration.job_status import ContainerJob, JobStatus
from model_governance.orchestration.kubernetes_job import KubernetesJobs
from model_governance.orchestration.remote_jobs import SERVICES, RemoteJobs
from model_governance.orchestration.sagemaker_job import SageMakerJobs
from model_governance.policy.remote import RemoteSpec

COMMAND = ("model-governance", "job", "0" * 64, "--artifacts", "s3://evidence/prod", "--message", "/a/file")
JOB = ContainerJob(name="governance-evasion-0123456789abcdef0123-1", command=COMMAND, seconds=7200)
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/governance:0.1.0"
PROCESSING = {
    "RoleArn": "arn:aws:iam::123456789012:role/governance-jobs",
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.4xlarge", "VolumeSizeInGB": 30}},
    "Environment": {"OMP_NUM_THREADS": "16"},
}  # fmt: skip


@pytest.mark.parametrize("service", SERVICES.values())
def test_a_service_has_every_method_of_the_contract_with_its_arguments(service):
    for name in ("submit", "poll", "discard"):
        ours, asked = (inspect.signature(getattr(each, name)).parameters for each in (service, RemoteJobs))
        assert list(ours) == list(asked)
    assert service.message_file.startswith("/")


# Kubernetes: a fake of the API behind the hook, with the answers of its documentation.


class ApiError(Exception):
    def __init__(self, status):
        self.status = status


class FakeApi:
    """The calls of kubernetes.client.CoreV1Api that a job needs."""

    def __init__(self):
        self.pods = {}

    def create_namespaced_pod(self, *, namespace, body):
        key = namespace, body["metadata"]["name"]
        if key in self.pods:
            raise ApiError(409)
        status = SimpleNamespace(phase="Pending", reason=None, message=None, container_statuses=None)
        self.pods[key] = SimpleNamespace(
            body=body, metadata=SimpleNamespace(deletion_timestamp=None), status=status
        )  # fmt: skip

    def read_namespaced_pod(self, *, name, namespace):
        if (namespace, name) not in self.pods:
            raise ApiError(404)
        return self.pods[namespace, name]

    def delete_namespaced_pod(self, *, name, namespace):
        if self.pods.pop((namespace, name), None) is None:
            raise ApiError(404)


def container(name="base", *, terminated=None, waiting=None):
    return SimpleNamespace(name=name, state=SimpleNamespace(terminated=terminated, waiting=waiting))


@pytest.fixture
def api(monkeypatch):
    made = FakeApi()
    monkeypatch.setattr(
        KubernetesJobs, "_api", lambda self: (made, self.spec.template.get("metadata", {}).get("namespace", "default"))
    )
    return made


def kubernetes(**template):
    return KubernetesJobs(RemoteSpec(service="kubernetes", image=IMAGE, template=template))


def test_a_pod_is_the_template_with_name_image_command_and_limit():
    sidecar = {"name": "proxy", "image": "proxy:1"}
    main = {"name": "base", "image": "another", "args": ["x"], "resources": {"limits": {"cpu": "8"}}}
    jobs = kubernetes(
        metadata={"namespace": "attacks", "labels": {"team": "risk"}, "name": "another"},
        spec={"serviceAccountName": "evidence", "restartPolicy": "Always", "containers": [sidecar, main]},
    )
    assert jobs.pod_of(JOB) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "attacks", "labels": {"team": "risk"}, "name": JOB.name},
        "spec": {
            "serviceAccountName": "evidence",
            "restartPolicy": "Never",
            "activeDeadlineSeconds": 7200,
            "containers": [
                {
                    "name": "base",
                    "image": IMAGE,
                    "command": list(COMMAND),
                    "resources": {"limits": {"cpu": "8"}},
                    "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File",
                },
                sidecar,
            ],
        },
    }
    assert jobs.spec.template["spec"]["containers"][1]["args"] == ["x"], "the policy is not edited"
    assert kubernetes().pod_of(JOB)["spec"]["containers"][0]["image"] == IMAGE


def test_a_pod_is_created_once_found_by_its_name_and_deleted(api):
    jobs = kubernetes(metadata={"namespace": "attacks"})
    assert jobs.poll(JOB.name) == JobStatus(state="absent")
    jobs.submit(JOB)
    jobs.submit(JOB)
    assert list(api.pods) == [("attacks", JOB.name)]
    assert jobs.poll(JOB.name).state == "running"
    jobs.discard(JOB.name)
    jobs.discard(JOB.name)
    assert jobs.poll(JOB.name) == JobStatus(state="absent")


def ended(code, reason, message=None):
    return SimpleNamespace(exit_code=code, reason=reason, message=message)


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        ({"containers": [container(terminated=ended(0, "Completed", "a" * 64))]}, ("succeeded", "a" * 64)),
        ({"containers": [container(terminated=ended(3, "Error", "a" * 64))]}, ("failed", "a" * 64)),
        ({"containers": [container(terminated=ended(137, "OOMKilled"))]}, ("failed", "OOMKilled, exit code 137")),
        # The proxy has ended, the check has not; and the other way round.
        ({"containers": [container("proxy", terminated=ended(0, "Completed")), container()]}, ("running", "")),
        ({"containers": [container("proxy"), container(terminated=ended(0, "Completed", "b"))]}, ("succeeded", "b")),
        ({"containers": [container(waiting=SimpleNamespace(reason="ImagePullBackOff", message=""))]}, ("running", "")),
        ({"containers": [container(waiting=SimpleNamespace(reason="InvalidImageName", message="?"))]}, ("failed", "")),
        ({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}, ("failed", "Evicted: low on memory")),
        ({"phase": "Failed", "reason": "DeadlineExceeded"}, ("failed", "DeadlineExceeded")),
        ({"deleted": True}, ("failed", "being deleted")),
    ],
)  # fmt: skip
def test_what_a_pod_says_is_what_its_main_container_ended_with(api, pod, expected):
    jobs = kubernetes()
    jobs.submit(JOB)
    stored = api.pods["default", JOB.name]
    stored.status.container_statuses = pod.get("containers")
    stored.status.phase = pod.get("phase", "Running")
    stored.status.reason, stored.status.message = pod.get("reason"), pod.get("message")
    stored.metadata.deletion_timestamp = "now" if pod.get("deleted") else None

    status = jobs.poll(JOB.name)
    assert status.state == expected[0]
    assert expected[1] in (status.message or status.reason)


@pytest.mark.parametrize("call", ["submit", "poll", "discard"])
def test_a_refusal_of_the_cluster_is_raised_and_not_taken_for_an_answer(api, monkeypatch, call):
    def refused(**_):
        raise ApiError(403)

    for name in ("create_namespaced_pod", "read_namespaced_pod", "delete_namespaced_pod"):
        monkeypatch.setattr(api, name, refused)
    with pytest.raises(ApiError):
        getattr(kubernetes(), call)(JOB if call == "submit" else JOB.name)


class ApiServer(BaseHTTPRequestHandler):
    """An API server of Kubernetes that keeps pods and runs none; `ended` is what their containers have ended with."""

    pods: ClassVar[dict[str, dict]] = {}
    ended = None

    def answer(self, code, body):
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = f"{self.path}/{body['metadata']['name']}"
        if path in self.pods:
            self.answer(409, {"kind": "Status", "reason": "AlreadyExists"})
            return
        self.pods[path] = body
        self.answer(201, body)

    def do_GET(self):
        pod = self.pods.get(self.path)
        if pod is None:
            self.answer(404, {"kind": "Status", "reason": "NotFound"})
            return
        state = {"terminated": self.ended} if self.ended else {"running": {}}
        shown = {"name": "base", "image": "a", "imageID": "b", "ready": True, "restartCount": 0, "state": state}
        self.answer(200, pod | {"status": {"phase": "Running", "containerStatuses": [shown]}})

    def do_DELETE(self):
        gone = self.pods.pop(self.path, None)
        self.answer(404 if gone is None else 200, gone or {"kind": "Status", "reason": "NotFound"})

    def log_message(self, *_):
        """Nothing."""


def test_the_hook_and_the_client_of_kubernetes_do_what_is_expected_of_them(monkeypatch):
    """Where the provider is installed; the fakes of the other tests stand for it elsewhere."""
    hooks = pytest.importorskip("airflow.providers.cncf.kubernetes.hooks.kubernetes")
    client = pytest.importorskip("kubernetes.client")
    server = ThreadingHTTPServer(("127.0.0.1", 0), ApiServer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = client.Configuration(host=f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(hooks.KubernetesHook, "get_conn", lambda self: client.ApiClient(settings))
    jobs = kubernetes(metadata={"namespace": "attacks"}, spec={"containers": [{"name": "base", "env": []}]})
    try:
        assert jobs.poll(JOB.name) == JobStatus(state="absent")
        jobs.submit(JOB)
        jobs.submit(JOB)
        assert list(ApiServer.pods) == [f"/api/v1/namespaces/attacks/pods/{JOB.name}"]
        assert jobs.poll(JOB.name).state == "running"
        ended = {"exitCode": 3, "reason": "Error", "message": "a" * 64}
        monkeypatch.setattr(ApiServer, "ended", ended)
        assert jobs.poll(JOB.name) == JobStatus(state="failed", message="a" * 64, reason="Error, exit code 3")
        jobs.discard(JOB.name)
        jobs.discard(JOB.name)
        assert jobs.poll(JOB.name) == JobStatus(state="absent")
    finally:
        server.shutdown()
        server.server_close()


# SageMaker: the real hook and client, whose requests botocore checks, on a service in this process.


@pytest.fixture
def account(monkeypatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield boto3.client("sagemaker")


def sagemaker(**more):
    return SageMakerJobs(RemoteSpec(service="sagemaker", image=IMAGE, template={**PROCESSING, **more}))


def test_a_processing_job_is_created_as_the_template_says_and_found_by_its_name(account):
    jobs = sagemaker(StoppingCondition={"MaxRuntimeInSeconds": 1}, AppSpecification={"ImageUri": "another"})
    assert jobs.poll(JOB.name) == JobStatus(state="absent")
    jobs.submit(JOB)
    found = account.describe_processing_job(ProcessingJobName=JOB.name)
    assert found["AppSpecification"] == {
        "ImageUri": IMAGE, "ContainerEntrypoint": [COMMAND[0]], "ContainerArguments": list(COMMAND[1:]),
    }  # fmt: skip
    assert found["StoppingCondition"] == {"MaxRuntimeInSeconds": 7200}
    assert found["RoleArn"] == PROCESSING["RoleArn"]
    assert jobs.poll(JOB.name).state in ("running", "succeeded")
    assert jobs.request_of(JOB)["Environment"] == PROCESSING["Environment"]
    assert max(len(word) for word in COMMAND) <= 256, "the service takes no longer arguments"


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ({"ProcessingJobStatus": "InProgress"}, JobStatus(state="running", reason="InProgress")),
        ({"ProcessingJobStatus": "Stopping"}, JobStatus(state="running", reason="Stopping")),
        (
            {"ProcessingJobStatus": "Completed", "ExitMessage": "a" * 64},
            JobStatus(state="succeeded", message="a" * 64, reason="Completed"),
        ),
        (
            {"ProcessingJobStatus": "Failed", "ExitMessage": "b", "FailureReason": "AlgorithmError: exit code 3"},
            JobStatus(state="failed", message="b", reason="Failed: AlgorithmError: exit code 3"),
        ),
        ({"ProcessingJobStatus": "Stopped"}, JobStatus(state="failed", reason="Stopped")),
    ],
)
def test_what_sagemaker_says_of_a_job(monkeypatch, described, expected):
    stopped = []
    client = SimpleNamespace(stop_processing_job=lambda **given: stopped.append(given))
    hook = SimpleNamespace(describe_processing_job=lambda name: described, get_conn=lambda: client)
    monkeypatch.setattr(SageMakerJobs, "_hook", lambda self: hook)
    assert sagemaker().poll(JOB.name) == expected
    sagemaker().discard(JOB.name)
    running = described["ProcessingJobStatus"] == "InProgress"
    assert stopped == ([{"ProcessingJobName": JOB.name}] if running else [])


def refusing(code, message="no"):
    def refused(*_, **__):
        raise ClientError({"Error": {"Code": code, "Message": message}}, "operation")

    return SimpleNamespace(create_processing_job=refused, describe_processing_job=refused)


def test_a_name_that_is_taken_is_the_job_of_an_earlier_try_and_any_other_refusal_is_raised(monkeypatch):
    monkeypatch.setattr(SageMakerJobs, "_hook", lambda self: refusing("ResourceInUse"))
    sagemaker().submit(JOB)
    monkeypatch.setattr(SageMakerJobs, "_hook", lambda self: refusing("AccessDeniedException"))
    for call in (lambda: sagemaker().submit(JOB), lambda: sagemaker().poll(JOB.name)):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


@pytest.mark.parametrize(
    "code", [("ValidationException", "Could not find requested job with name: x"), ("ResourceNotFound", "no such job")]
)
def test_a_job_that_is_not_there_is_absent_and_nothing_is_stopped(monkeypatch, code):
    monkeypatch.setattr(SageMakerJobs, "_hook", lambda self: refusing(*code))
    assert sagemaker().poll(JOB.name) == JobStatus(state="absent")
    sagemaker().discard(JOB.name)


def test_a_connection_that_airflow_does_not_know_is_named(airflow_db):
    spec = RemoteSpec(service="sagemaker", image=IMAGE, connection="no_such_account", template=PROCESSING)
    with pytest.raises(SubjectError, match="no_such_account"):
        SageMakerJobs(spec).poll(JOB.name)
