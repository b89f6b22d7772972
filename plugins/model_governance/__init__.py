"""Airflow Model Governance: a policy per model becomes a scheduled DAG that measures, judges, records and fails.

The public Python interface is what `__all__` lists here, together with `model_governance.orchestration.__all__`
(for DAG files) and the modules `model_governance.report.figures` and `model_governance.stats` (for authors of
checks). Everything else is not public: it may change in any release. The names are imported when they are first
used, so that `import model_governance` loads nothing heavy.

    from pathlib import Path
    from model_governance import PlainConnections, Run, catalogue, load_policy, open_store, run_policy

    policy = load_policy("policies/credit.yaml", catalogue())
    store = open_store("evidence", folder=Path.cwd(), connections=PlainConnections())
    archived = run_policy(policy, run=run, store=store, connections=PlainConnections())
    print(archived.verdict.sentence)

`run` is a `Run`; datasets whose uri holds a template are rendered with `render_sources` and `run_variables`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_governance.archiving import ArchivedRun, archive_run
    from model_governance.checks import catalogue
    from model_governance.contract.check import Advice, Check, Lookback, Params, SelfTest, Suggestion
    from model_governance.contract.connections import Connections, PlainConnections
    from model_governance.contract.model import Model
    from model_governance.contract.result import Artifact, CheckResult, Metric, MetricSpec, Table, make_metric
    from model_governance.contract.run import Run
    from model_governance.contract.subject import Columns, Dataset, Feature, PreviousRun, Subject
    from model_governance.errors import (
        CheckError,
        EvidenceError,
        GovernanceError,
        ModelMisbehaved,
        PolicyError,
        StoreError,
        SubjectError,
    )
    from model_governance.policy import Policy, load_policy
    from model_governance.run import CheckRun, run_check, run_policy
    from model_governance.store import ArtifactStore, open_store
    from model_governance.subjects import render_sources, run_variables
    from model_governance.verdict import Finding, Verdict
    from model_governance.verdict.violation import ThresholdViolation

__version__ = "0.1.0"

__all__ = [
    "Advice",
    "ArchivedRun",
    "Artifact",
    "ArtifactStore",
    "Check",
    "CheckError",
    "CheckResult",
    "CheckRun",
    "Columns",
    "Connections",
    "Dataset",
    "EvidenceError",
    "Feature",
    "Finding",
    "GovernanceError",
    "Lookback",
    "Metric",
    "MetricSpec",
    "Model",
    "ModelMisbehaved",
    "Params",
    "PlainConnections",
    "Policy",
    "PolicyError",
    "PreviousRun",
    "Run",
    "SelfTest",
    "StoreError",
    "Subject",
    "SubjectError",
    "Suggestion",
    "Table",
    "ThresholdViolation",
    "Verdict",
    "archive_run",
    "catalogue",
    "load_policy",
    "make_metric",
    "open_store",
    "render_sources",
    "run_check",
    "run_policy",
    "run_variables",
]

_MODULES = {
    "archiving": "ArchivedRun archive_run",
    "checks": "catalogue",
    "contract.check": "Advice Check Lookback Params SelfTest Suggestion",
    "contract.connections": "Connections PlainConnections",
    "contract.model": "Model",
    "contract.result": "Artifact CheckResult Metric MetricSpec Table make_metric",
    "contract.run": "Run",
    "contract.subject": "Columns Dataset Feature PreviousRun Subject",
    "errors": "CheckError EvidenceError GovernanceError ModelMisbehaved PolicyError StoreError SubjectError",
    "policy": "Policy load_policy",
    "run": "CheckRun run_check run_policy",
    "store": "ArtifactStore open_store",
    "subjects": "render_sources run_variables",
    "verdict": "Finding Verdict",
    "verdict.violation": "ThresholdViolation",
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names.split():
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
