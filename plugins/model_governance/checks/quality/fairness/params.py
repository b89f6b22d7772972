"""Params of `fairness`."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from model_governance.contract.check import Params

MINIMUM_CELL_ROWS = 10  # a rate over fewer rows describes persons, not groups


class FairnessParams(Params):
    """Which columns make groups, and how small a group may be."""

    groups: tuple[str, ...] = Field(
        min_length=1, description="columns of current that make groups; they need not be features of the model"
    )
    bins: dict[str, tuple[float, ...]] = Field(
        default_factory=dict,
        description="inner edges of the bins of a column of numbers: {age: [25, 45, 65]} makes four groups",
    )
    intersections: bool = Field(default=False, description="also compare every combination of all columns of groups")
    minimum_group_rows: int = Field(
        default=30,
        ge=MINIMUM_CELL_ROWS,
        description="smaller groups are counted and not compared; those below 10 rows are not named",
    )
    resamples: int = Field(
        default=2000, ge=500, le=20_000, description="simulated samples behind an interval over several groups"
    )

    @field_validator("groups")
    @classmethod
    def _no_duplicates(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError(f"listed twice: {', '.join(names)}")
        return names

    @model_validator(mode="after")
    def _bins_fit_groups(self) -> FairnessParams:
        unknown = sorted(set(self.bins) - set(self.groups))
        if unknown:
            raise ValueError(f"bins of {', '.join(unknown)}: name the column in groups too")
        for name, edges in self.bins.items():
            if not edges or list(edges) != sorted(set(edges)):
                raise ValueError(f"bins of {name} must ascend, found {list(edges)}")
        return self
