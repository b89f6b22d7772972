"""`promotion` and `retraining.train` in a policy: what is refused while it is read, and what lint notes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import project
import retraining_cases as cases
from model_governance.authoring.lint import lint
from model_governance.checks import catalogue
from model_governance.errors import PolicyError

TRAIN = {"callable": "loans.training:train"}
WINDOW = {"uri": "window-{{ ds }}.parquet"}


@pytest.fixture
def made(tmp_path):
    return project.small_project(tmp_path, checks=cases.CHECKS)


def test_a_sound_block_is_read(made):
    policy = made.change(promotion={"margins": cases.MARGINS}, retraining={"train": TRAIN, "window": WINDOW}).policy()
    assert policy.promotion.approve == "auto"
    assert policy.retraining.max_without_gain == 3
    version = policy.with_version(policy.model, {"train": policy.retraining.window})
    assert (version.file_sha256, version.datasets["train"].uri) == (policy.sha256, WINDOW["uri"])


@pytest.mark.parametrize(
    ("promotion", "said"),
    [
        ({"margins": {}}, "promotion.margins"),
        ({"margins": {"quality": {}}}, "no metric"),
        ({"margins": {"qualty": {"accuracy": 0.1}}}, "did you mean 'quality'"),
        ({"margins": {"quality": {"acuracy": 0.1}}}, "did you mean 'accuracy'"),
        ({"margins": {"quality": {"prevalence": 0.1}}}, "no better direction"),
        ({"margins": {"quality": {"accuracy[a]": 0.1}}}, "is one number"),
        ({"margins": {"quality": {"accuracy": -0.1}}}, "greater than or equal to 0"),
        ({"margins": {"quality": {"accuracy": 0.1}}, "require": ["privcy"]}, "did you mean 'privacy'"),
        ({"margins": {"quality": {"accuracy": 0.1}}, "approve": "perhaps"}, "promotion.approve"),
    ],
)
def test_margins_name_checks_and_metrics_that_there_are(made, promotion, said):
    with pytest.raises(PolicyError, match=said):
        made.change(promotion=promotion).policy()


@pytest.mark.parametrize(
    ("retraining", "said"),
    [
        ({"train": TRAIN}, "train needs window"),
        ({"train": {}, "window": WINDOW}, "exactly one of callable"),
        ({"train": {**TRAIN, "dag": "other"}, "window": WINDOW}, "exactly one of callable"),
        ({"train": {**TRAIN, "task": "fit"}, "window": WINDOW}, "task names a task of dag"),
        ({"train": {"callable": "loans.train"}, "window": WINDOW}, "callable"),
        ({"train": TRAIN, "window": {"uri": "{{ run_id_of_nobody }}"}}, "retraining.window.uri"),
    ],
)
def test_an_entry_point_is_a_function_or_a_dag_and_has_rows(made, retraining, said):
    with pytest.raises(PolicyError, match=said):
        made.change(promotion={"margins": cases.MARGINS}, retraining=retraining).policy()


def test_training_without_a_decision_is_refused(made):
    with pytest.raises(PolicyError, match="needs promotion"):
        made.change(retraining={"train": TRAIN, "window": WINDOW}).policy()


def test_lint_notes_what_a_challenger_is_not_asked(made):
    checks = {name: spec for name, spec in cases.CHECKS.items() if name != "window"}
    made.change(
        checks=checks,
        promotion={"margins": {"quality": {"accuracy": 0.1}}},
        retraining={"train": TRAIN, "window": WINDOW},
    )
    notes = lint(made.policy_file, catalogue(), moment=datetime.now(UTC)).notes
    assert [note.split(":")[0] for note in notes] == ["promotion.margins", "promotion.margins", "retraining.window"]
    assert "no margin for privacy" in notes[0]
