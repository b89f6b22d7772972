"""The same run written by hand: named operators, mapped checks, and a check that is a function of this file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag, task

from model_governance.orchestration import (
    ArchiveEvidenceOperator,
    ArtifactScanOperator,
    DataValidationOperator,
    EvasionOperator,
    GovernanceCheckOperator,
    GovernanceGateOperator,
    MembershipInferenceOperator,
)

POLICY = str(Path(__file__).resolve().parents[1] / "include" / "policies" / "acs_employment.yaml")


@dag(schedule=None, tags=["model-governance", "example"], default_args={"retries": 2})
def governance_by_hand():
    file = ArtifactScanOperator(task_id="file", policy=POLICY)
    validation = DataValidationOperator(task_id="validation", policy=POLICY)
    measured = GovernanceCheckOperator.partial(task_id="measured", policy=POLICY).expand(check=["drift", "quality"])
    robustness = EvasionOperator(
        task_id="robustness", policy=POLICY, execution_timeout=timedelta(hours=1), priority_weight=10
    )
    privacy = MembershipInferenceOperator(task_id="privacy", policy=POLICY)

    @task.governance_check(
        policy=POLICY,
        thresholds=[{"metric": "accuracy_gap", "leq_to": 0.1}],
        metrics={"accuracy_gap": {"better": "lower", "meaning": "largest difference of accuracy between the sexes"}},
    )
    def fairness(current, model):
        """Is the model as often right about women as about men?"""
        right = model.predict(current) == current["employed"]
        by_sex = right.groupby(current["SEX"]).mean()
        return {"accuracy_gap": by_sex.max() - by_sex.min(), "lowest_accuracy": by_sex.min()}

    archive = ArchiveEvidenceOperator(task_id="archive", policy=POLICY)
    loading = [measured, robustness, privacy, fairness()]
    file >> loading  # a refused model file is loaded nowhere
    [file, validation, *loading] >> archive >> GovernanceGateOperator(task_id="gate")


governance_by_hand()
