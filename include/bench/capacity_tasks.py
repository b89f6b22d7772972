"""The work of a task in a process as Airflow makes it: forked from one that has imported Airflow's task SDK, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

MIB = 1024
LIMIT = 240
"""CPU seconds after which a measurement is given up."""
OWNER = "bench@example.com"
MOMENT = "2026-03-01"
ROLES = ("train", "reference", "current", "previous_train")
CHECKS: Mapping[str, Mapping[str, Any]] = {
    "model_quality": {"thresholds": [{"metric": "accuracy", "geq_to": 0.1, "severity": "warn"}]},
    "artifact_scan": {"thresholds": [{"metric": "dangerous_findings", "equal_to": 0, "severity": "warn"}]},
    "data_validation": {
        "params": {"expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "n0"}}]},
        "thresholds": [{"metric": "critical_failures", "equal_to": 0, "severity": "warn"}],
    },
    "data_drift": {"thresholds": [{"metric": "psi", "leq_to": 9, "severity": "warn"}]},
    "performance_estimation": {"thresholds": [{"metric": "estimated_accuracy", "geq_to": 0.1, "severity": "warn"}]},
    "fairness": {"params": {"groups": ["c0"]}, "thresholds": [{"metric": "accuracy_gap", "leq_to": 0.9, "severity": "warn"}]},
    "attribution_drift": {"thresholds": [{"metric": "attribution_ndcg", "geq_to": 0.1, "severity": "warn"}]},
    "evasion": {"thresholds": [{"metric": "attack_success_rate", "leq_to": 0.99, "severity": "warn"}]},
    "corruption": {"thresholds": [{"metric": "worst_drop", "leq_to": 0.99, "severity": "warn"}]},
    "membership_inference": {"thresholds": [{"metric": "attack_auc", "leq_to": 0.99, "severity": "warn"}]},
    "attribute_inference": {"params": {"sensitive": ["c0"]}, "thresholds": [{"metric": "member_gap", "leq_to": 0.99, "severity": "warn"}]},
    "model_inversion": {"thresholds": [{"metric": "inversion_gain", "leq_to": 0.99, "severity": "warn"}]},
    "model_extraction": {"thresholds": [{"metric": "fidelity_gain", "leq_to": 0.99, "severity": "warn"}]},
    "poisoning_screen": {"thresholds": [{"metric": "flood_share", "leq_to": 0.99, "severity": "warn"}]},
}  # fmt: skip
"""A policy's entry for each kind of check, with the defaults of its params where it has them; few rows prove too little for an error."""
FORMATS: Mapping[str, Mapping[str, str]] = {".skops": {}, ".ubj": {"format": "xgboost"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What some work cost: CPU seconds, the largest resident size of its process, and what it gave back."""

    cpu: float
    mib: float
    result: Any


def forked(work: Callable[[], Any], *, before: Callable[[], Any] | None = None, limit: int = LIMIT) -> Spent:
    """Do the work in a forked process and return what it cost, without what was done `before`; its result must be JSON.

    Raises:
        RuntimeError: it raised, or took more than `limit` CPU seconds.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        try:
            if before is not None:
                before()
            answer = _measured(work)
        except BaseException as error:  # the parent tells of it
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    answer = json.loads(content) if content else {"error": f"no answer within {limit} CPU seconds"}
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return Spent(**answer)


def _measured(work: Callable[[], Any]) -> dict[str, Any]:
    began = _used_cpu()
    result = work()
    return {
        "cpu": _used_cpu() - began, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB, "result": result,
    }  # fmt: skip


def _used_cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def write_project(folder: Path, *, rows: int, columns: int, model: str) -> None:
    """A trained model of a kind (`skops`: logistic regression, `xgboost`: 100 trees) and four datasets, as files."""
    folder.mkdir(parents=True)
    frames = {role: _rows(rows, columns, seed=seed) for seed, role in enumerate(ROLES, start=1)}
    for role, frame in frames.items():
        frame.to_parquet(folder / f"{role}.parquet", index=False)
    name, content = _MODELS[model](frames["train"].drop(columns="row").head(20_000))
    (folder / name).write_bytes(content)


def write_policy(folder: Path, kinds: Sequence[str], *, name: str, data: Path | None = None) -> Path:
    """A policy in a folder with one check of each of these kinds, on the project in it or in another one."""
    import pyarrow.parquet as pq
    import yaml

    folder.mkdir(exist_ok=True)
    data = data or folder
    (file,) = data.glob("model.*")
    features = [column for column in pq.read_schema(data / "train.parquet").names if column not in ("row", "label")]
    numeric = {"kind": "numeric", "minimum": -10, "maximum": 10}
    policy = {
        "version": 1,
        "owner": OWNER,
        "model": {
            "name": name, "task": "binary_classification", "uri": str(file),
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), **FORMATS[file.suffix],
        },
        "datasets": {role: {"uri": str(data / f"{role}.parquet")} for role in ROLES},
        "columns": {
            "features": {each: {"kind": "category"} if each[0] == "c" else numeric for each in features},
            "target": "label", "positive": 1, "identifier": "row",
        },
        "checks": {kind: {"kind": kind, **CHECKS[kind]} for kind in kinds},
        "schedule": {"cron": None},
    }  # fmt: skip
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(policy, sort_keys=False))
    return path


