"""The same policy, data and model give the same bytes: in another process, with other hashes, on other thread counts."""

from __future__ import annotations

import os
import subprocess
import sys

import project

CHECKS = {
    "validation": project.CHEAP_CHECKS["validation"],
    "drift": {"kind": "data_drift", "thresholds": [{"metric": "psi_max", "less_than": 0.5}]},
    "quality": project.CHEAP_CHECKS["quality"],
    "robustness": {
        "kind": "evasion",
        "params": {"samples": 10, "max_iterations": 3, "max_evaluations": 30},
        "thresholds": [{"metric": "robust_share", "geq_to": 0}],
    },
    "privacy": {
        "kind": "membership_inference",
        "params": {"samples": 200, "fpr": [0.05]},
        "thresholds": [{"metric": "attack_auc", "leq_to": 0.9}],
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
