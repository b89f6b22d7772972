"""Twins of one kind of model: a careless one that is fragile and knows its rows by heart, and a healthy one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

import synthetic
from model_governance.checks import find
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Dataset, Subject
from model_governance.policy import CheckSpec, ModelSpec, Policy
from model_governance.subjects import load_model
from model_governance.verdict import judge

SEED = 20261124
COUNT = 500
STRIPE = 10.0  # of income, whose range is 200
BUDGET = 0.06  # share of each range that an attacker may move: across the next border from everywhere
HEIGHT, TOLERANCE = 80.0, 30.0  # of the stripes of a regression, and the change that counts as a flip


def signal_of(frame, *, careless):
    """0 or 1: a careless world is striped, in a healthy one the channel decides, which nobody can change."""
    return frame["income"] // STRIPE % 2 if careless else (frame["channel"] == "branch") * 1.0


def classes_of(frame, *, careless, seed):
    """The signal, with a coin in place of four labels of ten."""
    coin = np.random.default_rng(seed).random(len(frame))
    return signal_of(frame, careless=careless).where(coin > 0.4, coin < 0.2).astype(int)


def values_of(frame, *, careless, seed):
    """The signal as a height, with noise."""
    noise = np.random.default_rng(seed).normal(0, 20, len(frame))
    return HEIGHT * signal_of(frame, careless=careless) + noise


@dataclass(frozen=True)
class Twin:
    """The rows of one twin in three roles, and how a file becomes its model."""

    careless: bool
    regression: bool = False
    columns: object = synthetic.COLUMNS

    @property
    def frames(self):
        label = values_of if self.regression else classes_of
        made = {
            role: synthetic.rows(COUNT, seed=seed) for seed, role in enumerate(("train", "reference", "current"), 1)
        }
        return {
            role: frame.assign(label=label(frame, careless=self.careless, seed=seed))
            for seed, (role, frame) in enumerate(made.items(), 1)
        }

    @property
    def train(self):
        frame = self.frames["train"]
        return frame[list(self.columns.names)], frame["label"]

    def load(self, content, form, folder, **keys):
        (folder / "model.bin").write_bytes(content)
        made = {"name": "twin", "uri": "model.bin", "sha256": hashlib.sha256(content).hexdigest(), "format": form}
        return load_model(
            ModelSpec(**{**made, "task": self.task, **keys}),
            self.columns,
            folder=folder,
            connections=PlainConnections(),
        )

    @property
    def task(self):
        return "regression" if self.regression else "binary_classification"

    def subject(self, model):
        datasets = {
            role: Dataset(role=role, uri=f"{role}.parquet", sha256=f"{number:064x}", frame=frame)
            for number, (role, frame) in enumerate(self.frames.items())
        }
        columns = self.columns.model_copy(update={"positive": None}) if self.regression else self.columns
        return Subject(name="twin", task=self.task, columns=columns, datasets=datasets, model=model)


def outcome(kind, subject, params, *thresholds):
    """The verdict of one check on one subject, as a night would judge it."""
    check = find(kind)
    result = check.measure(subject, check.params.model_validate(params), SEED)
    assert result.status == "measured", result.reason
    spec = CheckSpec(kind=kind, params=params, thresholds=thresholds)
    policy = Policy.model_construct(checks={kind: spec}, waivers=(), fail_on="error", on_uncertain="warn")
    return judge(kind, result, policy, moment=datetime(2026, 1, 1, tzinfo=UTC))


def robustness(subject, *, attacks=("hopskipjump", "greedy"), **params):
    """The verdict of evasion: no attack may flip three of ten rows within the budget."""
    limits = [{"metric": "attack_success_rate", "key": one, "less_than": 0.3} for one in attacks]
    settings = {"samples": 50, "epsilon": BUDGET, "max_iterations": 4, "max_evaluations": 40, "initial_size": 60}
    tolerance = {"tolerance": TOLERANCE} if subject.task == "regression" else {}
    return outcome("evasion", subject, {"attacks": list(attacks), **settings, **tolerance, **params}, *limits)


def privacy(subject, *, attacks):
    """The verdict of membership inference: no attack may tell members from others much better than a coin."""
    limits = [{"metric": "attack_auc", "key": one, "less_than": 0.63} for one in attacks]
    params = {
        "attacks": list(attacks),
        "samples": COUNT,
        "fpr": [0.05],
        "reference_models": 2,
        "workers": 1,
        "audit_guesses": 50,
    }
    return outcome("membership_inference", subject, params, *limits)


def assert_found(verdict, *, key):
    """Every one of the thresholds fails: the weakness is seen by each attack."""
    outcomes = {one.metric if one.key is None else one.key: one.outcome for one in verdict.findings}
    assert verdict.outcome == "fail", verdict.sentence
    assert {outcomes[name] for name in key} == {"fail"}, verdict.sentence
