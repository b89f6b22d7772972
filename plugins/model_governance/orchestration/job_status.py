"""What a container job is given, and what a service says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["absent", "running", "succeeded", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerJob:
    """A job to submit: its name, the command of its container, and the seconds after which the service stops it."""

    name: str
    command: tuple[str, ...]
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What a service says of a job.

    `message` is what the job left in the message file, empty where it left nothing; `reason` is what the service says itself.
    """

    state: State
    message: str = ""
    reason: str = ""
