"""Acceptance cases of `policy init`: which columns, which metrics, which label, and that the draft runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from model_governance.checks import catalogue
from model_governance.cli import main
from model_governance.policy import Policy, load_policy


@dataclass(frozen=True)
class Draft:
    """What `policy init` wrote: the text, and the policy that it is."""

    text: str
    policy: Policy

    def comment_on(self, column: str) -> str:
        """The line on a column that was left out."""
        return next((line for line in self.text.splitlines() if f"# left out: {column} (" in line), "")

    def metrics(self, check: str) -> set[str]:
        return {threshold.metric for threshold in self.policy.checks[check].thresholds}


@pytest.fixture
def init(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def draft(model, reference: pd.DataFrame, *more: str) -> Draft:
        Path("model.skops").write_bytes(skops.io.dumps(model))
        reference.to_parquet("reference.parquet", index=False)
        Path("draft.yaml").unlink(missing_ok=True)
        arguments = ["--model", "model.skops", "--reference", "reference.parquet", "--output", "draft.yaml", *more]
        assert main(["policy", "init", *arguments]) == 0
        assert main(["policy", "lint", "draft.yaml"]) == 0
        return Draft(Path("draft.yaml").read_text(), load_policy("draft.yaml", catalogue()))

    return draft


def sessions(count: int = 600, *, seed: int = 1) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "session_id": [f"s{number // 3}" for number in range(count)],
            "hour": draw.integers(0, 24, count),
            "amount": draw.choice([500, 1000, 2000, 2500, 5000, 7500, 10_000, 20_000, 50_000], count),
            "visits": draw.poisson(5, count).clip(0, 15),
            "plan": draw.choice(["basic", "plus"], count),
            "seen_at": pd.date_range("2026-01-01", periods=count, freq="h"),
            "source": "web",
        }
    )
    score = frame["visits"] - 5 + 2 * (frame["plan"] == "plus") + draw.logistic(0, 1, count)
    frame["outcome"] = np.where(score > 1, "good", "bad")
    frame["rating"] = np.where(frame["outcome"] == "good", draw.integers(4, 6, count), draw.integers(1, 4, count))
    return frame


def classifier(rows: pd.DataFrame):
    prepare = make_column_transformer((StandardScaler(), ["visits", "amount"]), (OneHotEncoder(), ["plan"]))
    return make_pipeline(prepare, LogisticRegression()).fit(rows[["plan", "visits", "amount"]], rows["outcome"])


def test_only_what_the_model_knows_is_a_feature_and_everything_else_has_a_reason(init):
    """P1: features are the model's own, in its order; key, moment, constant, label twin and the rest are left out."""
    rows = sessions()
    draft = init(classifier(rows), rows, "--target", "outcome")
    assert draft.policy.columns.names == ("plan", "visits", "amount")
    assert "named like a key" in draft.comment_on("session_id")
    assert "the model does not know it" in draft.comment_on("hour")
    assert "label twin" in draft.comment_on("rating")
    assert "moment" in draft.comment_on("seen_at")
    assert "constant" in draft.comment_on("source")


def test_a_run_of_the_draft_measures_every_check_and_is_green_on_rows_like_the_reference(init, capsys):
    """P1: the first run has no check that could not measure. P9: the draft says where evidence goes."""
    init(classifier(sessions()), sessions(), "--target", "outcome")
    Path("runs").mkdir()
    sessions(seed=2).to_parquet("runs/2026-03-01.parquet", index=False)
    chosen = [f"--check={name}" for name in ("data_validation", "model_quality", "performance_estimation", "fairness")]
    assert main(["run", "draft.yaml", "--date", "2026-03-01", *chosen]) == 0, capsys.readouterr().out
    assert Path("archive").is_dir()


