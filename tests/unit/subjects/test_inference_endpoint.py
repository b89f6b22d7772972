"""A model behind an endpoint: the same answers as next door, patience with busy servers, none with wrong ones."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from inference_server import Served, broken, changed, metadata_digest, serving, slow, status, truncated
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Feature
from model_governance.errors import CheckError, DigestMismatch, ModelMisbehaved, SubjectError, SubjectUnreachable
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model
from model_governance.subjects.models import read_model_file
from synthetic import COLUMNS, pipeline, rows

FEATURES = list(COLUMNS.names)
NUMBERS = ["income", "debt", "age"]
NUMERIC = Columns(features={name: Feature(kind="numeric") for name in NUMBERS}, target="label", positive=1)
TRAIN, TODAY = rows(200, seed=1), rows(70, seed=2)
NATIVE = pipeline(TRAIN)
PATIENT = {"retries": 2, "backoff_seconds": 0.01, "timeout_seconds": 5, "batch_rows": 50}


def spec_of(uri, served, **keys):
    made = {
        "name": "credit",
        "uri": uri,
        "sha256": metadata_digest(served.metadata),
        "format": "http",
        "classes": (0, 1),
    }
    return ModelSpec(**{**made, "task": "binary_classification", "endpoint": PATIENT, **keys})


def connected(uri, served, *, columns=COLUMNS, connections=None, **keys):
    return load_model(spec_of(uri, served, **keys), columns, folder=None, connections=connections or PlainConnections())


@pytest.fixture
def served():
    return Served(NATIVE, TRAIN[FEATURES])


@pytest.fixture
def uri(served):
    with serving(served) as address:
        yield address


def test_an_endpoint_answers_as_the_model_behind_it(uri, served):
    model = connected(uri, served)
    np.testing.assert_array_equal(model.predict(TODAY), NATIVE.predict(TODAY[FEATURES]))
    np.testing.assert_allclose(model.predict_proba(TODAY), NATIVE.predict_proba(TODAY[FEATURES]), rtol=1e-11)
    assert (model.call_logits, model.call_gradient, model.train) == (None, None, None)
    infers = [request for path, _, request in served.seen if path.endswith("/infer")]
    # 70 rows in batches of 50, and the same again, for labels and for probabilities
    assert [one["inputs"][0]["shape"][0] for one in infers] == [50, 20] * 4


def test_the_metadata_are_what_the_policy_pins(uri, served):
    file = read_model_file(spec_of(uri, served), folder=None, connections=PlainConnections())
    assert (file.format, file.sha256) == ("http", metadata_digest(served.metadata))
    served.metadata["versions"] = ["3"]
    connected(uri, served)
    before = spec_of(uri, served)
    served.metadata["platform"] = "somebody else's"
    with pytest.raises(DigestMismatch, match=r"found [0-9a-f]{64}.*No row was sent"):
        load_model(before, COLUMNS, folder=None, connections=PlainConnections())
    assert all(request is None for _, _, request in served.seen)


def test_a_version_must_be_named_where_there_are_several(uri, served):
    pinned = metadata_digest(served.metadata)
    served.metadata["versions"] = ["3", "4"]
    with pytest.raises(SubjectError, match=r"versions 3, 4; name one: .*/versions/4"):
        connected(uri, served)
    model = connected(f"{uri}/versions/3", served, sha256=pinned)
    model.predict(TODAY)
    assert served.seen[-1][0] == "/v2/models/credit/versions/3/infer"


def test_another_version_that_answers_is_noticed(uri, served):
    model = connected(uri, served)
    served.version = "4"
    with pytest.raises(DigestMismatch, match="version 4 answers, the policy pins 3"):
        model.predict(TODAY)


@pytest.mark.parametrize(
    "fault",
    [status(503), status(429, **{"retry-after": "0"}), status(500), truncated],
    ids=["503", "429", "500", "cut"],
)
def test_a_busy_server_is_asked_again(uri, served, fault):
    model = connected(uri, served)
    served.faults = [fault]
    np.testing.assert_array_equal(model.predict(TODAY), NATIVE.predict(TODAY[FEATURES]))
    assert served.faults == []


def test_a_slow_server_is_asked_again_and_given_up(uri, served):
    model = connected(uri, served, endpoint={**PATIENT, "retries": 1, "timeout_seconds": 0.15})
    served.faults = [slow(0.4)]
    model.predict(TODAY)
    served.faults = [slow(0.4), slow(0.4)]
    with pytest.raises(SubjectUnreachable, match=r"no answer after 2 tries, the last: no whole answer in") as raised:
        model.predict(TODAY)
    assert raised.value.infrastructure


def test_nobody_there_is_infrastructure(served):
    with serving(served) as address:
        model = connected(address, served)
    with pytest.raises(SubjectUnreachable, match="after 3 tries"):
        model.predict(TODAY)
    with pytest.raises(SubjectUnreachable, match="after 3 tries"):
        connected(address, served)


def test_too_many_bad_answers_are_given_up(uri, served):
    model = connected(uri, served)
    served.faults = [status(503)] * 3
    with pytest.raises(SubjectUnreachable, match="HTTP 503"):
        model.predict(TODAY)


def cut_shape(answer):
    answer["outputs"][0]["shape"] = [3]


def drop_rows(answer):
    answer["outputs"][0]["data"] = answer["outputs"][0]["data"][1:]


def rename(answer):
    answer["outputs"][0]["name"] = "other"


def strange_label(answer):
    answer["outputs"][0]["data"][0] = 7


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (changed(cut_shape), "shape"),
        (changed(drop_rows), "49 values for 50 rows"),
        (changed(rename), "lacks the output predict"),
        (changed(strange_label), "answers 7, which model.classes lacks"),
        (broken, "something else than JSON"),
        (status(400), "HTTP 400"),
        (status(422), "HTTP 422"),
    ],
    ids=["shape", "rows", "name", "label", "json", "400", "422"],
)
def test_a_wrong_answer_is_the_models_fault_and_not_asked_for_again(uri, served, fault, told):
    model = connected(uri, served, endpoint={**PATIENT, "max_rows": 2_000})  # only the first call is asked twice
    model.predict(TODAY)
    served.faults = [fault]
    asked = len(served.seen)
    with pytest.raises(ModelMisbehaved, match=told) as raised:
        model.predict(TODAY)
    assert "4711" not in str(raised.value)
    assert len(served.seen) - asked <= 2


def nan(answer):
    answer["outputs"][0]["data"][0] = float("nan")


def test_nan_is_never_an_answer(uri, served):
    model = connected(uri, served)
    served.faults = [changed(nan)]
    with pytest.raises(ModelMisbehaved):
        model.predict_proba(TODAY.head(5))


def jitter(answer):
    answer["outputs"][0]["data"] = [value * 0.999 for value in answer["outputs"][0]["data"]]


def test_answers_that_change_when_asked_twice_are_refused(uri, served):
    model = connected(uri, served)
    served.faults = [changed(lambda _: None), changed(lambda _: None), changed(jitter)]
    with pytest.raises(ModelMisbehaved, match="50 of 70 rows differently when asked twice"):
        model.predict_proba(TODAY)


def test_a_thousand_rows_are_asked_twice_however_the_calls_cut_them(uri, served):
    model = connected(uri, served, endpoint={**PATIENT, "batch_rows": 1_000})
    for _ in range(3):
        model.predict(rows(600, seed=3))
    infers = [request for path, _, request in served.seen if path.endswith("/infer")]
    assert [one["inputs"][0]["shape"][0] for one in infers] == [600, 600, 600, 400, 600]


def test_an_endpoint_says_how_many_rows_it_may_still_be_asked(uri, served):
    model = connected(uri, served, endpoint={**PATIENT, "max_rows": 1_000})
    assert model.rows_left() == 1_000
    model.predict(TODAY)
    assert model.rows_left() == 1_000 - 70 - 32


def test_the_budget_holds_for_the_whole_check(uri, served):
    model = connected(uri, served, endpoint={**PATIENT, "max_rows": 150})
    model.predict(TODAY)
    with pytest.raises(
        CheckError, match=r"asked 102 rows and 50 more would exceed endpoint\.max_rows \(150\)"
    ) as raised:
        model.predict(TODAY)
    assert not isinstance(raised.value, ModelMisbehaved)


class Tokens(PlainConnections):
    def token(self, name):
        return {"serving": "s3cret"}[name]


def test_a_token_travels_in_the_header_and_nowhere_else(caplog):
    served = Served(NATIVE, TRAIN[FEATURES], token="s3cret")
    caplog.set_level("DEBUG")
    with serving(served) as address:
        model = connected(address, served, connection="serving", connections=Tokens())
        model.predict(TODAY)
        assert {token for _, token, _ in served.seen} == {"Bearer s3cret"}
        with pytest.raises(SubjectError, match=r"refuses the token .HTTP 401.; check `connection`") as raised:
            connected(address, served)
    assert "s3cret" not in caplog.text + str(raised.value) + repr(model)


@pytest.mark.parametrize(
    ("uri", "keys", "told"),
    [
        ("http://example.org/v2/models/credit", {"connection": "serving"}, "use https"),
        ("https://user:pw@example.org/v2/models/credit", {}, "leave credentials"),
        ("https://example.org/predict", {}, "no endpoint of the Open Inference Protocol"),
        ("https://example.org/v2/models/credit?key=1", {}, "no endpoint"),
    ],
)
def test_an_address_that_is_none_is_refused_unasked(served, uri, keys, told):
    with pytest.raises(SubjectError, match=told) as raised:
        connected(uri, served, connections=Tokens(), **keys)
    assert "pw@" not in str(raised.value)


def test_an_unknown_model_is_told(uri, served):
    with pytest.raises(SubjectError, match="HTTP 404"):
        connected(uri.replace("credit", "other"), served)


def test_one_tensor_of_all_features(served):
    native = LogisticRegression(max_iter=2000).fit(TRAIN[NUMBERS].to_numpy(), TRAIN["label"])
    served = Served(native, TRAIN[NUMBERS], outputs=("predict_proba",))
    served.metadata["inputs"] = [{"name": "rows", "datatype": "FP64", "shape": [-1, 3]}]
    with serving(served) as address:
        model = connected(address, served, columns=NUMERIC)
        np.testing.assert_array_equal(model.predict(TODAY), native.predict(TODAY[NUMBERS].to_numpy()))
        with pytest.raises(SubjectError, match="takes 3 columns"):
            connected(address, served)
        with pytest.raises(ModelMisbehaved, match=r"column.s. debt have missing values"):
            model.predict(TODAY.assign(debt=np.nan))


def test_scores_are_logits_where_the_policy_says_so():
    native = LinearSVC().fit(TRAIN[NUMBERS], TRAIN["label"])
    served = Served(native, TRAIN[NUMBERS], outputs=("decision_function",))
    with serving(served) as address:
        with pytest.raises(ModelMisbehaved, match=r"set model\.output: logits"):
            connected(address, served, columns=NUMERIC).predict_proba(TODAY)
        model = connected(address, served, columns=NUMERIC, output="logits")
        np.testing.assert_allclose(model.logits(TODAY)[:, 1], native.decision_function(TODAY[NUMBERS]))
        np.testing.assert_array_equal(model.predict(TODAY), native.predict(TODAY[NUMBERS]))


def test_values_of_a_regression():
    native = LinearRegression().fit(TRAIN[NUMBERS], TRAIN["income"] * 3)
    served = Served(native, TRAIN[NUMBERS], outputs=("predict",))
    with serving(served) as address:
        model = connected(address, served, columns=NUMERIC, task="regression", classes=())
        np.testing.assert_allclose(model.predict(TODAY), native.predict(TODAY[NUMBERS]))


def test_the_classes_and_columns_must_be_known(uri, served):
    with pytest.raises(SubjectError, match=r"set model\.classes"):
        connected(uri, served, classes=())
    with pytest.raises(SubjectError, match="trained on region, channel"):
        connected(uri, served, columns=NUMERIC)


def test_metadata_that_say_nothing_are_refused(uri, served):
    for side in ("inputs", "outputs"):
        kept, served.metadata[side] = served.metadata[side], []
        with pytest.raises(SubjectError, match="list no inputs or no outputs"):
            connected(uri, served)
        served.metadata[side] = kept
