"""What a policy may set for `model_extraction`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from model_governance.attacks.access import AttackerAccess
from model_governance.attacks.schedule import AttackBudget
from model_governance.contract.check import Params
from model_governance.contract.floors import floors_of, paired_difference_of, share_of
from model_governance.contract.model import CLASSES

if TYPE_CHECKING:
    from model_governance.contract.check import Floor

AttackName = Literal["public", "synthetic", "knockoff_nets", "copycat_cnn"]
MIN_HELD_OUT = 40  # fewer held-out rows give no useful interval of the agreement
MIN_QUERIES = 20


class ExtractionParams(Params):
    """Which attacks copy the model, with how many queries, and on how many rows surrogate and model are compared."""

    attacks: tuple[AttackName, ...] = Field(
        default=("public", "synthetic"),
        min_length=1,
        description="public: queries with public rows; synthetic: queries with rows whose columns are sampled "
        "independently; knockoff_nets, copycat_cnn: the attacks of ART, with public and with synthetic rows",
    )
    query_budgets: tuple[Annotated[int, Field(ge=MIN_QUERIES)], ...] = Field(
        default=(100, 300, 1000),
        min_length=1,
        description="numbers of queries after which a surrogate is compared with the model, ascending",
    )
    samples: int = Field(
        default=5000,
        ge=MIN_HELD_OUT,
        description="maximal number of held-out rows on which surrogate and model are compared",
    )
    resamples: int = Field(
        default=500, ge=200, le=20_000, description="bootstrap resamples of the held-out rows, for a regression"
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

    @field_validator("query_budgets")
    @classmethod
    def _ascending(cls, query_budgets: tuple[int, ...]) -> tuple[int, ...]:
        if list(query_budgets) != sorted(set(query_budgets)):
            raise ValueError(f"query_budgets must ascend, found {list(query_budgets)}")
        return query_budgets


def floors(params: ExtractionParams) -> tuple[Floor, ...]:
    """The shares of agreement, and their differences, that few held-out rows cannot prove to be beyond every bound."""
    rows, shares = params.samples, ("fidelity", "baseline_fidelity", "constant_fidelity")
    return (
        *floors_of(*shares, param="samples", rows=rows, extremes=share_of(rows), tasks=CLASSES),
        *floors_of("fidelity_gain", param="samples", rows=rows, extremes=paired_difference_of(rows), tasks=CLASSES),
    )
