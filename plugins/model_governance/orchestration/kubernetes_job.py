"""A check as a pod of Kubernetes, over the hook of Airflow's provider."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar

from model_governance.orchestration.job_status import JobStatus
from model_governance.orchestration.stores import connection_named
from model_governance.policy.remote import MAIN_CONTAINER

if TYPE_CHECKING:
    from model_governance.orchestration.job_status import ContainerJob
    from model_governance.policy.remote import RemoteSpec

CONFLICT, NOT_FOUND = 409, 404
DEFAULT_NAMESPACE = "default"
NEVER_STARTS = ("ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError")
"""Reasons for which a container waits until the pod is deleted."""


class KubernetesJobs:
    """Implements `RemoteJobs` with a pod per job.

    The pod's namespace is that of the template, else that of the connection, else `default`. What the container base ends with
    is what the job ends with; other containers of the template are not waited for.
    """

    hook: ClassVar[str] = "airflow.providers.cncf.kubernetes.hooks.kubernetes"
    provider: ClassVar[str] = "apache-airflow-providers-cncf-kubernetes"
    message_file: ClassVar[str] = "/dev/termination-log"

    def __init__(self, spec: RemoteSpec) -> None:
        self.spec = spec

    def submit(self, job: ContainerJob) -> None:
        """Create the pod; a pod of this name is the one that was created before."""
        api, namespace = self._api()
        try:
            api.create_namespaced_pod(namespace=namespace, body=self.pod_of(job))
        except Exception as error:
            if _status_of(error) != CONFLICT:
                raise

    def poll(self, name: str) -> JobStatus:
        """How it stands with the container that runs the check; a pod that is being deleted has failed."""
        api, namespace = self._api()
        try:
            pod = api.read_namespaced_pod(name=name, namespace=namespace)
        except Exception as error:
            if _status_of(error) != NOT_FOUND:
                raise
            return JobStatus(state="absent")
        found = next((each for each in pod.status.container_statuses or () if each.name == MAIN_CONTAINER), None)
        ended = found.state.terminated if found is not None and found.state is not None else None
        if ended is not None:
            reason = f"{ended.reason}, exit code {ended.exit_code}"
            return JobStatus(
                state="succeeded" if ended.exit_code == 0 else "failed", message=ended.message or "", reason=reason
            )
        if pod.metadata.deletion_timestamp is not None:
            return JobStatus(state="failed", reason="the pod is being deleted")
        if pod.status.phase in ("Failed", "Succeeded"):
            told = (pod.status.phase, pod.status.reason, pod.status.message)
            return JobStatus(state="failed", reason=": ".join(filter(None, told)))
        return _waiting(found)

    def discard(self, name: str) -> None:
        """Delete the pod."""
        api, namespace = self._api()
        try:
            api.delete_namespaced_pod(name=name, namespace=namespace)
        except Exception as error:
            if _status_of(error) != NOT_FOUND:
                raise

    def pod_of(self, job: ContainerJob) -> dict[str, Any]:
        """The manifest: the template, with name, image, command, message file and time limit filled in."""
        template = deepcopy(self.spec.template)
        spec = template.get("spec", {})
        others = [each for each in spec.get("containers", ()) if each.get("name") != MAIN_CONTAINER]
        main: dict[str, Any] = next(
            (each for each in spec.get("containers", ()) if each.get("name") == MAIN_CONTAINER), {}
        )
        main.pop("args", None)
        main |= {
            "name": MAIN_CONTAINER, "image": self.spec.image, "command": list(job.command),
            "terminationMessagePath": self.message_file, "terminationMessagePolicy": "File",
        }  # fmt: skip
        limits = {"restartPolicy": "Never", "activeDeadlineSeconds": job.seconds}
        return {
            **template, "apiVersion": "v1", "kind": "Pod", "metadata": {**template.get("metadata", {}), "name": job.name},
            "spec": {**spec, **limits, "containers": [main, *others]},
        }  # fmt: skip

    def _api(self) -> tuple[Any, str]:
        """Client and namespace. Raises SubjectError where Airflow has no connection of the name in the policy."""
        from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

        if self.spec.connection is not None:
            connection_named(self.spec.connection)
        hook = KubernetesHook(conn_id=self.spec.connection)
        named = self.spec.template.get("metadata", {}).get("namespace")
        return hook.core_v1_client, named or hook.get_namespace() or DEFAULT_NAMESPACE


def _waiting(container: Any) -> JobStatus:
    waiting = container.state.waiting if container is not None and container.state is not None else None
    if waiting is not None and waiting.reason in NEVER_STARTS:
        return JobStatus(state="failed", reason=f"{waiting.reason}: {waiting.message}")
    return JobStatus(state="running", reason=waiting.reason if waiting is not None else "")


def _status_of(error: Exception) -> int | None:
    """The HTTP status of an answer, as the client's ApiException has it."""
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None
