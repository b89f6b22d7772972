"""The policy: one YAML file for one model. `model` says what it holds (`subject_spec` and `operation` hold parts of it), `load` reads it with its lines."""

from model_governance.policy.load import load_policy, parse_policy
from model_governance.policy.model import CheckSpec, ConfirmSpec, Policy, Threshold, Waiver
from model_governance.policy.operation import AlarmSpec, ArchiveSpec, ArtifactSpec, RetrainingSpec, ScheduleSpec
from model_governance.policy.promotion import PromotionSpec, TrainingSpec
from model_governance.policy.subject_spec import CsvSpec, DatasetSpec, EndpointSpec, ModelSpec

__all__ = [
    "AlarmSpec",
    "ArchiveSpec",
    "ArtifactSpec",
    "CheckSpec",
    "ConfirmSpec",
    "CsvSpec",
    "DatasetSpec",
    "EndpointSpec",
    "ModelSpec",
    "Policy",
    "PromotionSpec",
    "RetrainingSpec",
    "ScheduleSpec",
    "Threshold",
    "TrainingSpec",
    "Waiver",
    "load_policy",
    "parse_policy",
]
