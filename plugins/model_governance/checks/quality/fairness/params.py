"""What a policy may set for `fairness`."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from model_governance.contract.check import Params

LEAST_CELL = 10  # a rate over fewer rows says more about persons than about groups


class FairnessParams(Params):
    """Which columns make groups, and how small a group may be."""

    groups: tuple[str, ...] = Field(
        min_length=1, description="columns of current that make groups; they need not be features of the model"
    )
    bands: dict[str, tuple[float, ...]] = Field(
        default_factory=dict,
        description="where a column of numbers is cut into bands: {age: [25, 45, 65]} makes four groups",
    )
    intersections: bool = Field(default=False, description="also compare every combination of all columns of groups")
    minimum_group_rows: int = Field(
        default=30, ge=LEAST_CELL, description="smaller groups are listed and counted, but not compared"
    )
    resamples: int = Field(
        default=2000, ge=500, le=20_000, description="simulated nights behind an interval over several groups"
    )

    @field_validator("groups")
    @classmethod
    def _nothing_twice(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError(f"listed twice: {', '.join(names)}")
        return names

    @model_validator(mode="after")
    def _bands_fit(self) -> FairnessParams:
        strange = sorted(set(self.bands) - set(self.groups))
        if strange:
            raise ValueError(f"bands of {', '.join(strange)}: name the column in groups too")
        for name, cuts in self.bands.items():
            if not cuts or list(cuts) != sorted(set(cuts)):
                raise ValueError(f"bands of {name} must ascend, found {list(cuts)}")
        return self
