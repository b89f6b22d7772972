"""Cases of models behind an endpoint: answers that change, and a bound on the rows that may be asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import synthetic
from inference_server import Served, metadata_digest, serving
from model_governance.checks import find
from model_governance.contract.connections import PlainConnections
from model_governance.errors import ModelMisbehaved
from model_governance.policy import ModelSpec
from model_governance.subjects import load_model

ROWS = 600


class Flipping:
    """A classifier whose labels, and the probabilities of both classes, change places in one of 200 answers."""

    def __init__(self, model, share):
        self.model, self.share, self.draw = model, share, np.random.default_rng(1)
        self.feature_names_in_ = model.feature_names_in_

    def predict(self, frame):
        labels = self.model.predict(frame)
        return np.where(self.draw.random(len(labels)) < self.share, 1 - labels, labels)

    def predict_proba(self, frame):
        answers = self.model.predict_proba(frame)
        turned = self.draw.random(len(answers)) < self.share
        return np.where(turned[:, None], answers[:, ::-1], answers)


@pytest.fixture
def behind_endpoint():
    """The subject with its model behind a real server: as it is, or with a share of answers turned."""
    opened = []

    def build(*, share=0.0, **endpoint):
        subject = synthetic.subject(ROWS)
        features = list(subject.columns.features)
        native = synthetic.pipeline(synthetic.rows(ROWS, seed=1))
        served = Served(Flipping(native, share) if share else native, subject.frame("current")[features])
        opened.append(serving(served))
        uri = opened[-1].__enter__()
        spec = ModelSpec(
            name="credit", uri=uri, sha256=metadata_digest(served.metadata), format="http", classes=(0, 1),
            task="binary_classification", endpoint={"batch_rows": 1_000} | endpoint,
        )  # fmt: skip
        model = load_model(spec, subject.columns, folder=None, connections=PlainConnections())
        return replace(subject, model=model)

    yield build
    for server in opened:
        server.__exit__(None, None, None)


def measure(subject, kind, **params):
    check = find(kind)
    return check.measure(subject, check.params.model_validate(params), 1)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("evasion", {"samples": 100}),
        ("membership_inference", {"attacks": ["loss"], "fpr": [0.1]}),
        ("corruption", {"samples": 500}),
        ("model_extraction", {}),
        ("model_quality", {}),
    ],
)
def test_t13_every_check_notices_answers_that_change(behind_endpoint, kind, params):
    with pytest.raises(ModelMisbehaved, match="when asked twice"):
        measure(behind_endpoint(share=0.005), kind, **params)


def test_t13_answers_that_repeat_are_measured(behind_endpoint):
    result = measure(behind_endpoint(), "membership_inference", attacks=["loss"], fpr=[0.1])
    assert result.metric("attack_auc", key="loss").value is not None


def test_t11_the_rows_of_an_endpoint_are_divided_among_the_attacks_before_the_first_question(behind_endpoint):
    subject = behind_endpoint(max_rows=12_000)
    result = measure(subject, "evasion", samples=60)
    attacks = {one.key for one in result.metrics if one.name == "queries_per_row"}
    assert attacks == {"hopskipjump", "greedy"}
    assert result.metric("attack_success_rate", key="all").n > 40
    assert 0 <= subject.model.rows_left() < 12_000
    budgets = {row[0]: row[4] for row in next(one for one in result.tables if one.name == "attack_schedule").rows}
    assert 0 < sum(budgets.values()) <= 0.9 * 12_000
    assert len(set(budgets.values())) == 1


def test_t11_the_default_bound_gives_an_answer_with_numeric_columns_that_move(behind_endpoint):
    subject = behind_endpoint()
    result = measure(subject, "evasion", samples=200)
    assert result.metric("attack_success_rate", key="all").value is not None
    assert subject.model.rows_left() >= 0
