"""Corruptions of images: noise, blur, contrast and JPEG compression, each at five severities.

Hendrycks and Dietterich (2019), "Benchmarking neural network robustness to common corruptions and perturbations"; the figures of
the severities are those of their CIFAR-10-C, made for images of 32 x 32 pixels.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, get_args

from model_governance.checks.robustness.corruption.params import ImageCorruptionName
from model_governance.checks.robustness.corruption.sweep import Sweep, SweepPoint
from model_governance.contract.images import pixels_of
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from model_governance.checks.robustness.corruption.evaluation import Evaluation
    from model_governance.checks.robustness.corruption.params import CorruptionParams
    from model_governance.contract.images import Image

IMAGE_CORRUPTIONS: tuple[ImageCorruptionName, ...] = get_args(ImageCorruptionName)
DEVIATIONS = (0.04, 0.06, 0.08, 0.09, 0.10)  # of the noise, as a share of the range
WIDTHS = (0.4, 0.6, 0.7, 0.8, 1.0)  # standard deviation of the blur, in pixels
CONTRASTS = (0.75, 0.5, 0.4, 0.3, 0.15)  # what is left of the distance to the mean of each channel
QUALITIES = (80, 65, 58, 50, 40)  # of the JPEG file
MEANINGS: Mapping[ImageCorruptionName, tuple[str, tuple[float, ...]]] = {
    "gaussian_noise": ("standard deviation on every pixel, share of the range", DEVIATIONS),
    "gaussian_blur": ("standard deviation of the filter, in pixels", WIDTHS),
    "contrast": ("share of the contrast that is left", CONTRASTS),
    "jpeg_compression": ("quality of the file", QUALITIES),
}


def corrupted_images(pictures: np.ndarray, name: str, severity: int, generator: np.random.Generator) -> np.ndarray:
    """The pictures (n, channels, height, width), values in 0 to 1, corrupted at a severity of 1 to 5.

    The generator draws the same noise for every severity.
    """
    import numpy as np

    spoilt = CHANGES[name](pictures, severity - 1, generator)
    return np.asarray(spoilt.clip(0.0, 1.0))


def _noise(pictures: np.ndarray, severity: int, generator: np.random.Generator) -> np.ndarray:
    return pictures + DEVIATIONS[severity] * generator.standard_normal(pictures.shape)


def _blur(pictures: np.ndarray, severity: int, _: np.random.Generator) -> np.ndarray:
    import numpy as np
    from scipy.ndimage import gaussian_filter

    width = WIDTHS[severity]
    return np.asarray(gaussian_filter(pictures, sigma=(0, 0, width, width), mode="nearest"))


def _contrast(pictures: np.ndarray, severity: int, _: np.random.Generator) -> np.ndarray:
    means = pictures.mean(axis=(2, 3), keepdims=True)
    return (pictures - means) * CONTRASTS[severity] + means


def _jpeg(pictures: np.ndarray, severity: int, _: np.random.Generator) -> np.ndarray:
    """Three channels are a colour picture; of any other number, each channel is a grey picture of its own."""
    import numpy as np

    whole = np.rint(pictures * 255).astype(np.uint8)
    spoilt = np.empty_like(whole)
    for place, picture in enumerate(whole):
        if len(picture) == 3:
            spoilt[place] = np.moveaxis(_saved(np.moveaxis(picture, 0, -1), QUALITIES[severity]), -1, 0)
        else:
            for channel, plane in enumerate(picture):
                spoilt[place, channel] = _saved(plane, QUALITIES[severity])
    return spoilt / 255


def _saved(picture: np.ndarray, quality: int) -> np.ndarray:
    """What a JPEG file of this quality keeps of a picture (height, width) or (height, width, 3), 8 bits."""
    import numpy as np
    from PIL import Image as Picture

    file = BytesIO()
    Picture.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Picture.open(file))


CHANGES: Mapping[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "gaussian_noise": _noise, "gaussian_blur": _blur, "contrast": _contrast, "jpeg_compression": _jpeg,
}  # fmt: skip


def sweep_images(evaluation: Evaluation, image: Image, params: CorruptionParams, seed: int) -> Sweep:
    """Every corruption of images at every severity; no column alone, for a column is one pixel.

    Raises:
        CheckError: the policy names columns, or corruptions that damage tables, or pixels lie outside the image's range.
    """
    import numpy as np

    if params.columns:
        raise CheckError("params.columns names single pixels of an image; remove it, an image is corrupted as a whole")
    foreign = [name for name in params.corruptions or () if name not in IMAGE_CORRUPTIONS]
    if foreign:
        raise CheckError(
            f"params.corruptions names {', '.join(foreign)}, for columns of tables; columns.image makes the features pixels, "
            f"which {', '.join(IMAGE_CORRUPTIONS)} corrupt"
        )
    low, high = image.range
    pixels = pixels_of(evaluation.frame, image)
    pictures = ((pixels[:, image.order] - low) / (high - low)).reshape(-1, *image.planes)
    grid = []
    for place, name in enumerate(IMAGE_CORRUPTIONS):
        if params.corruptions is None or name in params.corruptions:
            for severity in sorted(params.severities):
                spoilt = corrupted_images(pictures, name, severity, np.random.default_rng([seed, place]))
                grid.append(_point(evaluation, image, name, severity, spoilt))
    return Sweep(grid=tuple(grid), columns=())


def _point(
    evaluation: Evaluation, image: Image, name: ImageCorruptionName, severity: int, pictures: np.ndarray
) -> SweepPoint:
    """The outcome of corrupted pictures (n, channels, height, width), in the type of the clean pixels."""
    import numpy as np
    import pandas as pd

    clean, (low, high) = evaluation.frame, image.range
    values = np.empty((len(clean), image.size))
    values[:, image.order] = pictures.reshape(len(clean), -1) * (high - low) + low
    whole = all(pd.api.types.is_integer_dtype(kind) for kind in clean.dtypes)
    spoilt = pd.DataFrame(np.rint(values) if whole else values, columns=clean.columns).astype(clean.dtypes)
    affected = (spoilt != clean).to_numpy()
    outcomes = evaluation.evaluate(spoilt, affected, np.zeros(image.size, dtype=bool))
    return SweepPoint(corruption=name, severity=severity, outcomes=outcomes, affected=affected.any(axis=1))
