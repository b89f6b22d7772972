from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import warnings
import zipfile
from dataclasses import replace

import joblib
import lightgbm
import numpy as np
import pytest
import skops.io
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

import synthetic
from model_governance.checks.supply_chain.artifact_scan import CHECK
from model_governance.checks.supply_chain.artifact_scan.dangerous_names import standing
from model_governance.contract.subject import Subject
from model_governance.errors import CheckError, SubjectError, UntrustedModel
from model_governance.subjects.loaders.restricted_pickle import RestrictedUnpickler
from unit.checks.supply_chain.scanning import clean, file_of, rules, scan, value, zipped
from unit.checks.supply_chain.test_native_scan import graph
from unit.subjects.test_hostile_pickles import KINDS, PLANTS, Call, corpus

# Refused while loading because they only could do harm, and as data they do none.
HARMLESS_AS_DATA = {"reconstructor with a state"}


def through_joblib(model, compress=0):
    sink = io.BytesIO()
    joblib.dump(model, sink, compress=compress)
    return sink.getvalue()


@pytest.fixture(scope="module")
def models():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(120, 4))
    y = (x[:, 0] + 0.3 * draw.normal(size=120) > 0).astype(int)
    made = {
        "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": RandomForestClassifier(3, max_depth=3, random_state=np.random.RandomState(0)),
        "histogram boosting": HistGradientBoostingClassifier(max_iter=3),
        "boosting": GradientBoostingClassifier(n_estimators=2),
        "transformed": make_pipeline(FunctionTransformer(np.abs), SVC()),
        "neighbours": KNeighborsClassifier(),
        "network": MLPClassifier((3,), max_iter=2, random_state=0),
        "descent": SGDClassifier(),
        "calibrated": CalibratedClassifierCV(LinearSVC(), cv=2),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: one.fit(x, y) for name, one in made.items()}


def loads(content):
    try:
        RestrictedUnpickler(io.BytesIO(content)).load()
    except UntrustedModel:
        return False
    return True


def test_no_honest_model_is_accused(models):
    """In every protocol and compression, and the loader takes what the scan calls clean."""
    for name, model in models.items():
        for protocol in (0, 2, 4, 5):
            content = pickle.dumps(model, protocol)
            result = scan(content)
            assert clean(result), (name, protocol)
            assert loads(content), (name, protocol)
        for compress in (0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)):
            result = scan(through_joblib(model, compress), "joblib")
            assert clean(result), (name, compress)
        assert clean(scan(skops.io.dumps(model), "skops")), name


def test_no_honest_booster_or_graph_is_accused(models):
    from skl2onnx import to_onnx

    draw = np.random.default_rng(0)
    x = draw.normal(size=(200, 4))
    y = (x[:, 0] > 0).astype(int)
    trees = xgboost.train({"max_depth": 3}, xgboost.DMatrix(x, y), 5)
    for form in ("ubj", "json"):
        assert clean(scan(bytes(trees.save_raw(form)), "xgboost"))
    for params in ({}, {"linear_tree": True}):
        model = lightgbm.train({"verbose": -1, **params}, lightgbm.Dataset(x, y), 5)
        assert clean(scan(model.model_to_string().encode(), "lightgbm"))
    assert clean(scan(to_onnx(models["pipeline"], x[:1].astype(np.float32)).SerializeToString(), "onnx"))


@pytest.mark.parametrize("name", KINDS)
def test_every_hidden_call_is_found_and_none_runs(tmp_path, name):
    content = corpus(tmp_path)[name]
    before = sorted(path.name for path in tmp_path.iterdir())
    result = scan(content, "joblib")
    assert value(result, "dangerous_findings") > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", sorted(set(PLANTS) - HARMLESS_AS_DATA))
def test_every_trick_on_the_memory_of_a_loader_is_found(name):
    result = scan(PLANTS[name]())
    assert value(result, "dangerous_findings") + value(result, "suspicious_findings") > 0


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04" + text(b"posix") + text(b"system") + b"\x93" + text(b"id") + b"\x85R.",
        # The module's name is stored long before it is used.
        b"\x80\x04" + text(b"posix") + b"q\x05" + b"0" + b"h\x05" + text(b"system") + b"\x93" + text(b"id") + b"\x85R.",
        # A tuple is taken apart by nobody, but its items can be doubled on the stack.
        b"\x80\x04" + text(b"system") + b"q\x01" + b"2" + b"0" + b"0" + text(b"os") + b"h\x01\x93.",
        b"(S'id'\nios\nsystem\n.",
        b"c__builtin__\neval\n(S'1'\ntR.",
        b"cos\nsystem\n.",
    ],
)
def test_names_are_followed_through_stack_and_memo(content):
    result = scan(content)
    assert "dangerous name" in rules(result, "dangerous")