def test_a_file_that_is_not_opened_leaves_the_same_columns_out_and_says_so(init, tmp_path):
    """P1: a joblib file is not loaded without an opt-in, so keys, moments, constants and twins are told by their values."""
    rows = sessions()
    rows.to_parquet("reference.parquet", index=False)
    Path("model.joblib").write_bytes(b"never opened")
    arguments = ["--model", "model.joblib", "--reference", "reference.parquet", "--target", "outcome"]
    assert main(["policy", "init", *arguments, "--output", "draft.yaml"]) == 0
    text = Path("draft.yaml").read_text()
    for column in ("session_id", "rating", "seen_at", "source"):
        assert f"# left out: {column} (" in text
    for column in ("hour", "amount", "visits", "plan"):
        assert f"\n    {column}: {{kind:" in text
    assert "TODO: the model's own names were not read" in text.replace("\n  # ", " ")


def test_a_column_of_the_model_that_the_reference_lacks_is_named(init, capsys):
    """P1: the draft would fail in every run."""
    rows = sessions()
    with pytest.raises(AssertionError):
        init(classifier(rows), rows.drop(columns="visits"), "--target", "outcome")
    assert "the reference lacks visits, on which the model was trained" in capsys.readouterr().err


def test_a_ranking_gets_its_group_its_item_and_the_metrics_of_a_ranking(init):
    """P2: --task ranking."""
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({"query": np.repeat(np.arange(80), 12), "product": np.tile([f"p{k}" for k in range(12)], 80)})
    rows["match"] = draw.normal(size=len(rows))
    rows["relevance"] = (rows["match"] + draw.normal(size=len(rows)) > 1).astype(int)
    model = LinearRegression().fit(rows[["match"]], rows["relevance"])
    draft = init(model, rows, "--target", "relevance", "--task", "ranking")
    assert (draft.policy.columns.group, draft.policy.columns.item) == ("query", "product")
    assert {"ndcg", "hit_rate", "catalogue_coverage"} <= draft.metrics("model_quality")
    assert not {"accuracy", "recall", "balanced_accuracy"} & draft.metrics("model_quality")
    assert draft.policy.checks["model_quality"].params["top_k"] == 6


def test_a_forecast_gets_its_moment_its_series_and_the_metrics_of_a_forecast(init):
    """P2: --task forecasting, with published quantiles."""
    draw = np.random.default_rng(0)
    days = pd.date_range("2025-01-01", periods=120, freq="D")
    rows = pd.concat([pd.DataFrame({"day": days, "store": store, "base": draw.normal(50, 5, 120)}) for store in "abc"])
    rows["sold"] = rows["base"] + draw.normal(0, 1, len(rows))
    rows["q10"], rows["q90"] = rows["base"] - 1.28, rows["base"] + 1.28
    model = LinearRegression().fit(rows[["base"]], rows["sold"])
    draft = init(model, rows, "--target", "sold", "--task", "forecasting")
    assert (draft.policy.columns.time, draft.policy.columns.group) == ("day", "store")
    assert {"mase", "pinball_loss", "interval_coverage"} <= draft.metrics("model_quality")
    assert not {"accuracy", "r2", "recall"} & draft.metrics("model_quality")
    params = draft.policy.checks["model_quality"].params
    assert params == {"season_length": 7, "quantile_columns": {0.1: "q10", 0.9: "q90"}}
    assert "history" in draft.policy.datasets


@pytest.mark.parametrize(("task", "option"), [("ranking", "--group"), ("forecasting", "--time")])
def test_a_role_that_nothing_suggests_is_asked_for(init, capsys, task, option):
    """P2: the draft is refused with the option that names the column."""
    rows = pd.DataFrame({"x": np.linspace(0, 1, 50), "y": np.linspace(1, 2, 50) ** 2})
    with pytest.raises(AssertionError):
        init(LinearRegression().fit(rows[["x"]], rows["y"]), rows, "--target", "y", "--task", task)
    assert f"name it with {option}" in capsys.readouterr().err


def test_a_regression_on_few_whole_numbers_is_no_classification(init):
    """P2: the task is that of the model; a label of few counts gets no accuracy."""
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({"x": draw.normal(size=400)})
    rows["claims"] = draw.poisson(np.exp(rows["x"].clip(-2, 1.5)))
    draft = init(LinearRegression().fit(rows[["x"]], rows["claims"]), rows, "--target", "claims")
    assert draft.policy.model.task == "regression"
    assert {"r2", "rmse"} <= draft.metrics("model_quality")
    assert draft.metrics("fairness") == {"unscored_share"}


