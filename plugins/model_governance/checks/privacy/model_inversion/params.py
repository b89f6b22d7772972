"""What a policy may set for `model_inversion`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from model_governance.attacks.access import AttackerAccess
from model_governance.attacks.schedule import Effort
from model_governance.contract.check import Params

AttackName = Literal["search", "miface"]
LEAST_CLASS = 5  # training rows of a class, below which it is passed over
LEAST_PUBLIC = 20


class InversionParams(Params):
    """Which attacks rebuild rows, of how many classes, and from how many starts."""

    attacks: tuple[AttackName, ...] = Field(
        default=("search",),
        min_length=1,
        description="search: climbs over valid values by the model's confidence; miface: ART's gradient ascent over "
        "numbers, for models with gradients",
    )
    most_classes: int = Field(
        default=5, ge=1, le=100, description="classes that are rebuilt, those with the most training rows first"
    )
    restarts: int = Field(
        default=60, ge=5, le=200, description="reconstructions of each class, each from another start"
    )
    sweeps: int = Field(default=6, ge=1, le=100, description="times that search goes through all columns of a row")
    refinements: int = Field(
        default=80, ge=0, le=10_000, description="rounds in which search then refines several columns at once"
    )
    steps: int = Field(default=100, ge=1, le=10_000, description="steps of gradient ascent of miface")
    enough: float = Field(
        default=0.99, gt=0.5, lt=1, description="confidence at which a reconstruction is finished; more says nothing"
    )
    samples: int = Field(default=2000, ge=50, description="rows at most of each side of a class to compare with")
    resamples: int = Field(
        default=1000, ge=200, le=20_000, description="resamples and relabellings behind the intervals"
    )
    attacker_access: AttackerAccess = Field(
        default_factory=AttackerAccess, description="what the model's endpoint returns to the attacker"
    )
    effort: dict[str, Effort] = Field(
        default_factory=dict, description="what an attack may spend, and how often it runs"
    )

    @field_validator("attacks")
    @classmethod
    def _nothing_twice(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError(f"listed twice: {', '.join(names)}")
        return names