def test_a_name_that_is_computed_while_loading_is_dangerous():
    hidden = b"\x80\x04" + b"c_codecs\nencode\n" + text(b"os") + text(b"utf8") + b"\x86R" + text(b"system") + b"\x93."
    assert "hidden name" in rules(scan(hidden), "dangerous")


def test_a_payload_behind_the_end_of_an_honest_pickle_is_read(models):
    content = pickle.dumps(models["pipeline"]) + pickle.dumps(Call(eval, "1"))
    result = scan(content)
    assert rules(result) >= {"trailing bytes", "dangerous name"}


def test_own_types_are_asked_for_and_can_be_declared():
    content = b"\x80\x02cmy_company.features\nCleaner\n)\x81}b."
    result = scan(content)
    assert value(result, "undeclared_types") == 1
    assert result.metric("undeclared_types").detail == "my_company.features.Cleaner"
    assert value(result, "dangerous_findings") == 0
    assert clean(scan(content, trusted=["my_company.*"]))
    assert value(scan(b"cos\nsystem\n.", trusted=["os.*", "os.system"]), "dangerous_findings") == 1


def test_standing_of_names():
    assert standing("sklearn.linear_model._logistic", "LogisticRegression") == "known"
    assert standing("numpy", "log1p") == "known"
    assert standing("numpy", "float64") == "known"
    assert standing("numpy", "testing") == "dangerous"
    assert standing("numpy.lib.npyio", "load") == "dangerous"
    assert standing("sklearn.utils._testing", "set_random_state") == "dangerous"
    assert standing("sklearn.svm.SVC", "__init__") == "dangerous"
    assert standing("sklearn.utils.extmath", "safe_sparse_dot") == "undeclared"


@pytest.mark.parametrize(
    ("member", "rule"),
    [("../escape.json", "path traversal"), ("/etc/cron.d/x", "path traversal"), ("C:\\x", "path traversal"),
     ("a/./b", "ambiguous path")],
)  # fmt: skip
def test_members_that_leave_their_folder_are_found(member, rule):
    assert rule in rules(scan(zipped(("schema.json", "{}"), (member, "x")), "skops"))


def test_links_duplicates_prefixes_and_comments_of_archives_are_found():
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    assert "symbolic link" in rules(scan(zipped(("schema.json", "{}"), (link, "/etc/passwd")), "skops"))
    assert "duplicate member" in rules(scan(zipped(("schema.json", "{}"), ("schema.json", "[]")), "skops"))
    assert "trailing bytes" in rules(scan(zipped(("schema.json", "{}"), comment=b"hello"), "skops"))
    honest = zipped(("schema.json", "{}"))
    assert "trailing bytes" in rules(scan(honest + b"behind", "skops"))
    both = scan(pickle.dumps(1) + honest, "pickle")
    assert "polyglot" in rules(both, "dangerous")


def test_bombs_are_not_unpacked():
    bomb = zipped(("schema.json", "{}"), ("weights", b"\0" * (3 << 20)))
    assert "bomb" in rules(scan(bomb, "skops"), "dangerous")
    packed = scan(gzip.compress(b"\0" * (3 << 20), mtime=0), "joblib", max_unpacked_bytes=1 << 20)
    assert "bomb" in rules(packed, "dangerous")
    assert value(packed, "unscanned_parts") == 1
    assert value(packed, "scanned_bytes") < 1 << 20
    nested = b"payload"
    for _ in range(8):
        nested = zipped(("inner.zip", nested))
    assert value(scan(nested, "skops"), "unscanned_parts") == 1


def test_a_member_that_lies_about_its_size_is_found():
    content = bytearray(zipped(("schema.json", "{}"), ("weights", b"x" * 1000)))
    place = content.rfind(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", 10)
    assert value(scan(bytes(content), "skops"), "unscanned_parts") == 1


def test_an_encrypted_member_is_not_taken_for_clean():
    content = bytearray(zipped(("schema.json", "{}")))
    for start, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.rfind(start) + offset] |= 1
    result = scan(bytes(content), "skops")
    assert value(result, "unscanned_parts") == 1
    assert "unscanned part" in rules(result)


