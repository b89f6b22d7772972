"""Twenty small models and their policies, with data in a bucket, and how the run of each must end."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import skops.io
import yaml

import synthetic

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

NIGHT = datetime(2026, 3, 1, 2, tzinfo=UTC)
COUNT = 20
FAILING = (3, 7, 11, 16)
"""Models whose labels of the night are exchanged: `quality` is violated."""
WARNING = (9,)
"""Models with a threshold that only warns and is violated."""
BROKEN = (13,)
"""Models whose rows of the night lack a column: nothing can be measured."""
RETRAINED = (*FAILING, 0)
"""Models whose policy requests a retraining where a check fails: four of these five do."""
DRIFTING = (2, 3, 12, 17)
"""Models that are checked for drift, too; it imports more libraries than the other checks."""
CONNECTION = "governance_s3"
ROWS = 300
RETRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How a run must end: its state in Airflow, and the outcome of its manifest."""

    state: str
    outcome: str


def name_of(number: int) -> str:
    """The name of a model."""
    return f"model-{number:02}"


def expected() -> dict[str, Expected]:
    """How the run of each model must end."""
    ends = dict.fromkeys(range(COUNT), Expected(state="success", outcome="pass"))
    ends |= dict.fromkeys(FAILING, Expected(state="failed", outcome="fail"))
    ends |= dict.fromkeys(WARNING, Expected(state="success", outcome="warn"))
    ends |= dict.fromkeys(BROKEN, Expected(state="failed", outcome="error"))
    return {name_of(number): ends[number] for number in range(COUNT)}


def write_models(folder: Path, *, client: Any, bucket: str) -> None:
    """Put the models and their rows into the bucket, and one policy of each into the folder."""
    folder.mkdir(parents=True)
    for number in range(COUNT):
        train, reference = (synthetic.rows(ROWS, seed=100 * number + part) for part in (1, 2))
        model = skops.io.dumps(synthetic.pipeline(train))
        objects = {
            "model.skops": model,
            "reference.parquet": _parquet(reference),
            "2026-03-01.parquet": _parquet(_rows_of_the_night(number)),
        }
        for key, content in objects.items():
            client.put_object(Bucket=bucket, Key=f"{name_of(number)}/{key}", Body=content)
        policy = _policy(number, bucket=bucket, sha256=hashlib.sha256(model).hexdigest())
        (folder / f"{name_of(number)}.yaml").write_text(yaml.safe_dump(policy, sort_keys=False))


def _rows_of_the_night(number: int) -> pd.DataFrame:
    rows = synthetic.rows(ROWS, seed=100 * number + 3)
    if number in FAILING:
        return rows.assign(label=1 - rows["label"])
    return rows.drop(columns="debt") if number in BROKEN else rows


def _policy(number: int, *, bucket: str, sha256: str) -> dict[str, Any]:
    name = name_of(number)
    uris = {"reference": "reference.parquet", "current": "{{ ds }}.parquet"}
    return {
        "version": 1,
        "owner": "team@example.com",
        "model": {
            "name": name,
            "task": "binary_classification",
            "uri": f"s3://{bucket}/{name}/model.skops",
            "sha256": sha256,
            "connection": CONNECTION,
        },
        "columns": synthetic.COLUMNS.model_dump(exclude_none=True),
        "datasets": {
            role: {"uri": f"s3://{bucket}/{name}/{key}", "connection": CONNECTION} for role, key in uris.items()
        },
        "checks": _checks(number),
        **({"retraining": {"when": ["fail"]}} if number in RETRAINED else {}),
        "schedule": {
            "cron": None,
            "layout": "one_task",
            "retries": 1 if number in BROKEN else RETRIES,
            "retry_delay_seconds": 2,
        },
    }


def _checks(number: int) -> dict[str, Any]:
    accuracy: list[dict[str, Any]] = [{"metric": "accuracy", "geq_to": 0.6}]
    if number in WARNING:
        accuracy.append({"metric": "accuracy", "geq_to": 1.0, "severity": "warn"})
    checks: dict[str, Any] = {
        "file": {"kind": "artifact_scan", "thresholds": [{"metric": "dangerous_findings", "equal_to": 0}]},
        "quality": {"kind": "model_quality", "thresholds": accuracy},
    }
    if number in DRIFTING:
        checks["drift"] = {"kind": "data_drift", "thresholds": [{"metric": "psi", "leq_to": 5}]}
    return checks


def _parquet(frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.to_parquet(file, index=False)
    return file.getvalue()
