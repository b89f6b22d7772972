"""What a policy may set for `model_inversion`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from model_governance.attacks.access import AttackerAccess
from model_governance.attacks.schedule import AttackBudget
from model_governance.contract.check import Params
from model_governance.contract.floors import floors_of

if TYPE_CHECKING:
    from model_governance.contract.check import Floor

AttackName = Literal["search", "miface"]
MIN_CLASS_ROWS = 5  # a class with fewer training rows is not attacked
MIN_PUBLIC_ROWS = 20


class InversionParams(Params):
    """Which attacks reconstruct rows, of how many classes, and from how many starting points."""

    attacks: tuple[AttackName, ...] = Field(
        default=("search",),
        min_length=1,
        description="search: coordinate search over valid values that raises the model's confidence; miface: gradient "
        "ascent of ART over numeric columns, for models with gradients",
    )
    max_classes: int = Field(
        default=5,
        ge=1,
        le=100,
        description="maximal number of classes attacked, those with the most training rows first",
    )
    restarts: int = Field(
        default=60, ge=5, le=200, description="reconstructions of each class, each from another starting point"
    )
    sweeps: int = Field(default=6, ge=1, le=100, description="passes of search over all columns of a row")
    refinements: int = Field(
        default=80, ge=0, le=10_000, description="rounds in which search then changes several columns at once"
    )
    max_iterations: int = Field(default=100, ge=1, le=10_000, description="gradient steps of miface")
    stop_confidence: float = Field(
        default=0.99, gt=0.5, lt=1, description="confidence at which search stops to change a reconstruction"
    )
    samples: int = Field(
        default=2000,
        ge=50,
        description="maximal number of training rows and of held-out rows of a class to compare with",
    )
    resamples: int = Field(
        default=1000, ge=200, le=20_000, description="bootstrap resamples and relabellings behind the intervals"
    )
    attacker_access: AttackerAccess = Field(
        default_factory=AttackerAccess, description="what the model's endpoint returns to the attacker"
    )
    budget: dict[str, AttackBudget] = Field(
        default_factory=dict, description="what an attack may spend, and how often it runs"
    )

    @field_validator("attacks")
    @classmethod
    def _no_duplicates(cls, attacks: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(attacks)) != len(attacks):
            raise ValueError(f"listed twice: {', '.join(attacks)}")
        return attacks


def floors(params: InversionParams) -> tuple[Floor, ...]:
    """How many rows and reconstructions there are at most."""
    return (
        *floors_of("nearest_training_distance_ratio", param="samples", rows=2 * params.samples),
        *floors_of("inversion_gain", param="samples", rows=params.samples),
        *floors_of("confidence_reached", param="restarts", rows=params.restarts),
    )
