"""What a policy may set for the membership inference check, and what each number means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from model_governance.check import Params

AttackName = Literal["black_box", "rule_based", "loss"]
LEAST = 40


class MembershipParams(Params):
    """Which attacks run, on how many rows, and at which false-positive rates they are read."""

    attacks: tuple[AttackName, ...] = Field(
        default=("black_box", "rule_based", "loss"),
        min_length=1,
        description="black_box: a model trained on outputs and labels; rule_based: member if right; loss: member if sure",
    )
    attack_model: Literal["gb", "rf", "lr"] = Field(
        default="gb", description="what black_box trains: gradient boosting, random forest or logistic regression"
    )
    samples: int = Field(
        default=5000, ge=LEAST, description="rows per side, members and non-members; half fit the attack, half score it"
    )
    fpr: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(0.01, 0.001), min_length=1, description="false-positive rates at which the true-positive rate is read"
    )

    @field_validator("attacks", "fpr")
    @classmethod
    def _nothing_twice(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"listed twice: {', '.join(map(str, values))}")
        return values
