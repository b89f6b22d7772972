"""The policy: one YAML file for one model. `model` says what it holds, `load` reads it with its lines."""

from model_governance.policy.load import load_policy, parse_policy
from model_governance.policy.model import (
    AlarmSpec,
    ArchiveSpec,
    ArtifactSpec,
    CheckSpec,
    ConfirmSpec,
    DatasetSpec,
    EndpointSpec,
    ModelSpec,
    Policy,
    RetrainingSpec,
    ScheduleSpec,
    Threshold,
    Waiver,
)

__all__ = [
    "AlarmSpec",
    "ArchiveSpec",
    "ArtifactSpec",
    "CheckSpec",
    "ConfirmSpec",
    "DatasetSpec",
    "EndpointSpec",
    "ModelSpec",
    "Policy",
    "RetrainingSpec",
    "ScheduleSpec",
    "Threshold",
    "Waiver",
    "load_policy",
    "parse_policy",
]
