"""The services that run container jobs, by the names that a policy gives them, and what each of them must be able to do."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Protocol

from model_governance.errors import PolicyError
from model_governance.orchestration.kubernetes_job import KubernetesJobs
from model_governance.orchestration.sagemaker_job import SageMakerJobs
from model_governance.policy.position import spell
from model_governance.policy.yaml_text import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.orchestration.job_status import ContainerJob, JobStatus
    from model_governance.policy import Policy
    from model_governance.policy.remote import RemoteSpec, Service


class RemoteJobs(Protocol):
    """A service that runs container jobs. It takes a name once; evidence does not pass through it, only a short message.

    `hook` is the module of Airflow's provider that reaches it, `provider` the distribution that has this module, and
    `message_file` the file of a container of which the service tells the content once the job has ended.
    """

    hook: ClassVar[str]
    provider: ClassVar[str]
    message_file: ClassVar[str]

    def __init__(self, spec: RemoteSpec) -> None: ...

    def submit(self, job: ContainerJob) -> None:
        """Start the job; nothing where there is one of this name."""

    def poll(self, name: str) -> JobStatus:
        """How it stands with the job."""

    def discard(self, name: str) -> None:
        """Stop the job where it runs, and remove what the service keeps of it; nothing where there is none."""


SERVICES: Mapping[Service, type[RemoteJobs]] = {"kubernetes": KubernetesJobs, "sagemaker": SageMakerJobs}


def service_of(spec: RemoteSpec) -> RemoteJobs:
    """The service that a policy names, reached over the connection that it names."""
    return SERVICES[spec.service](spec)


def require_providers(policy: Policy, *, file: str | os.PathLike[str] | None = None) -> None:
    """Nothing, where Airflow has the provider of every service that a policy names.

    Raises:
        PolicyError: one is not installed; names policy, key and what to install.
    """
    named = {name: spec.run_on for name, spec in policy.checks.items() if spec.run_on is not None}
    missing = {name: spec for name, spec in named.items() if not _is_installed(SERVICES[spec.service].hook)}
    if not missing:
        return
    origin = os.fspath(file) if file is not None else f"policy {policy.name}"
    position, _ = read_yaml(policy.source, origin)
    paths = {name: ("checks", name, "run_on", "service") for name in missing}
    raise PolicyError(
        [
            f"{origin}:{position.line(paths[name])} {spell(paths[name])}: {spec.service} needs the provider "
            f"{SERVICES[spec.service].provider}, which this Airflow has not; install it, or remove run_on"
            for name, spec in missing.items()
        ]
    )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it is missing
        return False
