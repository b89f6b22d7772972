"""Constant thresholds of a NannyML configuration become demands; learned ones say what replaces them."""

from __future__ import annotations

import math

import pytest
import yaml

from model_governance.authoring.imports import import_files
from model_governance.errors import PolicyError


def calculator(kind, **params):
    return {"type": kind, "params": {"chunk_size": 5000, **params}}


def imported_from(tmp_path, *calculators):
    (tmp_path / "nannyml.yaml").write_text(yaml.safe_dump({"calculators": list(calculators)}))
    return import_files("nannyml", [tmp_path / "nannyml.yaml"])


def constant(**ends):
    return {"type": "constant", **ends}


def test_thresholds_of_every_calculator(tmp_path):
    imported = imported_from(
        tmp_path,
        calculator(
            "univariate_drift",
            column_names=["salary"],
            thresholds={
                "jensen_shannon": constant(upper=0.1),
                "kolmogorov_smirnov": constant(upper=0.2),
                "hellinger": constant(upper=0.1),
                "l_infinity": constant(upper=0.15),
            },
        ),
        calculator("performance", metrics=["roc_auc"], thresholds={"roc_auc": constant(lower=0.7)}),
        calculator("cbpe", metrics=["f1"], thresholds={"f1": constant(lower=0.6, upper=0.9)}),
        calculator("dle", metrics=["mae"], thresholds={"mae": constant(upper=3)}),
        calculator("missing_values", column_names=["salary"], threshold=constant(upper=0.05)),
        calculator("unseen_values", column_names=["city"], threshold=constant(upper=0)),
        calculator("domain_classifier", threshold=constant(lower=0.45, upper=0.65)),
    )
    assert imported.thresholds["data_drift"] == (
        {"metric": "jensenshannon", "key": "salary", "leq_to": pytest.approx(0.1 * math.sqrt(math.log(2)), abs=1e-6)},
        {"metric": "ks", "key": "salary", "leq_to": 0.2},
        {"metric": "total_variation", "key": "salary", "leq_to": 0.15},
        {"metric": "new_category_share", "key": "city", "leq_to": 0},
        {"metric": "joint_drift_auc", "between": [0.45, 0.65]},
    )
    assert imported.thresholds["model_quality"] == ({"metric": "roc_auc", "geq_to": 0.7},)
    assert imported.thresholds["performance_estimation"] == (
        {"metric": "estimated_f1", "between": [0.6, 0.9]},
        {"metric": "estimated_mae", "leq_to": 3},
    )
    assert [expectation.kwargs for expectation in imported.expectations] == [{"column": "salary", "mostly": 0.95}]
    left = [line for line in imported.lines if line.state == "not taken"]
    assert len(left) == 1
    assert "hellinger" in left[0].text


def test_learned_thresholds_disabled_calculators_and_counts_are_left_with_the_reason(tmp_path):
    imported = imported_from(
        tmp_path,
        calculator("performance", thresholds={"accuracy": constant(lower=0.8)}),
        calculator("performance", thresholds={"f1": {"type": "standard_deviation", "std_lower_multiplier": 3}}),
        calculator("cbpe", metrics=["roc_auc"]),
        calculator("missing_values", column_names=["a"], normalize=False, threshold=constant(upper=5)),
        calculator("univariate_drift", thresholds={"jensen_shannon": constant(upper=0.1)}),
        calculator("reconstruction_error", threshold=constant(upper=1.1)),
        calculator("performance", thresholds={"business_value": constant(lower=5)}),
        {**calculator("dle", thresholds={"mae": constant(upper=3)}), "enabled": False},
    )
    assert list(imported.thresholds) == ["model_quality"]
    reasons = [line.text for line in imported.lines if line.state == "not taken"]
    assert len(reasons) == 7
    assert "calibrate" in reasons[0]
    assert "calibrate" in reasons[1]
    assert "bound the share" in reasons[2]
    assert "names no column_names" in reasons[3]
    assert reasons[6] == "it is not enabled"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"calculators": [{"params": {}}]}, r"calculators\.0\.type: Field required"),
        ({"input": {}}, r"calculators: Field required"),
        (
            {"calculators": [{"type": "cbpe", "params": {"thresholds": {"f1": {"lower": 0.5}}}}]},
            r"thresholds\.f1\.type: Field required",
        ),
        ({"calculators": []}, "it demands nothing"),
    ],
)
def test_a_file_that_is_none_is_an_error(tmp_path, content, message):
    (tmp_path / "nannyml.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(PolicyError, match=message):
        import_files("nannyml", [tmp_path / "nannyml.yaml"])


def test_a_file_that_is_not_there_or_no_yaml_is_an_error(tmp_path):
    with pytest.raises(PolicyError, match=r"nann\.yml: cannot be read"):
        import_files("nannyml", [tmp_path / "nann.yml"])
    (tmp_path / "nann.yml").write_text("calculators: [")
    with pytest.raises(PolicyError, match=r"is no YAML"):
        import_files("nannyml", [tmp_path / "nann.yml"])
