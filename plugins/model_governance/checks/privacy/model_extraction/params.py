"""What a policy may set for `model_extraction`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from model_governance.attacks.access import AttackerAccess
from model_governance.attacks.schedule import Effort
from model_governance.contract.check import Params

AttackName = Literal["public", "synthetic", "knockoff_nets", "copycat_cnn"]
LEAST = 40  # held-out rows; over fewer no agreement says anything
LEAST_BUDGET = 20


class ExtractionParams(Params):
    """How the model is copied, with how many questions, and on how many rows the copy is compared."""

    attacks: tuple[AttackName, ...] = Field(
        default=("public", "synthetic"),
        min_length=1,
        description="public: ask with public rows; synthetic: with rows whose columns are drawn one by one; "
        "knockoff_nets, copycat_cnn: ART's, with public and with synthetic rows",
    )
    budgets: tuple[Annotated[int, Field(ge=LEAST_BUDGET)], ...] = Field(
        default=(100, 300, 1000), min_length=1, description="rows that an attacker asks about, ascending"
    )
    samples: int = Field(
        default=5000, ge=LEAST, description="held-out rows at most, on which copy and model are compared"
    )
    resamples: int = Field(
        default=500, ge=200, le=20_000, description="resamples of held-out rows behind an interval of a regression"
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

    @field_validator("budgets")
    @classmethod
    def _ascending(cls, budgets: tuple[int, ...]) -> tuple[int, ...]:
        if list(budgets) != sorted(set(budgets)):
            raise ValueError(f"budgets must ascend, found {list(budgets)}")
        return budgets
