"""The only room that knows Airflow: operators, the DAG of a policy, the decorator, links and the plugin.

Airflow schedules, retries and shows; what a night is and how it ends is decided in `model_governance.run`.
What a DAG file needs can be imported from here:

    from model_governance.orchestration import DataValidationOperator, governance_dags, retraining_asset
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_governance.orchestration.archive import ArchiveEvidenceOperator
    from model_governance.orchestration.dags import governance_dag, governance_dags
    from model_governance.orchestration.gate import GovernanceGateOperator
    from model_governance.orchestration.operators import (
        ArtifactScanOperator,
        AttributeInferenceOperator,
        AttributionDriftOperator,
        CorruptionOperator,
        DataDriftOperator,
        DataValidationOperator,
        EvasionOperator,
        FairnessOperator,
        GovernanceCheckOperator,
        MembershipInferenceOperator,
        ModelExtractionOperator,
        ModelInversionOperator,
        ModelQualityOperator,
        PerformanceEstimationOperator,
        PoisoningScreenOperator,
    )
    from model_governance.orchestration.retraining import RequestRetrainingOperator, manifest_behind, retraining_asset
    from model_governance.orchestration.task_group import governance_task_group
    from model_governance.orchestration.violation import GovernanceViolation

__all__ = [
    "ArchiveEvidenceOperator",
    "ArtifactScanOperator",
    "AttributeInferenceOperator",
    "AttributionDriftOperator",
    "CorruptionOperator",
    "DataDriftOperator",
    "DataValidationOperator",
    "EvasionOperator",
    "FairnessOperator",
    "GovernanceCheckOperator",
    "GovernanceGateOperator",
    "GovernanceViolation",
    "MembershipInferenceOperator",
    "ModelExtractionOperator",
    "ModelInversionOperator",
    "ModelQualityOperator",
    "PerformanceEstimationOperator",
    "PoisoningScreenOperator",
    "RequestRetrainingOperator",
    "governance_dag",
    "governance_dags",
    "governance_task_group",
    "manifest_behind",
    "retraining_asset",
]

_HOME = {
    "archive": ("ArchiveEvidenceOperator",),
    "dags": ("governance_dag", "governance_dags"),
    "gate": ("GovernanceGateOperator",),
    "operators": (
        "ArtifactScanOperator",
        "AttributeInferenceOperator",
        "AttributionDriftOperator",
        "CorruptionOperator",
        "DataValidationOperator",
        "DataDriftOperator",
        "FairnessOperator",
        "GovernanceCheckOperator",
        "ModelExtractionOperator",
        "ModelInversionOperator",
        "ModelQualityOperator",
        "PerformanceEstimationOperator",
        "PoisoningScreenOperator",
        "MembershipInferenceOperator",
        "EvasionOperator",
    ),
    "retraining": ("RequestRetrainingOperator", "manifest_behind", "retraining_asset"),
    "task_group": ("governance_task_group",),
    "violation": ("GovernanceViolation",),
}


def __getattr__(name: str) -> Any:
    # Every Airflow process imports this package for its entry points; only DAG files need the operators.
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
