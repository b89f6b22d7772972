"""Which rows of a dataset a check is about: those of one prediction, of one label, or of a condition on a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from model_governance.contract.slices import Slice, slice_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.contract.threat_model import Preset

Side = Literal["positive", "negative"]
Scalar = bool | int | float | str
SIDES: Mapping[Side, Side] = {"positive": "negative", "negative": "positive"}


class RowSelection(BaseModel):
    """Rows that meet every condition that is given."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    predicted: Side | None = Field(
        default=None,
        description="rows that the model predicts positive (or negative) now, at model.decision_threshold where there is one",
    )
    label: Scalar | None = Field(
        default=None, description="rows with this label; positive and negative mean the classes of columns.positive"
    )
    where: tuple[Slice, ...] = Field(
        default=(), description="rows where a column equals, is in or lies between; one condition or a list of them"
    )

    @field_validator("where", mode="before")
    @classmethod
    def _one_or_several(cls, where: Any) -> Any:
        return (where,) if isinstance(where, dict) else where

    @field_validator("where")
    @classmethod
    def _every_one_is_a_condition(cls, where: tuple[Slice, ...]) -> tuple[Slice, ...]:
        columns = slice_names(where)[1]
        if columns:
            raise ValueError(f"where {', '.join(columns)}: say which values, with equals, in or between")
        return where

    @property
    def text(self) -> str:
        """The conditions in words; empty where there are none.

        >>> RowSelection(predicted="positive", label=1).text
        'label 1, predicted positive'
        """
        parts = [] if self.label is None else [f"label {self.label}"]
        parts += slice_names(self.where)[0]
        parts += [] if self.predicted is None else [f"predicted {self.predicted}"]
        return ", ".join(parts)


PRESET_ROWS: Mapping[Preset, RowSelection] = {
    "fraud": RowSelection(label="positive", predicted="positive"),
    "credit_applicant": RowSelection(predicted="positive"),
}
"""The rows that the story of a preset is about: frauds that are caught today; applicants who are rejected, where the
positive class is the default that a lender fears."""
