"""`policy init` on columns of every physical type writes a policy that its own reference passes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from drift_cases import measure, numbers_only
from model_governance.authoring.suggest import suggest_policy
from model_governance.checks import find
from model_governance.contract.connections import PlainConnections
from model_governance.contract.model import Model
from model_governance.contract.subject import Columns, Feature, Subject
from model_governance.policy import DatasetSpec
from model_governance.subjects import load_dataset

ROWS = 300


def reference() -> pa.Table:
    """One column of each physical type that a company's feed may hold."""
    draw = np.random.default_rng(7)
    gaps = draw.random(ROWS) < 0.05
    numbers = draw.normal(100, 20, ROWS).round(2)

    def some(values):
        return [None if gap else value for gap, value in zip(gaps, values, strict=True)]

    return pa.table(
        {
            "amount": pa.array([Decimal(f"{value:.2f}") for value in numbers], pa.decimal128(14, 4)),
            "amount_gap": pa.array(some([Decimal(f"{value:.2f}") for value in numbers]), pa.decimal128(14, 4)),
            "whole": pa.array(some([Decimal(int(value)) for value in numbers]), pa.decimal128(10, 0)),
            "day": pa.array([dt.date(2020, 1, 1) + dt.timedelta(int(row)) for row in range(ROWS)]),
            "day_gap": pa.array(some([dt.date(9999, 12, 31)] * ROWS), pa.date32()),
            "moment": pa.array(some([dt.datetime(2026, 1, 1, 12) + dt.timedelta(hours=row) for row in range(ROWS)])),
            "flag": pa.array(draw.random(ROWS) < 0.4),
            "flag_gap": pa.array(some((draw.random(ROWS) < 0.4).tolist())),
            "count": pa.array(some(draw.integers(0, 1000, ROWS).tolist()), pa.int32()),
            "single": pa.array(some((draw.integers(0, 10, ROWS) / 10).tolist()), pa.float32()),
            "region": pa.array(some([f"r{code}" for code in draw.integers(0, 5, ROWS)])).dictionary_encode(),
            "code": pa.array(some(draw.integers(1, 5, ROWS).tolist())),
            "note": pa.array([f"text {row}" for row in range(ROWS)]),
            "nested": pa.array([[1, 2]] * ROWS),
            "nothing": pa.nulls(ROWS),
            "empty": pa.array([None] * ROWS, pa.string()),
            "clock": pa.array([dt.time(3)] * ROWS),
        }
    )


@pytest.fixture(scope="module")
def draft(tmp_path_factory):
    """The folder, the YAML of the policy, and its text."""
    folder = tmp_path_factory.mktemp("init")
    pq.write_table(reference(), folder / "reference.parquet")
    (folder / "model.skops").write_bytes(b"never loaded")
    text = suggest_policy(
        model=str(folder / "model.skops"), reference=str(folder / "reference.parquet"),
        task="regression", name="own", folder=folder,
    )  # fmt: skip
    return folder, yaml.safe_load(text), text


def test_every_column_gets_the_kind_of_what_it_holds(draft):
    """D7: decimals are numbers, booleans with gaps booleans; moments, keys and what nothing compares are left out and named."""
    _, policy, text = draft
    kinds = {name: feature["kind"] for name, feature in policy["columns"]["features"].items()}
    assert kinds == {
        "amount": "numeric", "amount_gap": "numeric", "whole": "integer", "flag": "boolean", "flag_gap": "boolean",
        "count": "integer", "single": "numeric", "region": "category", "code": "integer",
    }  # fmt: skip
    assert policy["columns"]["identifier"] == "note"
    reasons = {
        "day": "a moment in time", "day_gap": "a moment in time", "moment": "a moment in time",
        "nested": "holds lists or structs", "nothing": "holds no value", "empty": "holds no value",
        "clock": "holds bytes, times of day",
    }  # fmt: skip
    for name, reason in reasons.items():
        assert f"# left out: {name} ({reason}" in text


