"""What a policy may set for the membership inference check, and what each number means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from model_governance.attacks.schedule import AttackBudget
from model_governance.contract.check import Params
from model_governance.contract.slices import Slice

AttackName = Literal[
    "rmia", "rmia_online", "lira", "lira_offline", "ensemble", "quantile", "loss", "label_only", "boundary", "black_box", "rule_based",
]  # fmt: skip
LEAST = 40


class MembershipParams(Params):
    """Which attacks run, on how many rows and with how many reference models, and how they are read."""

    attacks: tuple[AttackName, ...] | None = Field(
        default=None,
        min_length=1,
        description=(
            "the first decides: slices, exposed rows and the memorisation bound are its; by default what the model can "
            "give: rmia (quantile if it cannot be retrained; label_only if it has no probabilities), loss, black_box, "
            "rule_based. rmia, rmia_online, lira, lira_offline, ensemble: against retrained copies; quantile: surer than "
            "held-out rows alike; loss: member if sure; label_only: member if right under noise; boundary: member if far from another answer; black_box: ART, a model "
            "trained on outputs and labels; rule_based: ART, member if right"
        ),
    )
    attack_model: Literal["gb", "rf", "lr"] = Field(
        default="gb", description="what black_box trains: gradient boosting, random forest or logistic regression"
    )
    samples: int = Field(default=5000, ge=LEAST, description="rows per side, members and non-members")
    fpr: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(0.01, 0.001), min_length=1, description="false-positive rates at which the true-positive rate is read"
    )
    reference_models: int = Field(
        default=4, ge=1, le=256, description="copies of the model to train: 4 for a night, 16 or more for a week"
    )
    reference_rows: int | None = Field(
        default=None,
        ge=LEAST,
        description="rows that a copy is trained on, on average; by default as many as the model",
    )
    workers: int = Field(default=2, ge=1, le=64, description="copies trained at a time; no number depends on it")
    guesses: int = Field(
        default=500, ge=2, multiple_of=2, description="rows that the memorisation bound guesses; fix it before the run"
    )
    inclusion: Literal["fixed", "independent_coins"] = Field(
        default="fixed",
        description=(
            "independent_coins: an independent fair coin decided of every row of train and of the non-members whether the "
            "model was trained on it; only then is the bound one on epsilon"
        ),
    )
    delta: float = Field(default=0.0, ge=0, lt=1, description="delta of the epsilon bound")
    slices: tuple[Slice, ...] = Field(default=(), description="rows whose risk is read on their own")
    exposed: int = Field(default=10, ge=0, le=100, description="most exposed rows of train listed, by number alone")
    budget: dict[AttackName, AttackBudget] = Field(
        default={}, description="what an attack may spend and how often it runs"
    )
    draw: int = Field(default=0, ge=0, description="another number draws other rows and other copies")

    @property
    def budgets(self) -> dict[str, AttackBudget]:
        """`budget` by plain names, as plans take it."""
        return {str(name): one for name, one in self.budget.items()}

    @field_validator("attacks", "fpr")
    @classmethod
    def _nothing_twice(cls, values: tuple[object, ...] | None) -> tuple[object, ...] | None:
        if values is not None and len(set(values)) != len(values):
            raise ValueError(f"listed twice: {', '.join(map(str, values))}")
        return values