def test_a_pickle_in_an_archive_is_read_and_named():
    result = scan(zipped(("schema.json", "{}"), ("weights.pkl", pickle.dumps(Call(eval, "1")))), "skops")
    assert rules(result) >= {"pickle inside", "dangerous name"}
    array = np.array([Call(eval, "1")], dtype=object)
    sink = io.BytesIO()
    np.savez(sink, a=array)
    assert rules(scan(sink.getvalue(), "skops")) >= {"pickle inside", "dangerous name", "other format"}


def test_what_a_skops_file_names_is_judged():
    import os

    content = skops.io.dumps(make_pipeline(FunctionTransformer(os.getcwd), LogisticRegression()))
    assert "dangerous name" in rules(scan(content, "skops"), "dangerous")


def test_a_keras_lambda_is_code():
    layers = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "module": "keras.layers"}]}}
    assert "code inside" in rules(scan(zipped(("config.json", json.dumps(layers))), "keras"), "dangerous")
    own = {"class_name": "Mine", "module": "my_layers"}
    assert value(scan(zipped(("config.json", json.dumps(own))), "keras"), "undeclared_types") == 1


@pytest.mark.parametrize(
    ("content", "kind", "seen"),
    [
        (pickle.dumps(1), "onnx", "dangerous"),
        (b"\x7fELF\x02\x01\x01" + bytes(9), "lightgbm", "dangerous"),
        (b'{"learner": {}}', "onnx", "suspicious"),
        (b"<html>404", "skops", "suspicious"),
        (b"version https://git-lfs.github.com/spec/v1\n", "xgboost", "suspicious"),
    ],
)
def test_bytes_of_another_format_are_found(content, kind, seen):
    result = scan(content, kind)
    assert value(result, "format_mismatch") == 1
    assert "other format" in rules(result, seen)


def test_programs_and_credentials_inside_are_found_and_never_told(models):
    secret = b"AKIA" + b"ABCDEFGHIJKLMNOP"
    program = b"\x7fELF\x02\x01\x01\x00" + bytes(8)
    result = scan(pickle.dumps({"a": b" " + secret + b" ", "b": program, "c": "#!/bin/sh\nid"}))
    assert rules(result, "dangerous") == {"program inside"}
    assert rules(result, "suspicious") == {"credential"}
    assert secret.decode() not in str(result.record())


def test_no_bytes_at_all_make_the_scan_crash():
    draw = np.random.default_rng(1)
    honest = [pickle.dumps({"a": [1.5, "x"]}), zipped(("schema.json", "{}")), graph(), b"{L" + bytes(40), b"tree\nx"]
    for seed in honest:
        for _ in range(60):
            content = bytearray(seed)
            for place in draw.integers(0, len(content), 3):
                content[place] = draw.integers(0, 256)
            for kind in ("pickle", "skops", "onnx"):
                assert value(scan(bytes(content), kind), "scanned_bytes") > 0


def test_a_pickle_of_endless_instructions_is_given_up():
    result = scan(b"\x80\x04" + b"N0" * 5000 + b"N.", max_opcodes=1000)
    assert "broken pickle" in rules(result, "dangerous")
    assert value(result, "scanned_opcodes") == 1001


def test_an_empty_or_missing_file_is_an_error():
    with pytest.raises(CheckError, match="empty"):
        scan(b"", "skops")
    with pytest.raises(SubjectError, match="model"):
        CHECK.measure(replace(synthetic.subject(60), model_file=None), CHECK.params(), 1)


def test_an_endpoint_has_no_file():
    file = file_of(b"{}", "http")
    subject = Subject(name="case", task="regression", columns=synthetic.COLUMNS, model_file=file)
    assert CHECK.measure(subject, CHECK.params(), 1).status == "not_applicable"


def test_numbers_say_what_was_read(models):
    content = through_joblib(models["forest"], 3)
    result = scan(content, "joblib")
    assert value(result, "scanned_bytes") > len(content)
    assert value(result, "scanned_opcodes") > 100
    assert value(result, "scanned_parts") == 2
    assert "no proof" in result.highlights[0]


def test_a_hostile_name_cannot_write_into_the_report():
    result = scan(b"cos\n<script>\x1b[31malert(1)</script>" + b"x" * 500 + b"\n.")
    told = next(one for one in result.tables if one.name == "findings").rows[0][3]
    assert "\x1b" not in told
    assert len(told) <= 90
