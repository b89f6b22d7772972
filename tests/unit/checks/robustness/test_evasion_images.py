"""Evasion of images: a linear model on pixels, whose smallest flips are known, attacked as a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from model_governance.checks.robustness.evasion import CHECK
from model_governance.contract.subject import Columns, Dataset, Model, Subject
from model_governance.contract.threat_model import ThreatModel
from model_governance.errors import CheckError

ROWS = 12
SIZE = 48
WEIGHTS = np.random.default_rng(3).normal(0.0, 1.0, SIZE)
EPSILON = 0.012


def margins(frame: pd.DataFrame, scale: float = 1.0) -> np.ndarray:
    # Row by row: a matrix product rounds by the number of rows.
    return (frame.to_numpy(dtype=float) / scale * WEIGHTS).sum(axis=1) - 0.5 * WEIGHTS.sum()


def images(*, shape=(3, 4, 4), scale: float = 1.0, dtype="float64", **image) -> Subject:
    """Pixels away from the ends of the range, a linear model and the gradients that a loader would give."""
    values = np.random.default_rng(5).uniform(0.3, 0.7, (ROWS, SIZE)) * scale
    names = [f"p{place}" for place in range(SIZE)]
    frame = pd.DataFrame(np.rint(values) if dtype == "uint8" else values, columns=names).astype(dtype)
    model = Model(
        name="linear", format="torchscript", sha256="0" * 64, task="binary_classification", native=None, classes=(0, 1),
        call=lambda rows: (margins(rows, scale) > 0).astype(int),
        call_logits=lambda rows: np.stack([np.zeros(len(rows)), margins(rows, scale)], axis=1),
        call_gradient=lambda rows, weights: weights[:, 1:] * WEIGHTS / scale,
    )  # fmt: skip
    columns = Columns.model_validate({
        "features": {name: {"kind": "numeric"} for name in names}, "image": {"shape": shape, "range": [0, scale], **image},
        "target": "y",
    })  # fmt: skip
    data = {"current": Dataset(role="current", uri="c", sha256="c", frame=frame.assign(y=model.predict(frame)))}
    return Subject(name="linear", task="binary_classification", columns=columns, datasets=data, model=model)


def scores_only(subject: Subject) -> Subject:
    """The same model behind probabilities, without gradients."""

    def probabilities(rows: pd.DataFrame) -> np.ndarray:
        positive = 1 / (1 + np.exp(-margins(rows)))
        return np.stack([1 - positive, positive], axis=1)

    model = replace(subject.model, format="onnx", call_logits=None, call_gradient=None, call_proba=probabilities)
    return replace(subject, model=model)


def measure(subject: Subject, **params):
    return CHECK.measure(subject, CHECK.params(**{"samples": ROWS, "epsilon": EPSILON, **params}), 1)


def reachable(subject: Subject, *, epsilon: float = EPSILON, dual: float | None = None) -> float:
    """The share of rows whose smallest flip is within the budget."""
    distances = np.abs(margins(subject.features("current"), subject.columns.image.range[1]))
    return float((distances / (np.abs(WEIGHTS).sum() if dual is None else dual) < epsilon).mean())


def success(result) -> float:
    return result.metric("attack_success_rate", key="all").value


@pytest.mark.parametrize(
    ("shape", "attacks", "ran"),
    [
        ((8, 2, 3), None, "autoattack"),
        ((3, 4, 4), ["apgd"], "apgd"),
        ((8, 2, 3), ["fab"], "fab"),
        ((6, 8), ["apgd"], "apgd"),
    ],
)
def test_exactly_the_images_that_can_be_flipped_are_flipped_by_the_default_too(shape, attacks, ran):
    subject = images(shape=shape)
    result = measure(subject, attacks=attacks)
    assert 0.2 < success(result) < 0.9
    assert success(result) == pytest.approx(reachable(subject), abs=1 / ROWS)
    assert {metric.key for metric in result.metrics if metric.name == "attack_success_rate"} == {ran, "all"}
    assert result.metric("valid_share").value == 1.0


def test_in_l2_the_distance_of_an_image_is_that_of_all_pixels_together():
    subject, norm = images(), float(np.linalg.norm(WEIGHTS))
    epsilon = float(np.median(np.abs(margins(subject.features("current"))) / norm))
    assert success(measure(subject, attacks=["apgd"], norm="l2", epsilon=epsilon)) == pytest.approx(0.5, abs=1 / ROWS)


def test_a_model_with_probabilities_only_is_attacked_by_square_and_one_with_labels_by_hopskipjump():
    by_scores = measure(scores_only(images()))
    assert by_scores.metric("attack_success_rate", key="square").value == pytest.approx(
        reachable(images()), abs=2 / ROWS
    )
    assert any(
        "the autoattack attack was not run: the model (onnx) offers no gradients" in note for note in by_scores.notes
    )
    labels = replace(images().model, call_logits=None, call_gradient=None)
    by_labels = measure(replace(images(), model=labels))
    assert by_labels.metric("median_distance", key="hopskipjump").value is not None
    assert by_labels.metric("valid_share").value == 1.0


def test_pixels_of_whole_numbers_stay_whole_and_inside_their_range():
    subject = images(scale=255, dtype="uint8")
    asked: list[pd.DataFrame] = []
    model = subject.model

    def call_logits(rows: pd.DataFrame) -> np.ndarray:
        asked.append(rows)
        return model.call_logits(rows)

    result = measure(replace(subject, model=replace(model, call_logits=call_logits)), attacks=["apgd"])
    assert success(result) == pytest.approx(reachable(subject), abs=2 / ROWS)
    assert result.metric("valid_share").value == 1.0
    assert all((rows.dtypes == np.uint8).all() for rows in asked)


def test_blocks_of_square_are_squares_of_the_picture_whichever_side_holds_the_channels(monkeypatch):
    from model_governance.checks.robustness.evasion import autoattack

    shapes = []
    monkeypatch.setattr(autoattack, "auto_attack", lambda *_, shape, **__: shapes.append(shape))
    for shape in [(3, 4, 4), (8, 2, 3), (6, 8)]:
        measure(images(shape=shape), attacks=["square"])
    assert shapes == [(3, 4, 4), (3, 8, 2), (1, 6, 8)]


def test_the_report_speaks_of_images_and_never_of_single_pixels():
    result = measure(images(), attacks=["apgd"])
    tables = {table.name: table for table in result.tables}
    (line,) = tables["threat_model"].rows
    assert line[:5] == ("4 x 4 pixels in 3 channels", "image", "yes", 0.0, 1.0)
    assert "changed_features" not in tables
    assert "values of pixels changed by at most" in tables["cheapest_changes"].rows[0][0]
    assert len(tables["cheapest_changes"].rows) > 1
    assert not any("p17" in text for text in (*result.notes, *result.highlights))


def picture(result) -> str:
    return next(one.content.decode() for one in result.artifacts if one.name == "smallest_flips.svg")


def test_pictures_show_the_change_alone_unless_the_pixels_are_disclosed():
    subject = images()
    hidden = picture(measure(subject, attacks=["apgd"]))
    shown = picture(measure(replace(subject, disclose=subject.columns.names), attacks=["apgd"]))
    pictures = min(6, round(reachable(subject) * ROWS))
    assert hidden.count("<image") == pictures
    assert shown.count("<image") == 3 * pictures
    assert "change" in hidden
    assert "before" not in hidden
    assert picture(measure(subject, attacks=["apgd"])) == hidden


def test_a_robust_model_has_no_pictures_and_no_flips():
    result = measure(images(), attacks=["fab"], epsilon=1e-5)
    assert success(result) == 0.0
    assert [one.name for one in result.artifacts] == ["robustness_curve.svg"]


def test_images_with_a_pixel_that_stays_are_attacked_as_rows_of_numbers():
    subject = replace(images(), threat_model=ThreatModel(features={"p7": {"mutable": False}}))
    result = measure(subject, attacks=["apgd"])
    assert result.metric("valid_share").value == 1.0
    rows = {row[0]: row for row in next(table for table in result.tables if table.name == "threat_model").rows}
    assert rows["p7"][2] == "no"


def test_pixels_outside_the_stated_range_are_an_error_before_anything_is_attacked():
    subject = images(scale=255)
    columns = Columns.model_validate({
        "features": {name: {"kind": "numeric"} for name in subject.columns.names}, "image": {"shape": [3, 4, 4], "range": [0, 1]},
        "target": "y",
    })  # fmt: skip
    with pytest.raises(CheckError, match=r"12 of 12 images hold pixels .* outside columns.image.range"):
        measure(replace(subject, columns=columns))
