"""What a policy may set for `attribute_inference`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from model_governance.attacks.access import AttackerAccess
from model_governance.attacks.schedule import Effort
from model_governance.contract.check import Params

AttackName = Literal["confidence", "bayes", "output", "art_black_box", "art_baseline"]
QUERYING: tuple[AttackName, ...] = ("confidence", "bayes")
LEAST = 40  # rows per side; with fewer no interval says anything
LEAST_PER_VALUE = 10


class AttributeParams(Params):
    """Which attributes are secret, what the attacker knows, and how he attacks."""

    sensitive: tuple[str, ...] = Field(
        min_length=1, description="columns that the attacker wants to learn; mostly features of the model"
    )
    unknown: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="other features that the attacker does not know either, per attribute: {sex: [relationship]}",
    )
    bands: dict[str, tuple[float, ...]] = Field(
        default_factory=dict,
        description="where a sensitive column of numbers is cut into bands: {age: [25, 45, 65]}; quartiles otherwise",
    )
    attacks: tuple[AttackName, ...] = Field(
        default=("confidence", "bayes", "output"),
        min_length=1,
        description="confidence: the value under which the model finds the true label likeliest; bayes: the same, "
        "weighed with what other features say; output: learnt from the answer to the true record; art_*: ART's",
    )
    samples: int = Field(
        default=5000, ge=LEAST, description="rows at most of members, of non-members, and of what the attacker has"
    )
    most_values: int = Field(
        default=10,
        ge=2,
        le=50,
        description="values of an attribute that are told apart; rows with rarer ones are left out",
    )
    fills: Annotated[int, Field(ge=1, le=50)] = Field(
        default=5, description="rows that stand for a band, or for columns not known, in a question to the model"
    )
    attacker_access: AttackerAccess = Field(
        default_factory=AttackerAccess, description="what the model's endpoint returns to the attacker"
    )
    effort: dict[str, Effort] = Field(
        default_factory=dict, description="what an attack may spend, and how often it runs"
    )

    @field_validator("sensitive", "attacks")
    @classmethod
    def _nothing_twice(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError(f"listed twice: {', '.join(names)}")
        return names

    @model_validator(mode="after")
    def _details_belong_to_attributes(self) -> AttributeParams:
        for label, details in (("unknown", self.unknown), ("bands", self.bands)):
            strange = sorted(set(details) - set(self.sensitive))
            if strange:
                raise ValueError(f"{label} of {', '.join(strange)}: name the column in sensitive too")
        for name, cuts in self.bands.items():
            if not cuts or list(cuts) != sorted(set(cuts)):
                raise ValueError(f"bands of {name} must ascend, found {list(cuts)}")
        for name, others in self.unknown.items():
            if name in others:
                raise ValueError(
                    f"unknown of {name} lists {name} itself; what the attacker wants is never known to him"
                )
        return self
