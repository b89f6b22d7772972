"""Where a check runs when it does not run in its task: in a container job of another service."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from model_governance.policy.part import Part

Service = Literal["kubernetes", "sagemaker"]
OF_PROCESSING = ("RoleArn", "ProcessingResources")
"""What CreateProcessingJob requires and only the user knows."""
MAIN_CONTAINER = "base"
"""The container of a pod that runs the check, under the name that Airflow's KubernetesPodOperator gives it."""


class RemoteSpec(Part):
    """A container job that measures a check in place of its task, which waits for it and holds no slot of a worker."""

    service: Service = Field(description="service that runs the job: a pod of Kubernetes, or SageMaker Processing")
    image: str = Field(
        min_length=1, max_length=255, pattern=r"^\S+$",
        description="container image with this package and the libraries of the check, best named by its digest",
    )  # fmt: skip
    connection: str | None = Field(
        default=None, min_length=1, max_length=250,
        description="Airflow connection of the service (kubernetes or aws); by default the surroundings of worker and triggerer",
    )  # fmt: skip
    template: dict[str, Any] = Field(
        default_factory=dict,
        description="what else the job needs: a pod manifest, in which the container base runs the check, or the request of "
        "CreateProcessingJob; name, image, command and time limit are filled in",
    )

    @model_validator(mode="after")
    def _template_fits_the_service(self) -> RemoteSpec:
        problem = _pod_problem(self.template) if self.service == "kubernetes" else _request_problem(self.template)
        if problem:
            raise ValueError(problem)
        return self


def _pod_problem(template: dict[str, Any]) -> str:
    if template.get("kind", "Pod") != "Pod":
        return f"template.kind: expected Pod, found {template['kind']!r}; write the manifest of a pod"
    for key in ("metadata", "spec"):
        if not isinstance(template.get(key, {}), dict):
            return f"template.{key}: expected a mapping, as in the manifest of a pod"
    containers = template.get("spec", {}).get("containers", [])
    if not isinstance(containers, list) or not all(isinstance(each, dict) for each in containers):
        return f"template.spec.containers: expected a list of mappings; the check runs in the one with name: {MAIN_CONTAINER}"
    return ""


def _request_problem(template: dict[str, Any]) -> str:
    missing = [key for key in OF_PROCESSING if key not in template]
    if missing:
        return f"template lacks {' and '.join(missing)}, which CreateProcessingJob of SageMaker requires; add it"
    if not isinstance(template.get("AppSpecification", {}), dict):
        return "template.AppSpecification: expected a mapping"
    return ""
