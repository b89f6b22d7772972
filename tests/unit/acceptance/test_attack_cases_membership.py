"""Cases of membership inference that decided by a weaker attack than it could run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression

from model_governance.checks.privacy.membership_inference import CHECK
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

NAMES = list("abcdefgh")
ROWS = 1_000


def rows(seed):
    """Features that say a little of the label: what a deep model knows beyond that are the rows themselves."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(draw.normal(size=(ROWS, len(NAMES))), columns=NAMES)
    return frame.assign(label=(frame["a"] + frame["b"] + draw.normal(0, 2.5, ROWS) > 0).astype(int))


@dataclass(frozen=True)
class Recipe:
    make: object

    def train(self, frame, labels, seed):
        native = self.make(seed).fit(frame[NAMES], labels)
        return Model(
            name="loans", format="lightgbm", sha256="7" * 64, native=native, classes=(0, 1), task="binary_classification",
            call=lambda frame: native.predict(frame[NAMES]), call_proba=lambda frame: native.predict_proba(frame[NAMES]),
            train=self.train,
        )  # fmt: skip


def overfitted(seed):
    return LGBMClassifier(
        n_estimators=60, num_leaves=63, min_child_samples=2, random_state=seed, n_jobs=1, verbose=-1, deterministic=True
    )


def careful(seed):
    return LogisticRegression(C=0.01, random_state=seed)


def measured(make, *, seed=1, **params):
    frames = {"train": rows(seed), "reference": rows(seed + 100)}
    model = Recipe(make).train(frames["train"], frames["train"]["label"], 7)
    subject = Subject(
        name="loans", task=model.task, model=model,
        columns=Columns(features={name: Feature(kind="numeric") for name in NAMES}, target="label"),
        datasets={role: Dataset(role=role, uri=role, sha256=role, frame=frame) for role, frame in frames.items()},
    )  # fmt: skip
    return CHECK.measure(subject, CHECK.params.model_validate({"fpr": [0.05], "workers": 1} | params), 1)


@pytest.fixture(scope="module")
def of_four_copies():
    return measured(overfitted)


def deciding(result):
    """The attack that the bound on memorisation is computed from."""
    return next(one.key for one in result.metrics if one.name == "memorisation_lower_bound")


def test_t12_the_ensemble_of_the_copies_decides(of_four_copies):
    assert deciding(of_four_copies) == "ensemble"
    assert any(note.startswith("ensemble decides") for note in of_four_copies.notes)
    for metric, key in (("attack_auc", "{}"), ("tpr_at_fpr", "{}@0.05")):
        strong, weak = (of_four_copies.metric(metric, key=key.format(one)).value for one in ("ensemble", "rmia"))
        assert strong > weak + 0.02, metric


@pytest.mark.parametrize(("copies", "decides"), [(2, "rmia"), (3, "ensemble")])
def test_t12_the_choice_is_made_by_what_can_run_and_not_by_scores(copies, decides):
    result = measured(careful, reference_models=copies)
    assert deciding(result) == decides
    assert result.metric("attack_auc", key=decides).low < 0.55


def test_t12_a_policy_that_names_its_attacks_decides_by_the_first():
    assert deciding(measured(careful, attacks=["loss", "rmia", "ensemble"])) == "loss"
