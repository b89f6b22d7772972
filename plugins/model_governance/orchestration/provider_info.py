"""The provider metadata of this distribution. Every Airflow process reads it, so it imports nothing."""

from __future__ import annotations

from typing import Any

_OPTIONS = {
    "artifacts_uri": {
        "description": "file:///folder, s3://bucket/prefix, or a folder relative to AIRFLOW_HOME; "
        "empty means the folder governance in AIRFLOW_HOME.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "s3://governance-evidence/prod",
        "default": "",
    },
    "artifacts_connection": {
        "description": "Airflow aws connection of the bucket; empty means plain boto3.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "governance_s3",
        "default": "",
    },
    "stores": {
        "description": "Further archives that board and report viewer read: uris with @CONNECTION, comma-separated. "
        "A bucket that a policy names with a connection need not be listed.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "s3://governance-evidence/risk@governance_s3, file:///srv/evidence",
        "default": "",
    },
    "board_index": {
        "description": "File of the board's local index, on a local disk, or one relative to AIRFLOW_HOME; "
        "empty means governance-board.sqlite in AIRFLOW_HOME. It may be deleted.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "/var/lib/airflow/governance-board.sqlite",
        "default": "",
    },
    "signing_key": {
        "description": "Private key that signs evidence of policies that name none: file:PATH, env:VARIABLE, "
        "connection:NAME (its password) or kms:KEY[@CONNECTION]; empty leaves their evidence unsigned.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "connection:governance_signing_key",
        "default": "",
    },
    "trust": {
        "description": "File with the public keys that may sign, for policies that name none; relative to "
        "AIRFLOW_HOME. With it no earlier run is read without their signature.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "/opt/airflow/governance/trust.yaml",
        "default": "",
    },
    "cache_folder": {
        "description": "Folder in which the checks of a worker share objects of S3, or one relative to "
        "AIRFLOW_HOME; empty means the folder governance-cache in AIRFLOW_HOME.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "/var/cache/governance",
        "default": "",
    },
    "cache_bytes": {
        "description": "Size of that folder at most; 0 turns it off.",
        "version_added": "0.1.0",
        "type": "integer",
        "example": "2147483648",
        "default": "10737418240",
    },
    "approvers": {
        "description": "Users who may grant waivers and accept runs for policies that name no approvers, "
        "separated by commas.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "ada,head.of.risk",
        "default": "",
    },
    "pools": {
        "description": "Pools that exist, separated by commas: a policy that names another one is refused. Airflow shows its DAG "
        "processor no pools, so that without this list a wrong name is found only by commands that read the database.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "default_pool,attacks",
        "default": "",
    },
    "policies": {
        "description": "Folder of policies that dags/governance.py turns into DAGs; "
        "empty means include/policies beside the DAGs folder.",
        "version_added": "0.1.0",
        "type": "string",
        "example": "/opt/airflow/include/policies",
        "default": "",
    },
}


def get_provider_info() -> dict[str, Any]:
    """The provider metadata (entry point `apache_airflow_provider`)."""
    return {
        "package-name": "airflow-model-governance",
        "name": "Model Governance",
        "description": "A policy per model becomes a scheduled DAG that measures, judges, records and, "
        "where a threshold is violated, fails.",
        "extra-links": ["model_governance.orchestration.stores.GovernanceReportLink"],
        "task-decorators": [
            {
                "name": "governance_check",
                "class-name": "model_governance.orchestration.decorators.governance_check_task",
            }
        ],
        "config": {
            "model_governance": {
                "description": "Where evidence goes and who signs it when a policy does not say, and what the board reads.",
                "options": _OPTIONS,
            }
        },
    }
