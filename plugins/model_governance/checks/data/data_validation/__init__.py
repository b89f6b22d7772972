"""Data validation: do the current rows meet the expectations of the policy?

Great Expectations evaluates every expectation over all rows, in pandas or in SQL on DuckDB. Shares of unexpected rows
have exact 95% intervals (Clopper and Pearson, 1934). Rows that repeat another in every feature are counted by hashes,
and moments that a regular time axis lacks are compared with the reference.
"""

from __future__ import annotations

from model_governance.checks.data.data_validation.expectations import read_suite
from model_governance.checks.data.data_validation.measure import measure
from model_governance.checks.data.data_validation.metrics import METRICS
from model_governance.checks.data.data_validation.params import ValidationParams
from model_governance.checks.data.data_validation.self_test import SELF_TEST
from model_governance.checks.data.data_validation.suggest import suggest
from model_governance.contract.check import Advice, Check

CHECK = Check(
    kind="data_validation",
    title="Data validation",
    question="Do the current rows meet the expectations of the policy?",
    params=ValidationParams,
    metrics=METRICS,
    roles=("current",),
    optional_roles=("reference",),
    file_params=("suite",),
    read_file=read_suite,
    needs_model=False,
    measure=measure,
    suggest=suggest,
    self_test=SELF_TEST,
    advice=Advice(
        rank=10,
        title="Look at the data first.",
        text="The data is not what was agreed. Until it is repaired, what other checks measured on it is about the wrong rows.",
        doubts_rows=True,
    ),
    cost="Seconds; grows with rows times expectations, and is one SQL query per expectation on large data.",
    not_calibrated="a suite is deterministic: what it requires of the rows is written, not estimated",
)
