"""Images in a policy: their shape, the order of their pixels, and mistakes between image and features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from model_governance.contract.images import Image, pixels_of
from model_governance.contract.subject import Columns, Feature
from model_governance.errors import CheckError


def image(*shape: int, **more) -> Image:
    return Image(shape=shape, range=more.pop("range", (0, 1)), **more)


@pytest.mark.parametrize(
    ("shape", "planes"),
    [
        ((4, 5), (1, 4, 5)),
        ((3, 4, 5), (3, 4, 5)),
        ((5, 4, 3), (3, 5, 4)),
        ((1, 4, 3), (1, 4, 3)),
        ((13, 4, 5), (13, 4, 5)),
    ],
)
def test_channels_come_first_unless_only_the_last_side_can_be_theirs(shape, planes):
    assert image(*shape).planes == planes


def test_the_order_of_the_pixels_sorts_them_by_channel_height_and_width():
    shown = image(2, 2, 3)
    array = np.arange(12).reshape(2, 2, 3)
    assert array.ravel()[shown.order].tolist() == array.transpose(2, 0, 1).ravel().tolist()
    assert image(3, 2, 2).order.tolist() == list(range(12))


def test_a_grey_image_can_be_given_to_a_model_in_every_order_of_its_sides():
    assert image(4, 5).input_shapes == ((4, 5), (1, 4, 5), (4, 5, 1), (20,))
    assert image(3, 4, 5).input_shapes == ((3, 4, 5), (60,))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"shape": [64], "range": [0, 1]}, "at least 2"),
        ({"shape": [8, 0], "range": [0, 1]}, "a side without pixels"),
        ({"shape": [3, 224, 224], "range": [0, 1]}, "150,528 numbers, more than the 12,288"),
        ({"shape": [8, 8], "range": [1, 0]}, "the lowest value of a pixel comes first"),
        ({"shape": [8, 8]}, "range"),
    ],
)
def test_what_is_no_image_is_refused_and_nothing_else_is_named(raw, words):
    with pytest.raises(ValidationError) as caught:
        Columns.model_validate({"image": raw})
    assert words in str(caught.value)
    assert caught.value.error_count() == 1


def test_the_pixels_of_an_array_column_become_numeric_features_with_its_range():
    columns = Columns.model_validate({"image": {"column": "scan", "shape": [2, 2], "range": [0, 255]}, "target": "y"})
    assert columns.names == ("scan_0", "scan_1", "scan_2", "scan_3")
    assert set(columns.features.values()) == {Feature(kind="numeric", minimum=0, maximum=255)}
    assert Columns.model_validate(columns.model_dump()) == columns
    assert Columns.model_validate(columns.model_dump(exclude_unset=True)) == columns


def test_features_that_are_pixels_get_the_range_and_keep_their_kind():
    features = {"a": {"kind": "integer"}, "b": Feature(kind="numeric", minimum=0)}
    columns = Columns.model_validate({"features": features, "image": {"shape": [1, 2], "range": [0, 16]}})
    assert columns.features["a"] == Feature(kind="integer", minimum=0, maximum=16)
    assert columns.features["b"].maximum == 16


@pytest.mark.parametrize(
    ("features", "more", "words"),
    [
        (["a"], {}, r"holds 2 numbers and features names 1"),
        (["a", "b"], {"column": "scan"}, "features and image.column both name the inputs"),
        ({"a": {"kind": "numeric"}, "b": {"kind": "category"}}, {}, "feature 'b' is category, and a pixel is numeric or integer"),
        ({"a": {"kind": "numeric"}, "b": {"kind": "numeric", "maximum": 9}}, {}, "'b' has maximum 9, and image.range says 1"),
    ],
)  # fmt: skip
def test_features_and_image_that_disagree_are_refused(features, more, words):
    features = features if isinstance(features, dict) else {name: {"kind": "numeric"} for name in features}
    with pytest.raises(ValidationError, match=words):
        Columns.model_validate({"features": features, "image": {"shape": [1, 2], "range": [0, 1], **more}})


def test_pixels_outside_the_range_or_missing_are_an_error_with_what_was_found():
    frame = pd.DataFrame({"a": [0.0, 255.0, 0.5], "b": [1.0, 0.0, np.nan]})
    with pytest.raises(
        CheckError,
        match=r"2 of 3 images hold pixels .* columns.image.range \[0.0, 1.0\] \(found values from 0 to 255\)",
    ):
        pixels_of(frame, image(1, 2))
    assert pixels_of(frame.head(1), image(1, 2)).tolist() == [[0.0, 1.0]]
