"""Corruption of images: what noise, blur, contrast and JPEG do at each severity, and which models they find out."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Picture

from model_governance.checks.robustness.corruption import CHECK
from model_governance.checks.robustness.corruption.image_corruptions import (
    CONTRASTS,
    DEVIATIONS,
    IMAGE_CORRUPTIONS,
    QUALITIES,
    corrupted_images,
)
from model_governance.contract.subject import Columns, Dataset, Model, Subject
from model_governance.errors import CheckError

ROWS = 60
SHAPE = (8, 8)
GREY = np.random.default_rng(1).uniform(0.2, 0.8, (20, 1, 8, 8))


def spoilt(pictures: np.ndarray, name: str, severity: int) -> np.ndarray:
    return corrupted_images(pictures, name, severity, np.random.default_rng(4))


@pytest.mark.parametrize("name", IMAGE_CORRUPTIONS)
def test_a_higher_severity_is_farther_from_the_clean_picture_and_stays_in_range(name):
    far = [np.abs(spoilt(GREY, name, severity) - GREY).mean() for severity in range(1, 6)]
    assert far == sorted(far)
    assert far[0] > 0
    assert all(
        spoilt(GREY, name, severity).min() >= 0 and spoilt(GREY, name, severity).max() <= 1 for severity in (1, 5)
    )


def test_noise_has_the_stated_deviation_and_one_pattern_for_all_severities():
    middle = np.full((200, 1, 8, 8), 0.5)
    first, last = (spoilt(middle, "gaussian_noise", severity) - 0.5 for severity in (1, 5))
    assert first.std() == pytest.approx(DEVIATIONS[0], rel=0.03)
    assert np.allclose(last, first * DEVIATIONS[4] / DEVIATIONS[0])


def test_blur_spreads_a_point_keeps_its_sum_and_leaves_channels_alone():
    point = np.zeros((1, 3, 9, 9))
    point[0, 1, 4, 4] = 1.0
    blurred = spoilt(point, "gaussian_blur", 5)
    assert blurred[0, 1].sum() == pytest.approx(1.0)
    assert blurred[0, 1, 4, 5] == pytest.approx(blurred[0, 1, 4, 4] * np.exp(-0.5), rel=0.02)
    assert not blurred[0, [0, 2]].any()


def test_contrast_keeps_the_mean_of_each_channel_and_the_stated_share_of_the_rest():
    flat = spoilt(GREY, "contrast", 5)
    means = GREY.mean(axis=(2, 3), keepdims=True)
    assert np.allclose(flat - means, CONTRASTS[4] * (GREY - means))


def test_jpeg_is_what_a_file_of_that_quality_gives_back():
    colours = np.random.default_rng(2).uniform(0, 1, (1, 3, 16, 16))
    sink = BytesIO()
    whole = np.rint(np.moveaxis(colours[0], 0, -1) * 255).astype(np.uint8)
    Picture.fromarray(whole).save(sink, "JPEG", quality=QUALITIES[2])
    expected = np.moveaxis(np.asarray(Picture.open(sink)), -1, 0) / 255
    assert np.array_equal(spoilt(colours, "jpeg_compression", 3)[0], expected)


def images(answers, *, dtype="float64", scale: float = 1.0) -> Subject:
    """Pictures with a bright half, left or right, and a model that says which by its own rule."""
    generator = np.random.default_rng(7)
    sides = np.arange(ROWS) % 2
    pictures = generator.uniform(0.3, 0.5, (ROWS, *SHAPE))
    pictures[sides == 0, :, :4] += 0.3
    pictures[sides == 1, :, 4:] += 0.3
    names = [f"p{place}" for place in range(64)]
    values = pictures.reshape(ROWS, -1) * scale
    frame = pd.DataFrame(np.rint(values) if dtype == "uint8" else values, columns=names).astype(dtype)
    columns = Columns.model_validate({
        "features": {name: {"kind": "numeric"} for name in names}, "image": {"shape": SHAPE, "range": [0, scale]}, "target": "y",
    })  # fmt: skip
    model = Model(
        name="sides", format="onnx", sha256="0" * 64, task="binary_classification", native=None, classes=(0, 1),
        call=lambda rows: answers(rows.to_numpy(dtype=float).reshape(-1, *SHAPE) / scale),
    )  # fmt: skip
    data = {"current": Dataset(role="current", uri="c", sha256="c", frame=frame.assign(y=sides))}
    return Subject(name="sides", task="binary_classification", columns=columns, datasets=data, model=model)


def by_sides(pictures: np.ndarray) -> np.ndarray:
    """The brighter half: what a corruption leaves as it is."""
    return (pictures[:, :, 4:].mean(axis=(1, 2)) > pictures[:, :, :4].mean(axis=(1, 2))).astype(int)


def by_one_level(pictures: np.ndarray) -> np.ndarray:
    """The absolute brightness of the right half: what contrast takes away."""
    return (pictures[:, :, 4:].mean(axis=(1, 2)) > 0.6).astype(int)


def measure(subject: Subject, **params):
    return CHECK.measure(subject, CHECK.params(**{"samples": ROWS, **params}), 1)


def test_a_model_that_hangs_on_one_level_is_found_by_contrast_and_its_twin_passes():
    brittle, sound = measure(images(by_one_level)), measure(images(by_sides))
    assert brittle.metric("drop", key="contrast@5").value >= 0.4
    assert brittle.metric("drop", key="gaussian_blur@5").value < 0.1
    assert brittle.metric("worst_drop", key="5").detail == "contrast"
    assert {metric.value for metric in sound.metrics if metric.name == "drop"} == {0.0}


def test_the_default_corrupts_images_by_all_four_at_five_severities_and_no_column_alone():
    result = measure(images(by_sides))
    keys = {metric.key for metric in result.metrics if metric.name == "drop"}
    assert keys == {f"{name}@{severity}" for name in IMAGE_CORRUPTIONS for severity in range(1, 6)}
    assert not [metric for metric in result.metrics if metric.name == "column_drop"]
    meanings = next(table for table in result.tables if table.name == "severities")
    assert {row[0].split(":")[0] for row in meanings.rows} == set(IMAGE_CORRUPTIONS)
    assert [one.name for one in result.artifacts] == ["corruption_curves.svg"]
    assert not any("no feature fits" in note for note in result.notes)


def test_pixels_of_whole_numbers_stay_whole():
    subject = images(by_sides, dtype="uint8", scale=255)
    types = set()
    model = subject.model

    def call(rows: pd.DataFrame) -> np.ndarray:
        types.update(rows.dtypes)
        return model.call(rows)

    measure(replace(subject, model=replace(model, call=call)))
    assert types == {np.dtype(np.uint8)}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"corruptions": ["missing", "contrast"]}, r"names missing, for columns of tables"),
        ({"columns": ["p3"]}, r"params.columns names single pixels"),
    ],
)
def test_what_is_for_tables_is_refused_for_images(params, words):
    with pytest.raises(CheckError, match=words):
        measure(images(by_sides), **params)


def test_what_is_for_images_is_refused_for_tables():
    subject = images(by_sides)
    table = replace(subject, columns=subject.columns.model_copy(update={"image": None}))
    with pytest.raises(CheckError, match=r"names contrast, which corrupt images, and the policy describes none"):
        measure(table, corruptions=["contrast", "missing"])


def test_pixels_outside_the_stated_range_are_an_error():
    subject = images(by_sides, scale=255)
    columns = subject.columns.model_copy(
        update={"image": subject.columns.image.model_copy(update={"range": (0.0, 1.0)})}
    )
    with pytest.raises(CheckError, match=r"outside columns.image.range"):
        measure(replace(subject, columns=columns))
