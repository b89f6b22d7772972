"""Boosters inside pickle, joblib and skops files are read as native files are: version and structure (cases M1 and M5)."""

from __future__ import annotations

import copy
import io
import json
import pickle
import zipfile
from functools import partial

import joblib
import lightgbm
import numpy as np
import pytest
import skops.io
import xgboost
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import model_files
import tree_mutants
from model_governance.errors import SubjectError, UntrustedModel

FRAME = tree_mutants.rows()
LABELS = (FRAME["a"] > 0).astype(int)
VERSION = b"version[#L" + (3).to_bytes(8, "big")
SPLITS = b"split_indices[$l#L"
TRUSTED = (
    "collections.OrderedDict", "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier", "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
)  # fmt: skip
LIGHTGBM_SPLIT = b"\nsplit_feature="


def through_joblib(model: object) -> bytes:
    sink = io.BytesIO()
    joblib.dump(model, sink)
    return sink.getvalue()


FILES = {
    "skops": (skops.io.dumps, {"trusted": TRUSTED}),
    "pickle": (pickle.dumps, {"allow_pickle": True}),
    "joblib": (through_joblib, {"allow_pickle": True}),
}


@pytest.fixture
def load(tmp_path):
    return partial(model_files.load, tmp_path)


@pytest.fixture(scope="module")
def grown():
    settings = {"n_estimators": 2, "n_jobs": 1, "random_state": 0}
    return {
        "xgboost": xgboost.XGBClassifier(max_depth=2, **settings).fit(FRAME, LABELS),
        "lightgbm": lightgbm.LGBMClassifier(num_leaves=4, verbose=-1, **settings).fit(FRAME, LABELS),
    }


def changed(content: bytes, change) -> bytes:
    """The file with each of its parts changed; the parts of a skops file lie in an archive."""
    if not content.startswith(b"PK"):
        return change(content)
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(sink, "w") as after:
        for name in before.namelist():
            after.writestr(name, change(before.read(name)))
    return sink.getvalue()


def of_another_version(content: bytes) -> bytes:
    """The same model as XGBoost 2.1.6 would have marked it."""
    running = b"".join(b"i" + bytes([int(part)]) for part in xgboost.__version__.split("."))
    return changed(content, lambda part: part.replace(VERSION + running, VERSION + b"i\x02i\x01i\x06"))


@pytest.mark.filterwarnings("ignore:.*If you are loading a serialized model")
@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("inside", ["alone", "pipeline", "ensemble"])
def test_a_booster_of_another_version_is_an_error_until_the_policy_accepts_it(load, grown, kind, inside):
    """M1: XGBoost writes its version into every booster, wherever that is stored."""
    dump, keys = FILES[kind]
    model = {
        "alone": grown["xgboost"],
        "pipeline": make_pipeline(StandardScaler(), copy.deepcopy(grown["xgboost"])).fit(FRAME, LABELS),
        "ensemble": VotingClassifier([("x", grown["xgboost"])], voting="soft").fit(FRAME, LABELS),
    }[inside]
    content = dump(model)
    today = load(content, format=kind, **keys)
    assert f"XGBoost {xgboost.__version__}" in today.written_by
    older = of_another_version(content)
    assert older != content
    with pytest.raises(SubjectError, match=r'written by XGBoost 2\.1\.6.*accept_version: "2\.1\.6"'):
        load(older, format=kind, **keys)
    with pytest.raises(SubjectError, match="written by"):
        load(older, format=kind, accept_version="2.1.5", **keys)
    accepted = load(older, format=kind, accept_version="2.1.6", **keys)
    assert accepted.written_by.endswith(", XGBoost 2.1.6")
    np.testing.assert_array_equal(accepted.predict_proba(FRAME), today.predict_proba(FRAME))


@pytest.mark.parametrize("kind", FILES)
def test_lightgbm_in_a_file_answers_as_before(load, grown, kind):
    """M5: its text names the version of the format, and none of the library."""
    dump, keys = FILES[kind]
    model = load(dump(grown["lightgbm"]), format=kind, **keys)
    assert model.written_by.startswith("scikit-learn ")
    assert "," not in model.written_by
    np.testing.assert_allclose(model.predict_proba(FRAME), grown["lightgbm"].predict_proba(FRAME), rtol=1e-9)


