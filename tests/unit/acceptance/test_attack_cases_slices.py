"""A slice of fewer rows than can be judged is uncertain in every attack that has slices, never an error."""

from __future__ import annotations

import pytest

import synthetic
from model_governance.checks import find

TINY = 4


@pytest.fixture(scope="module")
def with_tiny_slice():
    subject = synthetic.subject(300)
    for role in ("current", "train", "reference"):
        frame = subject.frame(role).assign(branch="main")
        frame.loc[frame.index[:TINY], "branch"] = "tiny"
        subject = subject.with_frame(role, frame)
    return subject


@pytest.mark.parametrize(
    ("kind", "params", "metric", "key"),
    [
        ("evasion", {"attacks": ["greedy"], "samples": 60}, "slice_attack_success_rate", "tiny"),
        ("corruption", {"samples": 100}, "slice_drop", "tiny"),
        ("membership_inference", {"attacks": ["loss"], "fpr": [0.1]}, "slice_auc", "loss@tiny"),
    ],
)
@pytest.mark.parametrize("condition", [{"equals": "tiny"}, {"in": ["tiny"]}])
def test_t8_a_slice_of_four_rows_is_uncertain(with_tiny_slice, kind, params, metric, key, condition):
    check = find(kind)
    slices = [{"column": "branch", "name": "tiny"} | condition]
    result = check.measure(with_tiny_slice, check.params.model_validate(params | {"slices": slices}), 1)
    found = result.metric(metric, key=key)
    assert found.value is None
    assert found.absence == "uncertain"
