from __future__ import annotations

from datetime import UTC, datetime

import pytest

from model_governance.errors import PolicyError
from model_governance.policy import Policy
from model_governance.subjects import render_sources, run_variables

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


def test_a_run_gives_templates_its_moment_and_its_interval():
    moment = datetime(2026, 5, 1, 2, tzinfo=UTC)
    assert run_variables(moment) == {
        "ds": "2026-05-01", "ds_nodash": "20260501", "ts": "2026-05-01T02:00:00+00:00", "ts_nodash": "20260501T020000",
        "logical_date": moment,
    }  # fmt: skip
    within = run_variables(moment, data_interval=(moment, datetime(2026, 5, 2, 2, tzinfo=UTC)))
    assert within["data_interval_start"] == moment
    assert within["data_interval_end"].day == 2


def test_only_the_wanted_roles_are_rendered():
    made = policy(current={"uri": "{{ ds }}.parquet"}, reference={"uri": "{{ unknown }}.parquet"})
    assert list(render_sources(made, {"ds": "2026-05-01"}, roles=("current", "labels"))) == ["current"]


def test_only_labels_mature():
    with pytest.raises(ValueError, match=r"datasets\.current\.maturity_days: only labels mature"):
        policy(current={"uri": "c.parquet", "maturity_days": 3})
