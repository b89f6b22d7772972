"""What a check returns is shown to be readable before it is recorded: a check of others costs itself, and no later night."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import project
from model_governance.checks import find
from model_governance.contract.result import Artifact, CheckResult, Table, make_metric

CHECK = find("model_quality")
METRIC = make_metric(CHECK.metrics, "accuracy", 0.9, n=100)
RESULTS = {
    "a negative number of rows": {"metrics": (replace(METRIC, n=-1),)},
    "a cell of another library": {"tables": (Table(name="t", title="", header=("a",), rows=((np.int64(3),),)),)},
    "a cell that is not finite": {"tables": (Table(name="t", title="", header=("a",), rows=((float("nan"),),)),)},
    "an artifact without a name": {"artifacts": (Artifact(name="", media_type="text/plain", content=b""),)},
    "a sentence that is a number": {"highlights": (3,)},
}


@pytest.mark.parametrize("what", RESULTS)
def test_a_result_that_no_record_can_hold_is_an_error_of_its_check(tmp_path, what):
    quality = {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]}
    small = project.small_project(tmp_path, checks={"quality": quality})
    result = CheckResult(**{"kind": "model_quality", "seed": 1, "metrics": (METRIC,)} | RESULTS[what])
    check = replace(CHECK, needs_model=False, roles=(), optional_roles=(), measure=lambda *_: result)
    done = small.check("quality", check=check)
    assert done.verdict.outcome == "error"
    assert "model_quality returned a result that" in done.verdict.sentence
    assert "unexpected" not in done.verdict.sentence
    assert small.archive(done).verdict.outcome == "error"
