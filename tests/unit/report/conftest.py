"""Records and manifests as a real run leaves them: measured results, judged by the real judge."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from model_governance.checks import catalogue, find
from model_governance.contract.result import Artifact, CheckResult, Metric, Table
from model_governance.policy import Policy
from model_governance.report import figures
from model_governance.verdict import FailPolicy, Verdict, combine, judge, read_verdict, unmeasured

TODAY = datetime(2018, 3, 14, tzinfo=UTC)
FEATURES = [
    "AGEP", "SCHL", "MAR", "RELP", "DIS", "ESP", "CIT", "MIG", "MIL", "ANC", "NATIVITY", "DEAR", "DEYE", "DREM", "SEX", "RAC1P",
]  # fmt: skip
SHIFTS = [1.93, 0.041, 0.312, 0.118, 0.0021, 0.0007, 0.0043, 0.0102, 0.0019, 0.0008, 0.0031, 0.0011, 0.0006, 0.0014,
          0.0002, 0.0087]  # fmt: skip
AGES = {
    "reference": [
        3063,
        3495,
        3810,
        4936,
        4861,
        4567,
        4194,
        3990,
        3887,
        4428,
        4915,
        5278,
        4915,
        4340,
        3320,
        2146,
        1544,
        1946,
    ],
    "current": [2, 3, 5, 11, 40, 160, 480, 1100, 2100, 3400, 5100, 7300, 9100, 10200, 11100, 9400, 6700, 3930],
}
MEANINGS = {
    "psi": ("largest population stability index of any column", "lower", ""),
    "drift_share": ("share of columns whose drift score is above its limit", "lower", "share"),
    "prediction_drift": ("population stability index of the model's scores", "lower", ""),
    "drift_score": ("population stability index of one column", "lower", ""),
}


@cache
def picture(name: str = "drift_AGEP.svg", title: str = "AGEP: age in years, reference against current") -> Artifact:
    """Two distributions, drawn as a check draws them."""
    figure, (axes,) = figures.canvas()
    for place, (role, colour) in enumerate((("reference", figures.REFERENCE), ("current", figures.CURRENT))):
        counts = AGES[role]
        share = [100 * one / sum(counts) for one in counts]
        axes.bar(
            [5 * start + 1.3 + 2.2 * place for start in range(len(share))], share, width=2.1, color=colour, label=role
        )
    axes.set_title(title)
    axes.set_xlabel("years")
    axes.set_ylabel("% of rows")
    axes.legend()
    return figures.to_svg(figure, name=name, title=title)


@cache
def bars() -> Artifact:
    """Scores per column with the limit."""
    figure, (axes,) = figures.canvas(height=3.6)
    axes.barh(FEATURES[::-1], SHIFTS[::-1], color=figures.CURRENT)
    axes.axvline(0.2, color=figures.LIMIT, linestyle="--", linewidth=1)
    axes.set_xlabel("population stability index")
    return figures.to_svg(figure, name="drift_scores.svg", title="Drift score of each column, with the limit 0.2")


def policy(checks: dict[str, Any], **others: Any) -> Policy:
    """A policy for the employment model with these checks."""
    return Policy.model_validate(
        {
            "version": 1,
            "owner": "people-analytics@example.com",
            "description": "Is this person employed? (US Census ACS, Massachusetts)",
            "model": {
                "name": "acs-employment",
                "uri": "acs.skops",
                "sha256": sha("model"),
                "task": "binary_classification",
            },
            "columns": {"features": {name: {"kind": "integer"} for name in FEATURES}, "target": "employed"},
            "datasets": {"reference": {"uri": "a.parquet"}, "current": {"uri": "b.parquet"}},
            "checks": checks,
            **others,
        }
    )


def sha(text: str) -> str:
    """A digest that stands for some bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def metric(name: str, value: float | None, **others: Any) -> Metric:
    """A drift metric with its declared meaning."""
    meaning, better, unit = MEANINGS.get(name, (f"what {name} means", "lower", ""))
    return Metric(
        **{"name": name, "value": value, "n": 70131, "meaning": meaning, "better": better, "unit": unit, **others}
    )