def run_checks_of(path: Path, *, archive: str) -> None:
    """Run the checks of a policy in this process, in its order, as a task does."""
    setting = _Setting(path, archive)
    for name in setting.policy.checks:
        setting.check(name)


def in_turn(paths: Sequence[Path], *, archive: str) -> list[dict[str, dict[str, float]]]:
    """Run the checks of some policies one after the other in this process, after a first round of the first check.

    Returns:
        By policy and check: `cpu`, its CPU seconds, and `mib`, the largest resident size of this process meanwhile.
        A check that cannot be measured is left out.
    """
    first = _Setting(paths[0], archive)
    first.check(next(iter(first.policy.checks)))
    return [_each_check(_Setting(path, archive)) for path in paths]


def _each_check(setting: _Setting) -> dict[str, dict[str, float]]:
    spent = {}
    for name in setting.policy.checks:
        Path("/proc/self/clear_refs").write_text("5")  # the kernel then forgets the largest size so far
        began = _used_cpu()
        try:
            setting.check(name)
        except ValueError as error:
            print(f"{setting.policy.name}: {error}", flush=True)
            continue
        spent[name] = {"cpu": _used_cpu() - began, "mib": _peak_mib()}
    return spent


def _peak_mib() -> float:
    (line,) = (each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM:"))
    return int(line.split()[1]) / MIB


def summaries_of(path: Path, *, archive: str) -> dict[str, Any]:
    """Run the checks of a policy: what their task hands on to the archive."""
    setting = _Setting(path, archive)
    return {name: setting.check(name) for name in setting.policy.checks}


def archive_of(path: Path, summaries: Mapping[str, Any], *, archive: str) -> None:
    """Archive a run whose checks have left these summaries, as the task after them does."""
    from model_governance.archiving import archive_run

    setting = _Setting(path, archive)
    archive_run(setting.policy, summaries, run=setting.run, store=setting.store)


def counted(path: Path) -> dict[str, dict[str, float]]:
    """Requests to a store in S3 and bytes put there, of each check of a policy and of the archive of a run of all of them."""
    import boto3
    from moto import mock_aws

    from model_governance.archiving import archive_run
    from model_governance.store.s3 import S3Store

    os.environ |= {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1"}
    counts = {"requests": 0.0, "bytes": 0.0}

    def count(params: Mapping[str, Any], **_: Any) -> None:
        body = params.get("body") or b""
        counts["requests"] += 1
        counts["bytes"] += len(body) if isinstance(body, bytes) else body.getbuffer().nbytes

    found, summaries = {}, {}
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="evidence")
        client.meta.events.register("before-call.s3", count)
        setting = _Setting(path, "archive", store=S3Store("s3://evidence/bench", client=client))
        for name in setting.policy.checks:
            counts |= {"requests": 0.0, "bytes": 0.0}
            summaries[name] = setting.check(name)
            found[name] = dict(counts)
        counts |= {"requests": 0.0, "bytes": 0.0}
        archive_run(setting.policy, summaries, run=setting.run, store=setting.store)
    return found | {"archive": dict(counts)}


class _Setting:
    """A policy with its store, and how one of its checks is run."""

    def __init__(self, path: Path, archive: str, *, store: Any = None) -> None:
        from model_governance.checks import catalogue
        from model_governance.contract.connections import PlainConnections
        from model_governance.contract.moments import parse_moment
        from model_governance.contract.run import Run
        from model_governance.policy import load_policy
        from model_governance.store import open_store

        self.policy, self._connections = load_policy(path, catalogue()), PlainConnections()
        self.store = store or open_store(archive, folder=path.parent, connections=self._connections)
        self.run = Run(run_id="bench", logical_date=parse_moment(MOMENT))

    def check(self, name: str) -> dict[str, Any]:
        """Run a check; its summary. Raises ValueError where it could not measure: that would be no cost of a check."""
        from model_governance.run import run_check

        done = run_check(self.policy, name, run=self.run, store=self.store, connections=self._connections)
        if done.problem is not None:
            raise ValueError(f"could not measure: {done.verdict.sentence}")
        return done.summary()


def parse_dag_file(dag_file: Path, dag_id: str) -> None:
    """What every task process does before its work: parse the DAG file for its own DAG."""
    from airflow.dag_processing.dagbag import DagBag

    os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = dag_id
    bag = DagBag(dag_file)
    if dag_id not in bag.dags:
        raise ValueError(f"{dag_file} gave no DAG {dag_id}: {bag.import_errors}")


def _rows(count: int, columns: int, *, seed: int) -> pd.DataFrame:
    """Rows with a third of categories; the label follows the first numbers, with noise."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(seed)
    categories = columns // 3
    frame = pd.DataFrame({f"n{place}": draw.normal(size=count).clip(-10, 10) for place in range(columns - categories)})
    for place in range(categories):
        frame[f"c{place}"] = draw.choice(["a", "b", "c", "d"], count)
    frame.insert(0, "row", np.arange(count) + seed * 10**9)
    score = frame["n0"] - 0.7 * frame["n1"] + (frame["c0"] == "a") + draw.logistic(0, 0.6, count)
    return frame.assign(label=(score > 0).astype(int))


def _skops(train: pd.DataFrame) -> tuple[str, bytes]:
    import skops.io
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    features = train.drop(columns="label")
    words = [name for name in features if name[0] == "c"]
    numbers = [name for name in features if name[0] == "n"]
    steps = [("numbers", StandardScaler(), numbers), ("words", OneHotEncoder(handle_unknown="ignore"), words)]
    model = Pipeline([("prepare", ColumnTransformer(steps)), ("classify", LogisticRegression())])
    return "model.skops", skops.io.dumps(model.fit(features, train["label"]))


def _xgboost(train: pd.DataFrame) -> tuple[str, bytes]:
    import xgboost

    features = train.drop(columns="label")
    words = [name for name in features if name[0] == "c"]
    features[words] = features[words].astype("category")
    data = xgboost.DMatrix(features, train["label"], enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 4, "nthread": 1}, data, 100)
    return "model.ubj", bytes(booster.save_raw("ubj"))


_MODELS: Mapping[str, Callable[[pd.DataFrame], tuple[str, bytes]]] = {"skops": _skops, "xgboost": _xgboost}