@pytest.mark.parametrize("engine", ["pandas", "sql"])
def test_the_draft_is_green_on_its_own_reference(draft, engine):
    """D7: every expectation that was written from the reference holds there, in both engines."""
    folder, policy, _ = draft
    check = find("data_validation")
    params = policy["checks"]["data_validation"]["params"] | {"engine": engine}
    dataset = load_dataset(
        "current", DatasetSpec(uri="reference.parquet"), folder=folder, connections=PlainConnections()
    )
    columns = Columns.model_validate(policy["columns"])
    subject = Subject(name="own", task="regression", columns=columns, datasets={"current": dataset})
    result = check.measure(subject, check.params.model_validate(params), 1)
    for severity in ("critical", "warning", "info"):
        failures = result.metric(f"{severity}_failures")
        assert failures.value == 0, failures.detail


def test_the_draft_finds_no_drift_between_the_reference_and_itself(draft):
    """D7: columns of every type are compared, and equal."""
    from model_governance.authoring.compare import compare_files

    folder, _, _ = draft
    path = str(folder / "reference.parquet")
    found = compare_files(path, path)
    assert {column.name for column in found.columns} == {
        "amount", "amount_gap", "whole", "flag", "flag_gap", "count", "single", "region", "code",
    }  # fmt: skip
    assert all(abs(column.equal_width_psi) < 1e-12 for column in found.columns)


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "feather"])
def test_nineteen_digit_codes_are_categories_whose_loss_drifts_in_every_format(tmp_path, ending):
    """D4: three codes that float64 merges, one of which vanishes, with a gap in each dataset."""
    codes = [4611686018427387905, 4611686018427387906, 4611686018427387907]
    sides = {"reference": [*codes * 200, None], "current": [*codes[:2] * 300, None]}
    datasets = {}
    for role, values in sides.items():
        table = pa.table({"code": pa.array(values), "x": pa.array(np.arange(len(values), dtype=float))})
        path = tmp_path / f"{role}.{ending}"
        if ending == "csv":
            pd.DataFrame({"code": pd.array(values, dtype="Int64"), "x": table["x"].to_pandas()}).to_csv(
                path, index=False
            )
        elif ending == "parquet":
            pq.write_table(table, path)
        else:
            with pa.ipc.new_file(str(path), table.schema) as writer:
                writer.write_table(table)
        datasets[role] = load_dataset(
            role, DatasetSpec(uri=path.name), folder=tmp_path, connections=PlainConnections(), labels=("code",)
        )
    from model_governance.engine import open_relation

    first, second = (open_relation(datasets[role]) for role in ("reference", "current"))
    assert first.value_counts(["code"])["code"] == {str(code): 200 for code in codes}
    assert second.value_counts(["code"])["code"] == {str(code): 300 for code in codes[:2]}
    assert first.missing(["code"]) == second.missing(["code"]) == {"code": 1}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_loss_of_a_code_has_the_same_psi_in_every_format(tmp_path, ending):
    """D4: merged codes gave 0 and a pass. By hand, an empty cell being filled with 0.0001 of the rows."""
    codes = [4611686018427387905, 4611686018427387906, 4611686018427387907]
    sides = {"reference": [*codes * 700, None], "current": [*codes[:2] * 1050, None]}
    datasets = {}
    for role, values in sides.items():
        frame = pd.DataFrame({"code": pd.array(values, dtype="Int64"), "x": np.arange(len(values), dtype=float)})
        path = tmp_path / f"{role}.{ending}"
        frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path, index=False)
        datasets[role] = load_dataset(
            role, DatasetSpec(uri=path.name), folder=tmp_path, connections=PlainConnections(), labels=("code",)
        )
    columns = Columns(features={"code": Feature(kind="category"), "x": Feature(kind="numeric")})
    model = Model(
        name="m", format="skops", sha256="0" * 64, task="regression", native=None,
        call=lambda rows: rows["x"].to_numpy(dtype=float),
    )  # fmt: skip
    subject = Subject(name="m", task="regression", columns=columns, datasets=datasets, model=model)
    with numbers_only():
        result = measure(subject, joint=False, columns=["code"])
    found = {(one.name, one.key): one.value for one in result.metrics}
    lost, grown = 1 / 3 * np.log((1 / 3) / 1e-4), 2 * (1 / 6) * np.log(1.5)
    assert found["equal_width_psi", "code"] == pytest.approx(lost + grown, abs=0.002)
    assert found["psi", "code"] == pytest.approx(2.5463313, abs=1e-6), (
        "of the cells with noise correction, in each format"
    )
    assert found["total_variation", "code"] == pytest.approx(1 / 3, abs=0.001)