def test_a_rare_class_is_judged_by_what_shows_it(init):
    """P2: average precision, recall and the flagged share in the place of accuracy; a threshold is proposed as a remark."""
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({"x": draw.normal(size=4000)})
    rows["fraud"] = (rows["x"] + draw.logistic(0, 0.3, 4000) > 2.2).astype(int)
    draft = init(LogisticRegression().fit(rows[["x"]], rows["fraud"]), rows, "--target", "fraud")
    assert {"average_precision", "recall", "predicted_positive_share"} <= draft.metrics("model_quality")
    assert "accuracy" not in draft.metrics("model_quality")
    assert "# decision_threshold: 0." in draft.text


@pytest.mark.parametrize(
    ("labels", "positive"),
    [(("good", "bad"), "bad"), (("no", "yes"), "yes"), ((0, 1), 1), ((False, True), True), (("alpha", "beta"), "beta")],
)
def test_the_positive_label_is_guessed_with_a_comment(init, labels, positive):
    """P3: by its name, by that of the other, or as the rarer one."""
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({"x": draw.normal(size=300)})
    rows["label"] = [labels[int(value > 0.5)] for value in rows["x"] + draw.normal(size=300)]
    draft = init(LogisticRegression().fit(rows[["x"]], rows["label"]), rows, "--target", "label")
    assert draft.policy.columns.positive == positive
    assert type(draft.policy.columns.positive) is type(positive)
    assert "guessed" in draft.text


def test_the_positive_label_can_be_named(init, capsys):
    """P3: --positive decides, and another word is refused with the labels there are."""
    rows = sessions()
    assert init(classifier(rows), rows, "--target", "outcome", "--positive", "good").policy.columns.positive == "good"
    with pytest.raises(AssertionError):
        init(classifier(rows), rows, "--target", "outcome", "--positive", "great")
    assert "--positive great: is none of the labels" in capsys.readouterr().err


def test_amounts_and_counts_with_few_values_are_numbers(init):
    """P4: nine dollar amounts and sixteen counts are no categories, whether the model says so or nobody does."""
    rows = sessions()
    kinds = {name: feature.kind for name, feature in init(classifier(rows), rows).policy.columns.features.items()}
    assert kinds == {"plan": "category", "visits": "integer", "amount": "integer"}
    unnamed = LinearRegression().fit(rows[["amount", "visits"]].to_numpy(), rows["visits"] * 1.5)
    draft = init(unnamed, rows[["amount", "visits"]].assign(value=rows["visits"] * 1.5), "--task", "regression")
    expectations = draft.policy.checks["data_validation"].params["expectations"]
    assert {feature.kind for feature in draft.policy.columns.features.values()} <= {"integer", "numeric"}
    assert "expect_column_values_to_be_in_set" not in {expectation["type"] for expectation in expectations}


def test_codes_that_the_model_itself_encodes_are_categories(init):
    """P4: the other side; whole numbers behind a one-hot encoder are codes."""
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({"region": draw.integers(1, 10, 400), "income": draw.gamma(4, 10, 400)})
    rows["label"] = (rows["income"] > 40).astype(int)
    prepare = make_column_transformer((OneHotEncoder(), ["region"]), (StandardScaler(), ["income"]))
    model = make_pipeline(prepare, LogisticRegression()).fit(rows[["region", "income"]], rows["label"])
    draft = init(model, rows, "--target", "label")
    assert draft.policy.columns.features["region"].kind == "category"


def test_the_draft_says_where_evidence_goes_and_bounds_what_no_scan_could_read(init):
    """P9: artifacts are written; so are unscanned parts."""
    rows = sessions()
    draft = init(classifier(rows), rows, "--target", "outcome")
    assert draft.policy.artifacts.uri == "archive"
    assert "unscanned_parts" in draft.metrics("artifact_scan")
