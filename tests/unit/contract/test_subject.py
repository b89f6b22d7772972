from __future__ import annotations

import traceback
from dataclasses import replace

import numpy as np
import pytest

import synthetic
from model_governance.errors import CheckError, ModelMisbehaved, SubjectError, SubjectUnreachable

FRAME = synthetic.rows(4, seed=1)


def model(*, call=None, proba=None):
    base = synthetic.as_model(synthetic.pipeline(synthetic.rows(seed=1)))
    return replace(base, call=call or base.call, call_proba=proba)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda frame: [1.0, np.nan, 0.0, np.inf], "NaN or infinite values from predict for 2 of 4 rows"),
        (lambda frame: [1, 0], r"shape \(2,\) from predict, expected \(4,\)"),
        (lambda frame: 1 / 0, "raised in predict on 4 rows: ZeroDivisionError"),
    ],
)
def test_a_model_that_misbehaves_is_named_with_what_it_did(answer, message):
    with pytest.raises(ModelMisbehaved, match=message):
        model(call=answer).predict(FRAME)


def test_a_model_without_probabilities_says_what_to_do():
    with pytest.raises(CheckError, match="no class probabilities"):
        model().predict_proba(FRAME)


def test_probabilities_tie_where_only_the_last_bits_differ():
    close = np.array([0.1, np.nextafter(0.1, 1), 0.3, 0.7])
    seen = model(proba=lambda frame: np.column_stack([1 - close, close])).predict_proba(FRAME)[:, 1]
    assert seen[0] == seen[1]
    np.testing.assert_allclose(seen, close, rtol=1e-11)


def test_the_order_of_tiny_probabilities_stays():
    tiny = np.array([1e-300, 2e-300, 1e-15, 0.0])
    seen = model(proba=lambda frame: np.column_stack([1 - tiny, tiny])).predict_proba(FRAME)[:, 1]
    assert list(np.argsort(seen)) == [3, 0, 1, 2]


def test_a_frame_is_a_copy_in_the_order_of_the_policy():
    subject = synthetic.subject(20)
    frame = subject.features("current")
    assert tuple(frame.columns) == synthetic.COLUMNS.names
    frame.iloc[:, 0] = 0
    assert subject.features("current")["income"].any()


def test_missing_labels_are_counted():
    subject = synthetic.subject(20)
    frame = subject.frame("current").astype({"label": float})
    frame.loc[:2, "label"] = np.nan
    with pytest.raises(SubjectError, match="3 of 20 labels"):
        subject.with_frame("current", frame).target("current")


def test_logits_gradients_and_copies_are_checked_like_answers():
    base = model()
    asked = replace(base, call_logits=lambda frame: np.zeros((len(frame), 2)), call_gradient=lambda frame, w: w[:, :1])
    assert asked.logits(FRAME).shape == (4, 2)
    assert asked.gradient(FRAME, np.ones((4, 2))).shape == (4, 1)
    with pytest.raises(ModelMisbehaved, match=r"shape \(4, 3\) from logits, expected \(4, 2\)"):
        replace(base, call_logits=lambda frame: np.zeros((len(frame), 3))).logits(FRAME)
    with pytest.raises(ModelMisbehaved, match=r"from gradient, expected \(4, 'any'\)"):
        replace(base, call_gradient=lambda frame, w: w[:, 0]).gradient(FRAME, np.ones((4, 2)))
    with pytest.raises(CheckError, match="offers no logits"):
        base.logits(FRAME)
    with pytest.raises(CheckError, match="offers no gradients"):
        base.gradient(FRAME, np.ones((4, 2)))
    with pytest.raises(CheckError, match="cannot be retrained"):
        replace(base, train=None).fit(FRAME, FRAME["label"], seed=1)


def test_a_retrained_copy_answers_like_the_recipe_trained_by_hand():
    rows = synthetic.rows(seed=7)
    features = rows[list(synthetic.COLUMNS.names)]
    copy = model().fit(features, rows["label"], seed=3)
    assert np.array_equal(copy.predict(features), synthetic.pipeline(rows).predict(features))


def test_what_a_library_quotes_of_the_rows_stays_out_of_the_message_and_its_causes():
    secret = FRAME.assign(region=["north", "Jane Roe, 4 Elm St", "east", "south"])

    def choke(frame):
        raise ValueError(f"could not convert string to float: {frame['region'].iloc[1]!r} in column 'region'")

    with pytest.raises(ModelMisbehaved) as caught:
        model(call=choke).predict(secret)
    text = "".join(traceback.format_exception(caught.value))
    assert "Jane Roe" not in text
    assert "'(a value of the data)' in column 'region'" in text


def test_errors_of_governance_pass_a_model_as_they_are():
    def unreachable(frame):
        raise SubjectUnreachable("the endpoint does not answer")

    with pytest.raises(SubjectUnreachable):
        model(call=unreachable).predict(FRAME)