def drift_result(artifacts: tuple[Artifact, ...] = ()) -> CheckResult:
    """The drift of a run on which only older people came through the feed."""
    return CheckResult(
        kind="data_drift",
        seed=3735928559,
        metrics=(
            metric("psi", 1.93, low=1.90, high=1.96, detail="largest at AGEP"),
            metric("drift_share", 2 / 16, detail="AGEP, MAR"),
            metric("prediction_drift", 0.0931, low=0.0893, high=0.1012),
            *(metric("drift_score", one, key=name) for name, one in zip(FEATURES, SHIFTS, strict=True)),
        ),
        tables=(
            Table(
                name="columns",
                title="Columns by drift score",
                header=("column", "method", "score", "limit", "drifted", "mean before", "mean now"),
                rows=tuple(
                    (
                        name,
                        "psi",
                        score,
                        0.2,
                        score > 0.2,
                        40.9 if name == "AGEP" else None,
                        63.2 if name == "AGEP" else None,
                    )
                    for name, score in sorted(zip(FEATURES, SHIFTS, strict=True), key=lambda one: -one[1])
                ),
            ),
        ),
        artifacts=artifacts,
        notes=(
            "Scores are exact over all rows; 20 bins from the quantiles of the reference.",
            "The report of Evidently beside this page draws a seeded sample of 5,000 rows.",
        ),
        tools={"evidently": "0.7.23", "numpy": "2.4.6"},
    )


DRIFT_THRESHOLDS = [
    {"metric": "psi", "less_than": 0.2},
    {"metric": "drift_share", "less_than": 0.3},
    {"metric": "prediction_drift", "less_than": 0.1},
    {"metric": "drift_score", "key": "MAR", "leq_to": 0.25, "severity": "warn"},
    {"metric": "drift_score", "key": "RELP", "leq_to": 0.1},
]
RELP_WAIVER = {
    "check": "drift",
    "metric": "drift_score",
    "key": "RELP",
    "reason": "the 2018 questionnaire splits spouse in two codes; the encoder is being adapted",
    "approver": "D. Okafor",
    "ticket": "GOV-212",
    "expires": "2018-04-30",
}


def check_record(
    result: CheckResult | None, verdict: Verdict, *, problem: str = "", name: str = "drift", **others: Any
) -> dict[str, Any]:
    """The stored record of a check."""
    artifacts = result.artifacts if result else ()
    return {
        "schema": "model-governance/check/v1",
        "check": name,
        "kind": "data_drift",
        "title": "Data drift",
        "question": "Do the current run's rows still look like the rows the model was built for?",
        "policy": {
            "name": "acs-employment",
            "sha256": sha("policy"),
            "owner": "people-analytics@example.com",
            "description": "Is this person employed? (US Census ACS, Massachusetts)",
        },
        "model": {"name": "acs-employment", "format": "skops", "sha256": sha("model"), "task": "binary_classification"},
        "datasets": [
            {
                "role": "current",
                "uri": "s3://warehouse/acs/runs/2018-03-14.parquet",
                "sha256": sha("c"),
                "rows": 70131,
            },
            {
                "role": "reference",
                "uri": "s3://warehouse/acs/reference-2017.parquet",
                "sha256": sha("r"),
                "rows": 69635,
            },
        ],
        "seed": result.seed if result else None,
        "params": {"numeric_method": "psi", "categorical_method": "psi", "bins": 20, "columns": None},
        "result": result.record() if result else None,
        "problem": problem,
        "verdict": verdict.record(),
        "stored": [
            {
                "name": one.name,
                "key": f"v1/blobs/sha256/{one.sha256[:2]}/{one.sha256}.svg",
                "sha256": one.sha256,
                "size": len(one.content),
                "media_type": one.media_type,
            }
            for one in artifacts
        ],
        **others,
    }


def drift_verdict(result: CheckResult, **others: Any) -> Verdict:
    """The drift result judged by the employment policy."""
    rules = policy({"drift": {"kind": "data_drift", "thresholds": DRIFT_THRESHOLDS}}, waivers=[RELP_WAIVER], **others)
    return judge("drift", result, rules, moment=TODAY)


def red_check() -> tuple[dict[str, Any], dict[str, bytes]]:
    """A drift check that stops the run, with two pictures."""
    artifacts = (bars(), picture())
    result = drift_result(artifacts)
    record = check_record(result, drift_verdict(result))
    return record, {one.name: one.content for one in artifacts}


def wide_check(columns: int = 300, *, stopping: int = 7) -> dict[str, Any]:
    """A threshold over many columns, the first few of which violate it."""
    metrics = tuple(
        metric("drift_score", 0.9 - 0.05 * place if place < stopping else 0.01, key=f"column_{place:03}")
        for place in range(columns)
    )
    result = CheckResult(kind="data_drift", seed=1, metrics=metrics)
    rules = policy({"drift": {"kind": "data_drift", "thresholds": [{"metric": "drift_score", "less_than": 0.2}]}})
    return check_record(result, judge("drift", result, rules, moment=TODAY))


