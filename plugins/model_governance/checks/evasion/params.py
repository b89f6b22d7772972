"""What a policy may set for the evasion check, and what each number means."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from model_governance.check import Params

AttackName = Literal["hopskipjump", "gradient"]
Norm = Literal["linf", "l2"]


class EvasionParams(Params):
    """The threat model and the effort of the attacker.

    Which features may move, and how far, stands in the policy's columns (`mutable`, `minimum`,
    `maximum`, `kind`); here stand budget, norm and effort.
    """

    attacks: tuple[AttackName, ...] = Field(
        default=("hopskipjump", "gradient"),
        min_length=1,
        description="hopskipjump sees labels only; gradient needs a linear or support-vector model of scikit-learn",
    )
    samples: int = Field(default=100, ge=1, description="rows drawn; cost grows with it, intervals shrink")
    epsilon: float = Field(default=0.1, gt=0, le=1, description="budget: share of each feature's range that may change")
    norm: Norm = Field(default="linf", description="linf: every feature within the budget; l2: all changes together")
    categories: Literal["fixed", "free"] = Field(
        default="fixed", description="free: mutable categories may take any value seen in the data, at no cost"
    )
    max_iterations: int = Field(default=10, ge=1, le=1000, description="steps of each attack")
    max_evaluations: int = Field(default=300, ge=10, description="queries of one boundary estimate of HopSkipJump")
    initial_size: int = Field(default=1000, ge=10, description="tries per row to find a first adversarial row")

    @field_validator("attacks")
    @classmethod
    def _each_attack_once(cls, attacks: tuple[AttackName, ...]) -> tuple[AttackName, ...]:
        if len(set(attacks)) != len(attacks):
            raise ValueError(f"an attack is listed twice: {', '.join(attacks)}")
        return attacks
