"""What a policy may set for `attribute_inference`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from model_governance.attacks.access import AttackerAccess
from model_governance.attacks.schedule import AttackBudget
from model_governance.contract.check import Params
from model_governance.contract.floors import floors_of, paired_difference_of, share_of

if TYPE_CHECKING:
    from model_governance.contract.check import Floor

AttackName = Literal["confidence", "bayes", "output", "art_black_box", "art_baseline"]
WITH_CANDIDATES: tuple[AttackName, ...] = ("confidence", "bayes")  # query the model with every candidate value
MIN_ROWS = 40  # fewer rows of a group give no useful interval
MIN_ROWS_PER_VALUE = 10


class AttributeParams(Params):
    """Which attributes are sensitive, what the attacker knows, and which attacks run."""

    sensitive: tuple[str, ...] = Field(
        min_length=1, description="columns that the attacker infers; mostly features of the model"
    )
    unknown: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="other features that the attacker does not know, per attribute: {sex: [relationship]}",
    )
    bins: dict[str, tuple[float, ...]] = Field(
        default_factory=dict,
        description="edges of the bins of a sensitive numeric column: {age: [25, 45, 65]}; by default quartiles",
    )
    attacks: tuple[AttackName, ...] = Field(
        default=("confidence", "bayes", "output"),
        min_length=1,
        description="confidence: the value under which the model finds the true label most likely; bayes: the same, "
        "weighted by the prior given the other features; output: a classifier trained on outputs for the true record; "
        "art_*: the attacks of ART",
    )
    samples: int = Field(
        default=5000,
        ge=MIN_ROWS,
        description="maximal number of members, of non-members, and of rows of the attacker",
    )
    max_values: int = Field(
        default=10,
        ge=2,
        le=50,
        description="maximal number of values of an attribute; rows with rarer ones are excluded",
    )
    fill_rows: Annotated[int, Field(ge=1, le=50)] = Field(
        default=5, description="rows that represent a bin, or the unknown features, in the queries for one value"
    )
    attacker_access: AttackerAccess = Field(
        default_factory=AttackerAccess, description="what the model's endpoint returns to the attacker"
    )
    budget: dict[str, AttackBudget] = Field(
        default_factory=dict, description="what an attack may spend, and how often it runs"
    )

    @field_validator("sensitive", "attacks")
    @classmethod
    def _no_duplicates(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError(f"listed twice: {', '.join(names)}")
        return names

    @model_validator(mode="after")
    def _details_belong_to_attributes(self) -> AttributeParams:
        for label, details in (("unknown", self.unknown), ("bins", self.bins)):
            others = sorted(set(details) - set(self.sensitive))
            if others:
                raise ValueError(f"{label} of {', '.join(others)}: name the column in sensitive too")
        for column, edges in self.bins.items():
            if not edges or list(edges) != sorted(set(edges)):
                raise ValueError(f"bins of {column} must ascend, found {list(edges)}")
        for column, unknown in self.unknown.items():
            if column in unknown:
                raise ValueError(f"unknown of {column} lists {column} itself; the sensitive attribute is never known")
        return self


def floors(params: AttributeParams) -> tuple[Floor, ...]:
    """The shares of inferred attributes that few rows cannot prove to be beyond every bound.

    What gaps can prove depends on the values of the attribute too, which are in the data.
    """
    rows, shares = params.samples, ("attack_accuracy", "imputation_accuracy", "majority_accuracy")
    return (
        *floors_of("attack_gain", param="samples", rows=rows, extremes=paired_difference_of(rows)),
        *floors_of(*shares, param="samples", rows=rows, extremes=share_of(rows)),
        *floors_of("member_gap", "control_gap", param="samples", rows=2 * rows),
    )