def judged(name: str, metrics: tuple[Metric, ...], thresholds: list[dict[str, Any]], **others: Any) -> Verdict:
    """Some metrics judged by some thresholds."""
    result = CheckResult(kind="data_drift", seed=1, metrics=metrics)
    rules = policy({name: {"kind": "data_drift", "thresholds": thresholds}}, **others)
    return judge(name, result, rules, moment=TODAY)


def manifest_row(name: str, kind: str | None, title: str, verdict: Verdict, *, reported: bool = True) -> dict[str, Any]:
    """One check as the manifest lists it."""
    page = {"name": "report.html", "key": f"v1/blobs/sha256/aa/{sha(name)}.html", "sha256": sha(name), "size": 40213,
            "media_type": "text/html"}  # fmt: skip
    return {
        "name": name,
        "kind": kind,
        "title": title,
        "advice": find(kind).advice.record() if reported and kind in catalogue() else None,
        "outcome": verdict.outcome,
        "stops": verdict.stops,
        "sentence": verdict.sentence,
        "record": {"key": f"v1/blobs/sha256/bb/{sha(name)}.json", "sha256": sha(name + "record")} if reported else None,
        "report": page if reported else None,
        "artifacts": [],
        "seconds": 12.4 if reported else None,
    }


def run_manifest(rows: list[tuple[str, str | None, str, Verdict, bool]]) -> dict[str, Any]:
    """The manifest of a night with these checks."""
    verdict = combine("acs-employment", [one[3] for one in rows], fail_policy=FailPolicy())
    record = red_check()[0]
    return {
        "schema": "model-governance/run/v1",
        "run": {
            "run_id": "scheduled__2018-03-14T02:00:00+00:00",
            "logical_date": TODAY.isoformat(),
            "orchestrator": {"type": "airflow", "dag_id": "model_governance__acs-employment", "try_number": 1},
        },
        "policy": record["policy"] | {"key": f"v1/blobs/sha256/cc/{sha('policy')}.yaml"},
        "model": record["model"],
        "datasets": record["datasets"],
        "verdict": verdict.record(),
        "checks": [manifest_row(*one[:4], reported=one[4]) for one in rows],
        "environment": {"python": "3.11.9", "packages": {"evidently": "0.7.23", "great-expectations": "1.24.1"}},
        "started_at": "2018-03-14T02:00:03+00:00",
        "finished_at": "2018-03-14T02:06:41+00:00",
    }


def failing_run() -> dict[str, Any]:
    """A run with a violation, a waiver, an uncertain answer, a check that could not measure and one that passes."""
    record, _ = red_check()
    quality = judged(
        "quality",
        (metric("accuracy", 0.7912, low=0.7882, high=0.7942, better="higher", n=70131),
         metric("roc_auc", 0.8831, low=0.8807, high=0.8855, better="higher", n=70131)),
        [{"metric": "accuracy", "geq_to": 0.8}, {"metric": "roc_auc", "geq_to": 0.87}],
    )  # fmt: skip
    robust = judged(
        "robustness",
        (metric("robust_accuracy", 0.54, low=0.393, high=0.682, better="higher", n=50),),
        [{"metric": "robust_accuracy", "geq_to": 0.5}],
    )
    validation = judged(
        "validation", (metric("critical_failures", 0),), [{"metric": "critical_failures", "equal_to": 0}]
    )
    missing = unmeasured(
        "privacy",
        "s3://warehouse/acs/train.parquet: dataset 'train' lacks column(s) RAC1P; found AGEP, SCHL, MAR, RELP",
        fail_policy=FailPolicy(),
    )
    rows = [
        ("validation", "data_validation", "Data validation", validation, True),
        ("drift", "data_drift", "Data drift", read_verdict(record["verdict"]), True),
        ("quality", "model_quality", "Model quality", quality, True),
        ("robustness", "evasion", "Resistance to evasion", robust, True),
        ("privacy", None, "privacy", missing, False),
    ]
    return run_manifest(rows)


def passing_run() -> dict[str, Any]:
    """A run on which everything holds."""
    row = judged("validation", (metric("critical_failures", 0),), [{"metric": "critical_failures", "equal_to": 0}])
    return run_manifest([("validation", "data_validation", "Data validation", row, True)])


@pytest.fixture
def make() -> Any:
    """This module, so that tests can build what they need."""
    import sys

    return sys.modules[__name__]
