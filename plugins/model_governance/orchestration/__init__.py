"""The only room that knows Airflow: operators, the DAG of a policy, the decorator, links and the plugin.

Airflow schedules, retries and shows; how a run proceeds and ends is decided in `model_governance.run`.
What a DAG file needs is imported from here:

    from model_governance.orchestration import DataValidationOperator, governance_dags, retraining_asset

Every kind of check has an operator that is called after it (`data_drift`: DataDriftOperator), checks of other
packages included; `operator_for(kind)` gives the class of a kind.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_governance.orchestration.archive import ArchiveEvidenceOperator as ArchiveEvidenceOperator
    from model_governance.orchestration.assets import accepted_asset as accepted_asset
    from model_governance.orchestration.assets import dataset_asset as dataset_asset
    from model_governance.orchestration.assets import evidence_asset as evidence_asset
    from model_governance.orchestration.assets import model_asset as model_asset
    from model_governance.orchestration.assets import retraining_asset as retraining_asset
    from model_governance.orchestration.between_tasks import GovernanceViolation as GovernanceViolation
    from model_governance.orchestration.compliance import CoverageReportOperator as CoverageReportOperator
    from model_governance.orchestration.compliance import VerifyArchiveOperator as VerifyArchiveOperator
    from model_governance.orchestration.compliance import archive_verification_dag as archive_verification_dag
    from model_governance.orchestration.compliance import compliance_report_dag as compliance_report_dag
    from model_governance.orchestration.dags import governance_dag as governance_dag
    from model_governance.orchestration.dags import governance_dags as governance_dags
    from model_governance.orchestration.dags import governance_task_group as governance_task_group
    from model_governance.orchestration.gate import GovernanceGateOperator as GovernanceGateOperator
    from model_governance.orchestration.notify import NotifyOperator as NotifyOperator
    from model_governance.orchestration.operators import GovernanceCheckOperator as GovernanceCheckOperator
    from model_governance.orchestration.operators import operator_for as operator_for
    from model_governance.orchestration.retraining import RequestRetrainingOperator as RequestRetrainingOperator
    from model_governance.orchestration.retraining import manifest_behind as manifest_behind
    from model_governance.orchestration.retraining_loop import governance_retraining_dag as governance_retraining_dag
    from model_governance.orchestration.retraining_loop import governance_retraining_dags as governance_retraining_dags
    from model_governance.orchestration.rollback_desk import governance_rollback_dag as governance_rollback_dag
    from model_governance.orchestration.waiting import WaitForDataOperator as WaitForDataOperator
    from model_governance.orchestration.waiver_desk import governance_waiver_dag as governance_waiver_dag
    from model_governance.orchestration.watch import governance_watch_dag as governance_watch_dag

_MODULES = {
    "ArchiveEvidenceOperator": "archive",
    "CoverageReportOperator": "compliance",
    "GovernanceCheckOperator": "operators",
    "GovernanceGateOperator": "gate",
    "GovernanceViolation": "between_tasks",
    "NotifyOperator": "notify",
    "RequestRetrainingOperator": "retraining",
    "VerifyArchiveOperator": "compliance",
    "WaitForDataOperator": "waiting",
    "accepted_asset": "assets",
    "archive_verification_dag": "compliance",
    "compliance_report_dag": "compliance",
    "dataset_asset": "assets",
    "evidence_asset": "assets",
    "governance_dag": "dags",
    "governance_dags": "dags",
    "governance_retraining_dag": "retraining_loop",
    "governance_retraining_dags": "retraining_loop",
    "governance_rollback_dag": "rollback_desk",
    "governance_task_group": "dags",
    "governance_waiver_dag": "waiver_desk",
    "governance_watch_dag": "watch",
    "manifest_behind": "retraining",
    "model_asset": "assets",
    "operator_for": "operators",
    "retraining_asset": "assets",
}


def __getattr__(name: str) -> Any:
    # Every Airflow process imports this package for its entry points; only DAG files need the operators.
    if name == "__all__":
        from model_governance.orchestration.operators import operator_names

        return sorted([*_MODULES, *operator_names()])
    if name in _MODULES or name.endswith("Operator"):
        return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'operators')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
