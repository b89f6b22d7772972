from __future__ import annotations

from datetime import UTC, datetime

import pytest

from model_governance.errors import PolicyError
from model_governance.policy import Policy
from model_governance.subjects import labelled_current_source, render_sources

DIGEST = "0" * 64


def policy(**datasets):
    return Policy(
        version=1,
        owner="risk",
        model={"name": "credit", "uri": "m.skops", "sha256": DIGEST, "task": "binary_classification"},
        columns={"features": {"a": {"kind": "numeric"}}},
        datasets=datasets,
        checks={"data_drift": {"thresholds": [{"metric": "drift_share", "leq_to": 0.3}]}},
    )


def test_uri_and_query_are_rendered_and_the_rest_stays():
    made = policy(
        reference={"uri": "reference.parquet", "sha256": DIGEST},
        current={"query": "select * from {{ table }} where day = '{{ ds }}'", "connection": "warehouse"},
        population={"uri": "s3://bucket/day={{ ds }}/rows.parquet", "format": "parquet"},
    )
    sources = render_sources(made, {"ds": "2026-05-01", "table": "scores"})
    assert sources["current"].query == "select * from scores where day = '2026-05-01'"
    assert sources["population"].uri == "s3://bucket/day=2026-05-01/rows.parquet"
    assert sources["population"].format == "parquet"
    assert sources["reference"] == made.datasets["reference"]
    assert made.datasets["population"].uri == "s3://bucket/day={{ ds }}/rows.parquet"


def test_dates_are_spelled_by_the_filters_of_airflow():
    template = "{{ at | ds }} {{ at | ds_nodash }} {{ at | ts }} {{ at | ts_nodash }}"
    sources = render_sources(policy(current={"uri": template}), {"at": datetime(2026, 5, 1, 2, 3, 4, tzinfo=UTC)})
    assert sources["current"].uri == "2026-05-01 20260501 2026-05-01T02:03:04+00:00 20260501T020304"


def test_every_missing_variable_is_named_with_those_there_are():
    made = policy(current={"uri": "{{ bucket }}/{{ ds }}.parquet"}, reference={"uri": "{{ when.year }}.parquet"})
    with pytest.raises(PolicyError) as caught:
        render_sources(made, {"ds": "2026-05-01", "run_id": "r"})
    current, reference = caught.value.problems
    assert "datasets.current.uri: variable(s) bucket not given (available: ds, run_id)" in current
    assert "datasets.reference.uri: variable(s) when not given" in reference


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ ds", "not a valid template"),
        ("{{ ds | no_such_filter }}", "no_such_filter"),
        ("{{ ds.missing }}", "no attribute 'missing'"),
        ("{{ ds.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
    ],
)
def test_a_wrong_template_is_a_mistake_of_the_policy(template, told):
    with pytest.raises(PolicyError, match=told):
        render_sources(policy(current={"uri": template}), {"ds": "2026-05-01"})


def test_labels_that_mature_bring_back_the_night_they_belong_to():
    made = policy(
        current={"uri": "nights/{{ ds }}.parquet"}, labels={"uri": "labels/{{ ds }}.parquet", "maturity_days": 30}
    )
    assert labelled_current_source(made, datetime(2026, 5, 31, tzinfo=UTC)).uri == "nights/2026-05-01.parquet"
    assert labelled_current_source(made, datetime(2025, 1, 15, tzinfo=UTC)) is None, (
        "that night lies before the schedule's start"
    )
    assert labelled_current_source(policy(current={"uri": "c.parquet"}), datetime(2026, 5, 31, tzinfo=UTC)) is None


def test_only_labels_mature():
    with pytest.raises(ValueError, match=r"datasets\.current\.maturity_days: only labels mature"):
        policy(current={"uri": "c.parquet", "maturity_days": 3})
