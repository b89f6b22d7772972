"""Structural disclosure against values computed by hand by the definitions of SACRO-ML, for five small models.

Every expected number follows from the rows below and the definitions in sacroml/attacks/structural_attack.py; nothing is
taken from the program under test.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from model_governance.checks import find
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

CHECK = find("structural_disclosure")
COLUMNS = Columns(features={"x": Feature(kind="numeric"), "z": Feature(kind="numeric")}, target="y", positive=1)
# 30 rows at x = 0 (all of class 0), 12 at x = 1 (6 of each class), 3 at x = 2 (all of class 1); z tells nothing.
ROWS = pd.DataFrame({
    "x": np.repeat([0.0, 1.0, 2.0], [30, 12, 3]),
    "z": np.zeros(45),
    "y": [0] * 30 + [0, 1] * 6 + [1] * 3,
})  # fmt: skip


def measured(estimator, rows: pd.DataFrame = ROWS, **params):
    fitted = estimator.fit(rows[["x", "z"]], rows["y"])
    model = Model(
        name="m", format="skops", sha256="0" * 64, task="binary_classification", native=fitted, call=fitted.predict,
        call_proba=fitted.predict_proba, classes=tuple(fitted.classes_.tolist()),
    )  # fmt: skip
    train = Dataset(role="train", uri="train", sha256="1" * 64, frame=rows)
    subject = Subject(name="s", task="binary_classification", columns=COLUMNS, datasets={"train": train}, model=model)
    return CHECK.measure(subject, CHECK.params(**params), 1)


def numbers(result) -> dict[str, float]:
    names = (
        "trained_parameters", "residual_degrees_of_freedom", "equivalence_classes", "smallest_class", "rows_below_k",
        "rows_with_class_disclosure", "rows_in_small_groups",
    )  # fmt: skip
    return {name: result.metric(name).value for name in names}


def risks(result) -> dict[str, int | None]:
    return {metric.key: metric.value for metric in result.metrics if metric.name == "risk"}


def buckets(result) -> list[int]:
    names = ("immediate_rejection", "support_rejection", "support_release")
    return [result.metric("recommendation", key=name).value for name in names]


def test_a_decision_tree_has_one_group_for_each_leaf():
    """Two splits and three leaves: 2 * 2 + 3 * (2 - 1) parameters; leaves of 30, 12 and 3 rows.

    Probabilities (1, 0), (.5, .5), (0, 1): two leaves disclose that a class is impossible (33 of 45 rows). Of the classes of
    a leaf, 6 and 6 of twelve and 3 of three rows are some but fewer than 10 (15 of 45 rows).
    """
    from sklearn.tree import DecisionTreeClassifier

    result = measured(DecisionTreeClassifier(random_state=0))
    assert numbers(result) == pytest.approx({
        "trained_parameters": 7, "residual_degrees_of_freedom": 38, "equivalence_classes": 3, "smallest_class": 3,
        "rows_below_k": 3 / 45, "rows_with_class_disclosure": 33 / 45, "rows_in_small_groups": 15 / 45,
    })  # fmt: skip
    assert risks(result) == {
        "instance_based": 0, "degrees_of_freedom": 0, "k_anonymity": 1, "class_disclosure": 1, "small_groups": 1,
        "unnecessary_risk": 1, "min_samples_leaf": 1,
    }  # fmt: skip
    assert buckets(result) == [0, 5, 2]


def test_a_stump_is_fit_for_release():
    """One split at x = .5: leaves of 30 rows (1, 0) and 15 rows (.4, .6), which are 6 rows of class 0 and 9 of class 1.

    Parameters 2 + 2; a depth of 1 is no unnecessary risk, and leaves of ten rows are no small leaves.
    """
    from sklearn.tree import DecisionTreeClassifier

    result = measured(DecisionTreeClassifier(max_depth=1, min_samples_leaf=10, random_state=0))
    assert numbers(result) == pytest.approx({
        "trained_parameters": 4, "residual_degrees_of_freedom": 41, "equivalence_classes": 2, "smallest_class": 15,
        "rows_below_k": 0, "rows_with_class_disclosure": 30 / 45, "rows_in_small_groups": 15 / 45,
    })  # fmt: skip
    assert risks(result) == {
        "instance_based": 0, "degrees_of_freedom": 0, "k_anonymity": 0, "class_disclosure": 1, "small_groups": 1,
        "unnecessary_risk": 0, "min_samples_leaf": 0,
    }  # fmt: skip
    assert buckets(result) == [0, 2, 5]


def test_leaves_of_equal_answers_are_groups_of_their_own():
    """XOR: four leaves of 12 rows, two of each answer; a forest of that tree has two groups of 24."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    xor = pd.DataFrame({
        "x": np.repeat([0.0, 0.0, 1.0, 1.0], 12), "z": np.repeat([0.0, 1.0, 0.0, 1.0], 12), "y": np.repeat([0, 1, 1, 0], 12),
    })  # fmt: skip
    tree = measured(DecisionTreeClassifier(random_state=0), xor)
    assert [numbers(tree)[name] for name in ("equivalence_classes", "smallest_class", "trained_parameters")] == [
        4,
        12,
        10,
    ]
    forest = measured(RandomForestClassifier(n_estimators=3, bootstrap=False, max_features=None, random_state=0), xor)
    assert [numbers(forest)[name] for name in ("equivalence_classes", "smallest_class", "trained_parameters")] == [
        2,
        24,
        30,
    ]
    assert risks(forest)["unnecessary_risk"] == 0  # three trees


