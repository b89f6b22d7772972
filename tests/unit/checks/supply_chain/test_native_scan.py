"""Formats without pickles: ONNX, and the boosters' own text and binary JSON."""

from __future__ import annotations

import json
import struct

import lightgbm
import numpy as np
import onnx
import pytest
import xgboost
from onnx import TensorProto, helper

from unit.checks.supply_chain.scanning import clean, rules, scan, value


def graph(*, domain="", location=None, dims=(2,)):
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    if location is not None:
        tensor.ClearField("float_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location
    del tensor.dims[:]
    tensor.dims.extend(dims)
    node = helper.make_node("Add", ["x", "w"], ["y"], domain=domain)
    shape = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]), helper.make_tensor_value_info("y", 1, [2])
    made = helper.make_graph([node], "g", [shape[0]], [shape[1]], [tensor])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


@pytest.mark.parametrize(
    ("changes", "severity", "rule"),
    [
        ({"location": "weights.bin"}, "suspicious", "external data"),
        ({"location": "../../etc/passwd"}, "dangerous", "path traversal"),
        ({"location": "/etc/passwd"}, "dangerous", "path traversal"),
        ({"domain": "my.kernels"}, "suspicious", "custom operator"),
        ({"dims": (2, 1 << 30)}, "suspicious", "huge tensor"),
    ],
)
def test_what_an_onnx_file_reaches_for_is_found(changes, severity, rule):
    assert clean(scan(graph(), "onnx"))
    assert rule in rules(scan(graph(**changes), "onnx"), severity)


def test_trees_that_lead_outside_are_found():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(100, 2))
    y = x[:, 0] + draw.normal(size=100)
    trees = json.loads(bytes(xgboost.train({"max_depth": 2}, xgboost.DMatrix(x, y), 2).save_raw("json")))
    trees["learner"]["gradient_booster"]["model"]["trees"][1]["left_children"][0] = 10_000
    assert "inconsistent tree" in rules(scan(json.dumps(trees).encode(), "xgboost"), "dangerous")
    lines = lightgbm.train({"verbose": -1, "num_leaves": 4}, lightgbm.Dataset(x, y), 2).model_to_string().splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("left_child="))
    lines[place] = "left_child=7 7 7"
    assert "inconsistent tree" in rules(scan("\n".join(lines).encode(), "lightgbm"), "dangerous")
    lines[place] = "left_child=1"
    assert "inconsistent tree" in rules(scan("\n".join(lines).encode(), "lightgbm"), "dangerous")


def test_binary_json_that_claims_more_than_it_holds_is_found():
    model = bytes(xgboost.train({}, xgboost.DMatrix(np.eye(8), np.arange(8)), 1).save_raw("ubj"))
    assert value(scan(model[:-40], "xgboost"), "unscanned_parts") == 1
    assert "trailing bytes" in rules(scan(model + b"more", "xgboost"))
    assert value(scan(b"{L" + struct.pack(">q", 1 << 60) + b"x", "xgboost"), "unscanned_parts") == 1
    assert value(scan(b"{L" + (b"[" * 100_000), "xgboost"), "unscanned_parts") == 1


def test_onnx_is_recognised_by_its_head():
    assert onnx.load_from_string(graph()).ir_version >= 3
    assert value(scan(graph(), "pickle"), "format_mismatch") == 1
