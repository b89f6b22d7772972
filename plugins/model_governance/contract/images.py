"""Images: features that are the pixels of a picture, one column each, or one column that holds the whole array.

Every check sees pixels as numeric features of the names that stand here, in the order in which the model's array holds them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

MOST_VALUES = 12_288
"""Numbers of an image: 64 x 64 pixels in three colours; every pixel is a column to a check."""
COLOURS = (1, 3, 4)
DISCLOSED = "image"
"""What `report.disclose` calls all pixels together."""


class Image(BaseModel):
    """The picture that the features make up.

    Without `column`, the features of the policy are its pixels, in the order of the model's array. With it, every row holds
    the array in that column, and there are no features to name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    shape: tuple[int, ...] = Field(
        min_length=2,
        max_length=3,
        description="height and width, or channels, height and width; channels may come last where there are 1, 3 or 4",
    )
    range: tuple[float, float] = Field(description="lowest and highest value of a pixel, such as 0 and 1, or 0 and 255")
    column: str | None = Field(
        default=None,
        min_length=1,
        description="column whose cells hold the whole array, flat or nested; without it, columns.features are the pixels",
    )

    @model_validator(mode="after")
    def _holds_pixels(self) -> Image:
        if min(self.shape) < 1:
            raise ValueError(f"shape {list(self.shape)} has a side without pixels; write height and width in pixels")
        if self.size > MOST_VALUES:
            raise ValueError(
                f"shape {list(self.shape)} holds {self.size:,} numbers, more than the {MOST_VALUES:,} that can be attacked; "
                "govern the model at a smaller size of its images"
            )
        if self.range[0] >= self.range[1]:
            raise ValueError(f"range {list(self.range)}: the lowest value of a pixel comes first, the highest second")
        return self

    @property
    def size(self) -> int:
        """Numbers of one image."""
        return math.prod(self.shape)

    @property
    def channels_last(self) -> bool:
        """Whether the last side is that of the channels: it is 1, 3 or 4, and the first is not."""
        return len(self.shape) == 3 and self.shape[-1] in COLOURS and self.shape[0] not in COLOURS

    @property
    def planes(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        if len(self.shape) == 2:
            return (1, self.shape[0], self.shape[1])
        one, two, three = self.shape
        return (three, one, two) if self.channels_last else (one, two, three)

    @property
    def order(self) -> np.ndarray:
        """Places (size,) of the pixels in a row, sorted by channel, height and width."""
        import numpy as np

        places = np.arange(self.size)
        return np.moveaxis(places.reshape(self.shape), -1, 0).ravel() if self.channels_last else places

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes in which a model may take one image without a number changing its place, that of the policy first."""
        channels, height, width = self.planes
        grey = [(1, height, width), (height, width, 1), (height, width)] if channels == 1 else []
        return tuple(dict.fromkeys([self.shape, *grey, (self.size,)]))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the pixels of an array column: the column's, and their place from 0 on."""
        return tuple(f"{self.column}_{place}" for place in range(self.size))

    @property
    def text(self) -> str:
        """The size in words, as in "28 x 28 pixels" or "32 x 32 pixels in 3 channels"."""
        channels, height, width = self.planes
        return f"{height} x {width} pixels" + (f" in {channels} channels" if channels > 1 else "")


def pixels_of(frame: pd.DataFrame, image: Image) -> np.ndarray:
    """The pixels of rows, shape (n, size), in the order of the model's array.

    Raises:
        CheckError: one is missing or outside the range of the image, on which every budget and severity is founded.
    """
    import numpy as np

    pixels = frame.to_numpy(dtype=np.float64)
    inside = (pixels >= image.range[0]) & (pixels <= image.range[1])
    if not inside.all():
        held = pixels[np.isfinite(pixels)]
        found = f"values from {held.min():g} to {held.max():g}" if len(held) else "no values"
        raise CheckError(
            f"{int((~inside).any(axis=1).sum()):,} of {len(pixels):,} images hold pixels that are missing or outside "
            f"columns.image.range {list(image.range)} (found {found}); correct the range, or repair the feed"
        )
    return pixels


def with_pixels(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What a policy says of `columns`, with every pixel among the features, and its range; unchanged without an image.

    An image that is wrong by itself is left to its own message.

    Raises:
        ValueError: features and image disagree.
    """
    columns = dict(raw)
    try:
        image = None if raw.get("image") is None else Image.model_validate(raw["image"])
    except ValidationError:
        # One stand-in, so that the image's own mistake is the only one that is named.
        columns.setdefault("features", {DISCLOSED: {"kind": "numeric"}})
        return columns
    features = raw.get("features")
    if image is None or (features is not None and not isinstance(features, dict)):
        return columns
    if image.column is not None:
        if features is not None and tuple(features) != image.names:
            raise ValueError(
                f"features and image.column both name the inputs; keep features where every pixel has its column, or "
                f"image.column where column {image.column!r} holds the array"
            )
        features = {name: {"kind": "numeric"} for name in image.names} if features is None else features
    elif features is not None and len(features) != image.size:
        raise ValueError(
            f"image.shape {list(image.shape)} holds {image.size:,} numbers and features names {len(features):,}; name the "
            "pixels in the order of the array, and nothing else, or the column that holds the array in image.column"
        )
    if features is not None:
        columns["features"] = {name: _within(str(name), feature, image) for name, feature in features.items()}
    return columns


def _within(name: str, feature: Any, image: Image) -> Any:
    """A pixel with the range of the image."""
    entry = feature if isinstance(feature, dict) else getattr(feature, "__dict__", None)
    if entry is None:
        return feature
    if entry.get("kind") not in ("numeric", "integer"):
        raise ValueError(f"feature {name!r} is {entry.get('kind')}, and a pixel is numeric or integer")
    for word, end in (("minimum", image.range[0]), ("maximum", image.range[1])):
        if entry.get(word) not in (None, end):
            raise ValueError(f"feature {name!r} has {word} {entry[word]:g}, and image.range says {end:g}; remove one")
    return {**entry, "minimum": image.range[0], "maximum": image.range[1]}