def test_a_large_forest_has_unnecessary_risk_and_no_degrees_of_freedom():
    """Forty full trees with sqrt features: the rule depth > 3.5, trees > 35, max_features set; parameters of all trees add up."""
    from sklearn.ensemble import RandomForestClassifier

    estimator = RandomForestClassifier(n_estimators=40, random_state=0)
    result = measured(estimator)
    counted = 0
    for tree in estimator.estimators_:
        leaves = tree.get_n_leaves()  # a binary tree with n leaves has n - 1 splits
        counted += 2 * (leaves - 1) + leaves
    assert result.metric("trained_parameters").value == counted
    assert result.metric("residual_degrees_of_freedom").value == 45 - counted
    assert risks(result)["unnecessary_risk"] == 1
    assert risks(result)["degrees_of_freedom"] == int(45 - counted < 10)


def test_a_perceptron_counts_its_weights_and_biases_and_has_no_rule_for_hyperparameters():
    """Two inputs, three hidden, one output: 2*3 + 3 weights, 3 + 1 biases: 13 parameters. Three values of x, three groups."""
    from sklearn.neural_network import MLPClassifier

    result = measured(MLPClassifier(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=5000, random_state=0))
    assert [numbers(result)[name] for name in ("trained_parameters", "residual_degrees_of_freedom")] == [13, 32]
    assert [numbers(result)[name] for name in ("equivalence_classes", "smallest_class")] == [3, 3]
    assert risks(result)["unnecessary_risk"] is None
    assert result.metric("risk", key="unnecessary_risk").absence == "skipped"


def test_nearest_neighbours_are_rejected_at_once():
    """One neighbour of each training row is itself, so that every answer is 0 or 1: two groups, both disclosing.

    Of the twelve rows at x = 1 all get the label of one of them (30 + 12 rows of class 0 and 3 of class 1, or 30 and 15).
    """
    from sklearn.neighbors import KNeighborsClassifier

    result = measured(KNeighborsClassifier(n_neighbors=1))
    assert buckets(result)[0] == 1
    assert risks(result)["instance_based"] == 1
    assert result.metric("rows_with_class_disclosure").value == 1
    assert numbers(result)["smallest_class"] in (3, 15)
    assert result.metric("trained_parameters").value is None


def test_the_limits_are_the_policys():
    from sklearn.tree import DecisionTreeClassifier

    result = measured(DecisionTreeClassifier(random_state=0), min_group_size=3, min_degrees_of_freedom=39)
    assert risks(result)["k_anonymity"] == 0
    assert risks(result)["degrees_of_freedom"] == 1  # 38 are left


@pytest.mark.parametrize(
    ("settings", "is_risky"),
    [
        ({}, 1),
        ({"max_depth": 7}, 1),
        ({"max_depth": 7, "max_features": 1}, 0),
        ({"max_depth": 3}, 0),
        ({"min_samples_leaf": 8}, 1),
        ({"min_samples_leaf": 8, "max_features": 1}, 0),
        ({"min_samples_leaf": 16}, 0),
        ({"splitter": "random", "min_samples_split": 20}, 1),
        ({"splitter": "random", "min_samples_split": 20, "max_features": 1}, 0),
        ({"splitter": "random", "min_samples_leaf": 8}, 0),
    ],
)
def test_the_rule_for_the_hyperparameters_of_a_tree(settings, is_risky):
    from sklearn.tree import DecisionTreeClassifier

    assert risks(measured(DecisionTreeClassifier(random_state=0, **settings)))["unnecessary_risk"] == is_risky


def test_a_booster_counts_splits_leaves_and_trees_with_and_without_its_wrapper():
    """Trees of x <= .5 and x <= 1.5: each split counts 2, each leaf 1, each tree 1."""
    import xgboost

    wrapped = xgboost.XGBClassifier(n_estimators=2, max_depth=1, min_child_weight=0, random_state=0, nthread=1)
    result = measured(wrapped)
    assert result.metric("trained_parameters").value == 2 * (2 + 2 + 1)
    assert risks(result)["unnecessary_risk"] == 0
    deep = xgboost.XGBClassifier(n_estimators=20, max_depth=4, random_state=0, nthread=1)
    assert risks(measured(deep))["unnecessary_risk"] == 1
    model = replace(_model_of(deep), native=deep.get_booster())
    train = Dataset(role="train", uri="train", sha256="1" * 64, frame=ROWS)
    subject = Subject(name="s", task="binary_classification", columns=COLUMNS, datasets={"train": train}, model=model)
    bare = CHECK.measure(subject, CHECK.params(), 1)
    assert risks(bare)["unnecessary_risk"] == 1
    assert numbers(bare) == numbers(measured(deep))


def _model_of(fitted) -> Model:
    return Model(
        name="m", format="xgboost", sha256="0" * 64, task="binary_classification", native=fitted, call=fitted.predict,
        call_proba=fitted.predict_proba, classes=(0, 1),
    )  # fmt: skip


def test_the_tree_of_a_pipeline_is_looked_at_behind_its_preprocessing():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    piped = measured(make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)))
    assert numbers(piped) == numbers(measured(DecisionTreeClassifier(random_state=0)))
