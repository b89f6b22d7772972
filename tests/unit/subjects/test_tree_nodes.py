"""Crafted trees: scikit-learn would read foreign memory or never end, so they must not be reached."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from model_governance.contract.subject import Columns, Feature
from model_governance.errors import UntrustedModel
from synthetic import rows

NUMBERS = ["income", "debt", "age"]
COLUMNS = Columns(features={name: Feature(kind="numeric") for name in NUMBERS}, target="label", positive=1)
TRAIN = rows(200, seed=1)


def fitted(model):
    return model.fit(TRAIN[NUMBERS], TRAIN["label"])


def crafted_tree(tree, **changes):
    """The same tree with other nodes, made as unpickling makes it."""
    kind, arguments, state = tree.__reduce__()
    nodes = state["nodes"].copy()
    inner = int(np.flatnonzero(nodes["left_child"] != -1)[-1])
    for name, value in changes.items():
        if name in nodes.dtype.names:
            nodes[name][inner] = value
    made = kind(*arguments)
    made.__setstate__({**state, "nodes": nodes, "node_count": changes.get("node_count", state["node_count"])})
    return made


@pytest.mark.parametrize("dump", [skops.io.dumps, pickle.dumps])
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"left_child": 10**9}, "outside the tree"),
        ({"right_child": -7}, "outside the tree"),
        ({"left_child": 0}, "back at its parents"),
        ({"feature": 10**6}, "beyond the 3"),
        ({"feature": -2}, "beyond the 3"),
        ({"node_count": 0}, "claims 0 nodes"),
    ],
)
def test_a_crafted_decision_tree_is_refused(load, dump, changes, told):
    model = fitted(DecisionTreeClassifier(max_depth=3))
    model.tree_ = crafted_tree(model.tree_, **changes)
    keys = {"format": "pickle", "allow_pickle": True} if dump is pickle.dumps else {}
    with pytest.raises(UntrustedModel, match=told):
        load(dump(model), columns=COLUMNS, **keys)


@pytest.mark.parametrize("kind", [RandomForestClassifier, GradientBoostingClassifier])
def test_one_crafted_tree_among_many_is_found(load, kind):
    model = fitted(kind(n_estimators=5, max_depth=3))
    last = np.ravel(model.estimators_)[-1]
    last.tree_ = crafted_tree(last.tree_, left_child=10**9)
    with pytest.raises(UntrustedModel, match="DecisionTree"):
        load(skops.io.dumps(model), columns=COLUMNS)


def test_a_forest_cannot_hide_a_tree_for_wider_rows(load):
    model = fitted(RandomForestClassifier(n_estimators=2, max_depth=3))
    wide = DecisionTreeClassifier(max_depth=3).fit(np.eye(50), np.arange(50) % 2)
    model.estimators_[1] = wide
    with pytest.raises(UntrustedModel, match="another number of features"):
        load(skops.io.dumps(model), columns=COLUMNS)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("left", 10**6, "outside the tree"),
        ("right", 0, "back at its parents"),
        ("feature_idx", 10**6, "beyond the 3"),
        ("is_categorical", 1, "that has none"),
    ],
)
def test_a_crafted_histogram_tree_is_refused(load, name, value, told):
    model = fitted(HistGradientBoostingClassifier(max_iter=3, max_depth=3))
    model._predictors[-1][0].nodes[name][0] = value
    with pytest.raises(UntrustedModel, match=told):
        load(skops.io.dumps(model), columns=COLUMNS)


def test_a_category_table_is_not_left(load):
    frame = TRAIN[NUMBERS].assign(age=TRAIN["age"] // 10)
    model = HistGradientBoostingClassifier(max_iter=3, categorical_features=["age"]).fit(
        frame, TRAIN["label"] ^ (frame["age"] % 2)
    )
    assert load(pickle.dumps(model), columns=COLUMNS, format="pickle", allow_pickle=True).predict(frame).shape == (200,)
    nodes = next(one[0].nodes for one in model._predictors if one[0].nodes["is_categorical"].any())
    nodes["bitset_idx"][nodes["is_categorical"] != 0] = 10**6
    with pytest.raises(UntrustedModel, match="category table"):
        load(pickle.dumps(model), columns=COLUMNS, format="pickle", allow_pickle=True)
