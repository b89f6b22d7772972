"""The same policy, data and model give the same bytes: in another process, with other hashes, on other thread counts."""

from __future__ import annotations

import os
import subprocess
import sys

import project

CHECKS = {
    "validation": project.CHEAP_CHECKS["validation"],
    "validation_in_sql": {
        "kind": "data_validation",
        "params": {
            "engine": "sql",
            "expectations": [
                {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "income", "min_value": 0}},
                {"type": "expect_column_stdev_to_be_between", "kwargs": {"column": "debt", "min_value": 0}},
            ],
        },
        "thresholds": [{"metric": "critical_failures", "equal_to": 0}],
    },
    "drift": {"kind": "data_drift", "thresholds": [{"metric": "psi", "less_than": 0.5}]},
    "quality": {
        "kind": "model_quality",
        "params": {"slices": [{"column": "region"}], "search": {}},
        "thresholds": [{"metric": "accuracy", "geq_to": 0.6}],
    },
    "estimate": {
        "kind": "performance_estimation",
        "thresholds": [{"metric": "estimated_accuracy", "geq_to": 0.5}],
    },
    "fairness": {
        "kind": "fairness",
        "params": {"groups": ["region"]},
        "thresholds": [{"metric": "accuracy_gap", "leq_to": 0.9}],
    },
    "attribution": {
        "kind": "attribution_drift",
        "params": {"samples": 100},
        "thresholds": [{"metric": "attribution_ndcg", "geq_to": 0.1}],
    },
    "robustness": {
        "kind": "evasion",
        "params": {"samples": 10, "max_iterations": 3, "max_evaluations": 30},
        "thresholds": [{"metric": "attack_success_rate", "key": "all", "leq_to": 0.5, "severity": "warn"}],
    },
    "privacy": {
        "kind": "membership_inference",
        "params": {"samples": 200, "fpr": [0.05]},
        "thresholds": [{"metric": "attack_auc", "leq_to": 0.9}],
    },
    "attributes": {
        "kind": "attribute_inference",
        "params": {"sensitive": ["channel"]},
        "thresholds": [{"metric": "member_gap", "leq_to": 0.9}],
    },
    "inversion": {
        "kind": "model_inversion",
        "thresholds": [{"metric": "nearest_training_distance_ratio", "geq_to": 0.01, "severity": "warn"}],
    },
    "copying": {
        "kind": "model_extraction",
        "params": {"query_budgets": [100]},
        "thresholds": [{"metric": "fidelity", "leq_to": 0.99}],
    },
    "dirt": {"kind": "corruption", "thresholds": [{"metric": "mean_drop", "leq_to": 1}]},
    "window": {"kind": "poisoning_screen", "thresholds": [{"metric": "flood_share", "leq_to": 0.9}]},
    "file": {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]},
    "structure": {"kind": "structural_disclosure", "thresholds": [{"metric": "smallest_class", "geq_to": 1}]},
    "release": {
        "kind": "synthetic_release",
        "params": {"release": "current.parquet", "samples": 300},
        "thresholds": [{"metric": "nearer_to_training_share", "leq_to": 0.9}],
    },
}


def blobs(folder, *, store: str, threads: int) -> set[str]:
    """Digests of everything that a night stores; records hold no times, so all of them count."""
    command = [
        sys.executable,
        "-m",
        "model_governance",
        "run",
        "policy.yaml",
        "--date",
        "2026-03-01",
        "--artifacts",
        store,
    ]
    environment = os.environ | {
        "PYTHONHASHSEED": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "POLARS_MAX_THREADS": str(threads),
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name for path in (folder / store / "v1" / "blobs").rglob("*") if path.is_file()}


def test_two_runs_store_the_same_bytes(tmp_path):
    project.small_project(tmp_path, checks=CHECKS)
    first = blobs(tmp_path, store="first", threads=1)
    second = blobs(tmp_path, store="second", threads=2)
    assert len(first) > 15
    assert first == second