def column_outside(part: bytes) -> bytes:
    place = part.find(SPLITS)
    if place < 0:
        return part
    first = place + len(SPLITS) + 8
    return part[:first] + (500).to_bytes(4, "big") + part[first + 4 :]


def feature_outside(part: bytes) -> bytes:
    """One digit for another: the length of the text is that of the file."""
    text, escaped = LIGHTGBM_SPLIT, LIGHTGBM_SPLIT.replace(b"\n", b"\\\\n")
    for mark in (text, escaped):
        place = part.find(mark)
        if place >= 0:
            first = place + len(mark)
            return part[:first] + b"9" + part[first + 1 :]
    return part


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize(("library", "change"), [("xgboost", column_outside), ("lightgbm", feature_outside)])
def test_a_booster_that_leads_outside_is_refused_before_its_reader_sees_it(
    load, grown, monkeypatch, kind, library, change
):
    """M5: SIGSEGV and foreign memory; the reader of the library is never called."""
    dump, keys = FILES[kind]
    content = dump(grown[library])
    crafted = changed(content, change)
    assert crafted != content
    seen = []
    for booster in (xgboost.core.Booster, lightgbm.basic.Booster):
        monkeypatch.setattr(booster, "__setstate__", lambda _, state: seen.append(state))
    with pytest.raises(UntrustedModel, match="crafted or damaged"):
        load(crafted, format=kind, **keys)
    assert not seen


def test_a_second_handle_does_not_stand_for_the_first(load, grown, monkeypatch):
    """M5: XGBoost reads `handle`, so that a sound `_handle` beside it says nothing."""
    sound = bytes(grown["xgboost"].get_booster().__getstate__()["handle"])
    state = {"_handle": bytearray(sound), "handle": bytearray(column_outside(sound))}
    with monkeypatch.context() as patch:
        patch.setattr(xgboost.core.Booster, "__getstate__", lambda _: state)
        content = pickle.dumps(grown["xgboost"])
    with pytest.raises(UntrustedModel, match="crafted or damaged"):
        load(content, format="pickle", allow_pickle=True)


def nodes(item):
    if isinstance(item, dict):
        yield item
    for value in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
        yield from nodes(value)


def forged(change):
    """The schema of a skops file, changed by `change(booster, state, everything)`."""

    def part(content: bytes) -> bytes:
        if not content.startswith((b'{"', b"{\n")):
            return content  # of the trees, which start with `{L`
        schema = json.loads(content)
        booster = next(node for node in nodes(schema) if node.get("__class__") == "Booster")
        change(booster, booster["content"], list(nodes(schema)))
        return json.dumps(schema).encode()

    return part


def hidden_behind_an_id(booster, state, everything):
    """Another part, read first, has the id of the handle: skops would take it instead."""
    other = next(node for node in everything if node.get("__loader__") == "JsonNode")
    other["__id__"] = state["content"]["handle"]["__id__"]


FORGERIES = {
    "the id of the handle twice": hidden_behind_an_id,
    "a key that becomes another": lambda booster, state, _: state["key_types"]["content"][0].update(
        {"__class__": "repr"}
    ),
    "a state that is no dict": lambda booster, state, _: state.update({"__class__": "OrderedDict"}),
    "a cached handle": lambda booster, state, _: state["content"]["handle"].update({"__loader__": "CachedNode"}),
    "a file that is not there": lambda booster, state, _: state["content"]["handle"].update({"file": "none.bin"}),
    "another loader": lambda booster, state, _: booster.update({"__loader__": "DictNode"}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_booster_that_skops_would_not_store_so_is_refused(load, grown, name):
    """M5: what is checked is what is loaded."""
    content = changed(skops.io.dumps(grown["xgboost"]), forged(FORGERIES[name]))
    with pytest.raises((UntrustedModel, SubjectError)):
        load(content, format="skops", trusted=TRUSTED)
