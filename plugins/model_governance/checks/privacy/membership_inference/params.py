"""What a policy may set for `membership_inference`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from model_governance.attacks.schedule import AttackBudget
from model_governance.contract.check import Params
from model_governance.contract.slices import Slice

AttackName = Literal[
    "rmia", "rmia_online", "lira", "lira_offline", "ensemble", "quantile", "loss", "label_only", "boundary", "black_box", "rule_based",
]  # fmt: skip
MIN_ROWS = 40


class MembershipParams(Params):
    """Which attacks run, on how many rows and with how many reference models, and how they are read."""

    attacks: tuple[AttackName, ...] | None = Field(
        default=None,
        min_length=1,
        description=(
            "the first attack decides: slices, exposed rows and the memorisation bound are computed from it; by default "
            "what the model allows: ensemble (rmia alone below 3 reference models; quantile if it cannot be retrained; "
            "label_only if it has no probabilities), rmia, loss, black_box, rule_based. rmia, rmia_online, lira, "
            "lira_offline, ensemble: compared with reference models; quantile: more confident than on similar held-out rows; "
            "loss: member if the loss is low; label_only: member if correct under noise; boundary: member if far from the "
            "decision boundary; black_box: ART, a classifier trained on outputs and labels; rule_based: ART, member if "
            "correct"
        ),
    )
    attack_model: Literal["gb", "rf", "lr"] = Field(
        default="gb", description="what black_box trains: gradient boosting, random forest or logistic regression"
    )
    samples: int = Field(
        default=5000, ge=MIN_ROWS, description="maximal number of members, and of non-members, that are audited"
    )
    fpr: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(0.01, 0.001), min_length=1, description="false-positive rates at which the true-positive rate is read"
    )
    reference_models: int = Field(
        default=4,
        ge=1,
        le=256,
        description="reference models to train: 4 for a nightly run, 16 or more for a weekly one",
    )
    reference_rows: int | None = Field(
        default=None,
        ge=MIN_ROWS,
        description="mean number of rows that a reference model is trained on; by default as many as the model",
    )
    workers: int = Field(
        default=2, ge=1, le=64, description="reference models trained at the same time; results do not depend on it"
    )
    audit_guesses: int = Field(
        default=500,
        ge=2,
        multiple_of=2,
        description="guesses behind the memorisation bound, half of them members; fix it before the run",
    )
    inclusion: Literal["fixed", "independent_coins"] = Field(
        default="fixed",
        description=(
            "independent_coins: an independent fair coin decided of every row of train and of the non-members whether the "
            "model was trained on it; only then is the bound one on epsilon"
        ),
    )
    delta: float = Field(default=0.0, ge=0, lt=1, description="delta of the epsilon bound")
    slices: tuple[Slice, ...] = Field(default=(), description="slices of rows with metrics of their own")
    max_exposed_rows: int = Field(
        default=10, ge=0, le=100, description="maximal number of most exposed rows of train listed, by row number only"
    )
    budget: dict[AttackName, AttackBudget] = Field(
        default={}, description="what an attack may spend and how often it runs"
    )
    sampling_seed: int = Field(
        default=0, ge=0, description="another seed draws other rows and other training rows of reference models"
    )

    @property
    def budgets(self) -> dict[str, AttackBudget]:
        """`budget` by plain names, as schedules take it."""
        return {str(name): budget for name, budget in self.budget.items()}

    @field_validator("attacks", "fpr")
    @classmethod
    def _no_duplicates(cls, values: tuple[object, ...] | None) -> tuple[object, ...] | None:
        if values is not None and len(set(values)) != len(values):
            raise ValueError(f"listed twice: {', '.join(map(str, values))}")
        return values
