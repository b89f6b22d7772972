"""What a policy may set for `poisoning_screen`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from model_governance.contract.check import Floor, Params
from model_governance.contract.floors import ANY_NUMBER, difference_of, floors_of, share_of
from model_governance.contract.slices import Slice

Part = Literal["flips", "triggers", "floods", "classes", "associations", "sources", "model", "activations"]


class ScreenParams(Params):
    """Which traces of poisoning are searched for, and how."""

    parts: tuple[Part, ...] | None = Field(
        default=None,
        min_length=1,
        description="flips: wrong labels; triggers: values tied to one class; floods: rows that repeat; classes: shares of "
        "classes, in all and by slice; associations: ties of features and label; sources: where rows come from; model: answers of the present model; activations: those of a network. By default all "
        "that can run; one that is named and cannot is an error",
    )
    source: str | None = Field(default=None, description="column that says where a row comes from")
    slices: tuple[Slice, ...] = Field(default=(), description="classes: groups of rows with class shares of their own")
    disclose: tuple[str, ...] = Field(
        default=(),
        description="columns whose values may be named in the report; values of others are named by their rank only",
    )
    samples: int = Field(default=5000, ge=100, description="rows of each window that are compared, drawn by the seed")
    level: float = Field(
        default=0.05, gt=0, lt=0.5, description="false discovery rate among the cells and groups that are named"
    )
    trees: int = Field(default=100, ge=20, le=1000, description="trees of the forest that judges the labels")
    pairs: bool = Field(default=True, description="compare pairs of rare values too")
    grid: int = Field(default=1000, ge=10, description="floods: numbers nearer than this part of their range are one")

    @field_validator("parts", "disclose")
    @classmethod
    def _nothing_twice(cls, values: tuple[object, ...] | None) -> tuple[object, ...] | None:
        if values is not None and len(set(values)) != len(values):
            raise ValueError(f"listed twice: {', '.join(map(str, values))}")
        return values


def floors(params: ScreenParams) -> tuple[Floor, ...]:
    """The shares of the new window, and their changes, that few rows cannot prove to be beyond every bound."""
    rows = params.samples
    changes = (
        "flip_rate_change", "class_flip_rate_change", "duplicate_share_change", "spectral_change", "activation_change",
        "class_share_change",
    )  # fmt: skip
    against_reference = difference_of(ANY_NUMBER, rows)
    return (
        *floors_of("suspect_label_share", param="samples", rows=rows, extremes=share_of(rows)),
        *floors_of(*changes, param="samples", rows=2 * rows, extremes=difference_of(rows, rows)),
        Floor(metric="disagreement_change", param="samples", extremes=against_reference),
        Floor(metric="class_disagreement_change", param="samples", extremes=against_reference),
        *floors_of("trigger_rows", "flood_share", param="samples", rows=rows),
    )
