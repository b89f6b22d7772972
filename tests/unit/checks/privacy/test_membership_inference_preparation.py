"""Reference models that mapped tasks train before the check measures: the same result, to the byte, and nothing taken on trust."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

from membership_cases import audited, careful, fits, measure, rows, the_run_after
from model_governance.checks.privacy.membership_inference import CHECK, figures
from model_governance.checks.privacy.membership_inference.answer_cache import FILE
from model_governance.contract.result import Artifact, canonical_json
from model_governance.errors import CheckError

MODELS = 16
PARAMS = {"fpr": [0.05], "audit_guesses": 100, "attacks": ["rmia", "lira"], "reference_models": MODELS}


@pytest.fixture(scope="module", autouse=True)
def no_pictures():
    blank = Artifact(name="blank.svg", media_type="image/svg+xml", content=b"", title="blank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "roc_figure", lambda *_: blank)
        patch.setattr(figures, "confidence_figure", lambda *_: blank)
        yield


@pytest.fixture(scope="module")
def in_one_process(no_pictures):
    """The result of the check alone, and its bytes."""
    subject = audited()
    result = measure(subject, **PARAMS)
    assert fits(subject) == MODELS
    return result, as_bytes(result)


def as_bytes(result) -> bytes:
    return canonical_json(result.record()) + b"".join(artifact.content for artifact in result.artifacts)


def shares_of(subject, *, shares: int = 4, **changes) -> tuple[Artifact, ...]:
    """What so many mapped tasks would store, each with the subject of its own process."""
    params = CHECK.params(**PARAMS | changes)
    found = [CHECK.preparation.prepare(subject, params, range(share, MODELS, shares)) for share in range(shares)]
    return tuple(artifact for artifact in found if artifact is not None)


@pytest.mark.parametrize("shares", [2, 5, 16])
def test_shared_training_gives_the_same_bytes_as_one_process(in_one_process, shares):
    prepared = shares_of(audited(), shares=shares)
    subject = replace(audited(), prepared=prepared[::-1])

    assert len(prepared) == shares
    assert as_bytes(measure(subject, **PARAMS)) == in_one_process[1]
    assert fits(subject) == 0


def test_what_is_missing_is_trained_by_the_check(in_one_process):
    subject = replace(audited(), prepared=shares_of(audited())[1:])

    assert as_bytes(measure(subject, **PARAMS)) == in_one_process[1]
    assert fits(subject) == MODELS / 4


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(lambda: shares_of(audited(), sampling_seed=1), id="another seed"),
        pytest.param(lambda: shares_of(audited(), samples=250), id="other parameters"),
        pytest.param(lambda: shares_of(audited(train=301)), id="other rows"),
        pytest.param(lambda: shares_of(of_another_model()), id="another model"),
    ],
)
def test_answers_of_other_inputs_are_never_taken(in_one_process, other):
    prepared = other()
    subject = replace(audited(), prepared=prepared)

    assert len(prepared) == 4
    assert as_bytes(measure(subject, **PARAMS)) == in_one_process[1]
    assert fits(subject) == MODELS


def of_another_model():
    subject = audited(careful)
    return replace(subject, model=replace(subject.require_model(), sha256="6" * 64))


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut short"])
def test_what_cannot_be_read_is_trained_again(in_one_process, content):
    broken = Artifact(name="reference_answers_0.npz", media_type="application/octet-stream", content=content)
    subject = replace(audited(), prepared=(broken, *shares_of(audited())[1:]))

    assert as_bytes(measure(subject, **PARAMS)) == in_one_process[1]
    assert fits(subject) == MODELS / 4


@pytest.mark.parametrize("change", [lambda row: row[:-1], lambda row: row.astype("<f4"), lambda row: row * np.nan])
def test_answers_of_the_wrong_shape_or_type_or_that_are_no_numbers_are_trained_again(in_one_process, change):
    first, *others = shares_of(audited())
    with np.load(io.BytesIO(first.content)) as stored:
        changed = {key: change(stored[key]) for key in stored.files}
    content = io.BytesIO()
    np.savez(content, **changed)
    subject = replace(audited(), prepared=(replace(first, content=content.getvalue()), *others))

    assert as_bytes(measure(subject, **PARAMS)) == in_one_process[1]
    assert fits(subject) == MODELS / 4


def test_a_share_does_not_train_what_an_earlier_run_cached(in_one_process):
    tomorrow = the_run_after(audited(), in_one_process[0])

    assert shares_of(tomorrow) == ()
    assert fits(tomorrow) == 0
    assert [earlier.name for earlier in tomorrow.earlier] == [FILE]


def test_nothing_is_prepared_where_no_attack_that_is_due_uses_reference_models():
    subject = audited()
    params = CHECK.params(**PARAMS | {"attacks": ["loss"]})

    assert CHECK.preparation.prepare(subject, params, range(4)) is None
    assert fits(subject) == 0


def test_a_share_fails_as_the_check_would():
    subject = audited().with_frame("reference", rows(20, seed=1))
    with pytest.raises(CheckError, match="at least 40 rows per group; found train 300, reference 20"):
        shares_of(subject)


def test_a_regressor_is_shared_too():
    from sklearn.tree import DecisionTreeRegressor

    def tree(seed: int) -> DecisionTreeRegressor:
        return DecisionTreeRegressor(random_state=seed)

    alone = measure(audited(tree, values=True), **PARAMS)
    subject = replace(audited(tree, values=True), prepared=shares_of(audited(tree, values=True)))

    assert as_bytes(measure(subject, **PARAMS)) == as_bytes(alone)
    assert fits(subject) == 0
