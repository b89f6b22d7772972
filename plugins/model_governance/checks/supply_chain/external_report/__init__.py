"""External report: what did another tool that audits the model find?

Red-teaming tools of language models (garak, PyRIT, promptfoo), scanners of models and code (Giskard, modelscan, whatever
writes SARIF), test runners (JUnit XML) and MLflow evaluate write reports that nobody judges, waives or archives. One adapter
per format turns such a report into metrics, so that it is governed as every other check is.
"""

from __future__ import annotations

from model_governance.checks.supply_chain.external_report.measure import measure
from model_governance.checks.supply_chain.external_report.metrics import METRICS
from model_governance.checks.supply_chain.external_report.params import ReportParams
from model_governance.checks.supply_chain.external_report.self_test import SELF_TEST
from model_governance.checks.supply_chain.external_report.suggest import suggest
from model_governance.contract.check import Advice, Check

__all__ = ["CHECK"]

CHECK = Check(
    kind="external_report",
    title="External report",
    question="What did another tool that audits the model find?",
    params=ReportParams,
    metrics=METRICS,
    roles=(),
    needs_model=False,
    file_params=("report",),
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    not_calibrated="its numbers come from the report of another tool, not from rows of the reference",
    advice=Advice(rank=125, title="Read the report of the tool that found it.", text="The check repeats what that report says: look up the failed items there, repair the model or its guard, and run the tool again."),
    cost="Seconds; grows with the size of the report.",
)  # fmt: skip
