"""The parameters of the corruption check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from model_governance.contract.check import Params
from model_governance.contract.floors import floors_of, paired_difference_of, share_of
from model_governance.contract.model import CLASSES
from model_governance.contract.slices import Slice

if TYPE_CHECKING:
    from model_governance.contract.check import Floor

TableCorruptionName = Literal[
    "missing",
    "unit_error",
    "noise",
    "swapped_category",
    "unseen_category",
    "out_of_range",
    "stale",
    "typos",
    "casing",
    "homoglyphs",
]
ImageCorruptionName = Literal["gaussian_noise", "gaussian_blur", "contrast", "jpeg_compression"]
CorruptionName = Literal[TableCorruptionName, ImageCorruptionName]
LEAST = 30
SEVERITIES = (1, 2, 3, 4, 5)


class CorruptionParams(Params):
    """Which corruptions are applied, to how many rows and columns; every parameter has a default."""

    corruptions: tuple[CorruptionName, ...] | None = Field(
        default=None,
        min_length=1,
        description="corruptions to apply; by default all that fit some feature. gaussian_noise, gaussian_blur, contrast and "
        "jpeg_compression are for columns.image, the others for the columns of tables",
    )
    severities: tuple[Annotated[int, Field(ge=1, le=5)], ...] = Field(
        default=SEVERITIES,
        min_length=1,
        description="1 (a little) to 5 (half of all cells, or half of the words of every text; of images the strongest of "
        "CIFAR-10-C); see table severities",
    )
    samples: int = Field(default=1000, ge=LEAST, description="rows of current that are corrupted, drawn by the seed")
    columns: tuple[str, ...] = Field(default=(), description="features that may be corrupted; all when empty")
    unit_factors: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(12.0, 1000.0, 0.01),
        min_length=1,
        description="wrong units: 12 (months for years), 1000 (grams for kilograms), 0.01 (cents for euros, inverted)",
    )
    against: Literal["labels", "answers"] | None = Field(
        default=None,
        description="labels: accuracy or error; answers: agreement with the model's own predictions of the clean rows; "
        "by default labels where current holds them",
    )
    slices: tuple[Slice, ...] = Field(default=(), description="groups of rows with a loss of their own")
    minimum_slice_rows: int = Field(default=30, ge=10, description="smaller slices are named, not judged")

    @field_validator("corruptions", "severities", "columns", "unit_factors")
    @classmethod
    def _nothing_twice(cls, values: tuple[object, ...] | None) -> tuple[object, ...] | None:
        if values is not None and len(set(values)) != len(values):
            raise ValueError(f"listed twice: {', '.join(map(str, values))}")
        return values


def floors(params: CorruptionParams) -> tuple[Floor, ...]:
    """What few corrupted rows cannot prove: shares, and losses of classes against the clean rows."""
    rows = params.samples
    return (
        *floors_of(
            "clean_accuracy",
            "accuracy",
            "agreement",
            "refused_share",
            param="samples",
            rows=rows,
            extremes=share_of(rows),
        ),
        *floors_of(
            "drop",
            "worst_drop",
            "column_drop",
            param="samples",
            rows=rows,
            extremes=paired_difference_of(rows),
            tasks=CLASSES,
        ),
        *floors_of("clean_mae", "mae", "shift", "mean_drop", "slice_drop", param="samples", rows=rows),
    )
