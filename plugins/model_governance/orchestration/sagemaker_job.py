"""A check as a processing job of Amazon SageMaker, over the hook of Airflow's provider."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar

from model_governance.orchestration.job_status import JobStatus
from model_governance.orchestration.stores import connection_named

if TYPE_CHECKING:
    from model_governance.orchestration.job_status import ContainerJob
    from model_governance.policy.remote import RemoteSpec

RUNNING, COMPLETED = ("InProgress", "Stopping"), "Completed"


class SageMakerJobs:
    """Implements `RemoteJobs` with a processing job per job. Its name is taken for ever: ended jobs cannot be removed."""

    hook: ClassVar[str] = "airflow.providers.amazon.aws.hooks.sagemaker"
    provider: ClassVar[str] = "apache-airflow-providers-amazon"
    message_file: ClassVar[str] = "/opt/ml/output/message"

    def __init__(self, spec: RemoteSpec) -> None:
        self.spec = spec

    def submit(self, job: ContainerJob) -> None:
        """Create the job; a job of this name is the one that was created before."""
        from botocore.exceptions import ClientError

        try:
            self._hook().create_processing_job(self.request_of(job), wait_for_completion=False)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceInUse":
                raise

    def poll(self, name: str) -> JobStatus:
        """How it stands with the job."""
        found = self._described(name)
        if found is None:
            return JobStatus(state="absent")
        status, message = found["ProcessingJobStatus"], found.get("ExitMessage", "")
        if status in RUNNING:
            return JobStatus(state="running", reason=status)
        reason = ": ".join(filter(None, [status, found.get("FailureReason")]))
        return JobStatus(state="succeeded" if status == COMPLETED else "failed", message=message, reason=reason)

    def discard(self, name: str) -> None:
        """Stop the job, where it runs."""
        found = self._described(name)
        if found is not None and found["ProcessingJobStatus"] == "InProgress":
            self._hook().get_conn().stop_processing_job(ProcessingJobName=name)

    def request_of(self, job: ContainerJob) -> dict[str, Any]:
        """The request of CreateProcessingJob: the template, with name, image, command and time limit filled in."""
        template = deepcopy(self.spec.template)
        program, *arguments = job.command
        container = {"ImageUri": self.spec.image, "ContainerEntrypoint": [program], "ContainerArguments": arguments}
        return {
            **template, "ProcessingJobName": job.name, "StoppingCondition": {"MaxRuntimeInSeconds": job.seconds},
            "AppSpecification": {**template.get("AppSpecification", {}), **container},
        }  # fmt: skip

    def _described(self, name: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            found: dict[str, Any] = self._hook().describe_processing_job(name)
        except ClientError as error:
            told = error.response["Error"]
            # The service says ValidationException where its documentation has ResourceNotFound.
            if told["Code"] == "ResourceNotFound" or "Could not find" in told.get("Message", ""):
                return None
            raise
        return found

    def _hook(self) -> Any:
        """The hook. Raises SubjectError where Airflow has no connection of the name in the policy."""
        from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook

        if self.spec.connection is not None:
            connection_named(self.spec.connection)
        return SageMakerHook(aws_conn_id=self.spec.connection)
