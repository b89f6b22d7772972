"""The parameters of the evasion check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from model_governance.attacks.schedule import AttackBudget
from model_governance.checks.robustness.evasion.moves import ROUNDING
from model_governance.contract.check import Params
from model_governance.contract.floors import floors_of, share_of
from model_governance.contract.row_selection import PRESET_ROWS, SIDES, RowSelection, Side
from model_governance.contract.slices import Slice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_governance.contract.check import Floor
    from model_governance.contract.subject import Task
    from model_governance.contract.threat_model import Preset

AttackName = Literal["hopskipjump", "greedy", "gradient", "exact", "autoattack", "apgd", "fab", "square"]
Norm = Literal["linf", "l2", "cost"]
Budget = Annotated[float, Field(gt=0)]
DEFAULT_ATTACKS: tuple[AttackName, ...] = ("hopskipjump", "greedy", "gradient", "exact")
# The ensemble asks what the others would; without gradients, then without scores, the next one does.
IMAGE_ATTACKS: tuple[AttackName, ...] = ("autoattack", "square", "hopskipjump")
EVERY_ATTACK: tuple[AttackName, ...] = get_args(AttackName)


class EvasionParams(Params):
    """Attacks, budgets and norm; what the attacker can change is in the policy's `threat_model`."""

    attacks: tuple[AttackName, ...] | None = Field(
        default=None,
        min_length=1,
        description="hopskipjump needs labels only; greedy probabilities, a regression, or a text to edit; gradient (PGD) a model with "
        "gradients; exact a tree ensemble. By default all of these that fit the model. To be named: autoattack, apgd and fab "
        "(a classifier with gradients), square (scores); linf and l2. With columns.image the default is the first that fits of "
        "autoattack, square and hopskipjump. One that is named and does not fit is an error",
    )
    samples: int = Field(default=100, ge=1, description="rows drawn; cost grows with it, intervals shrink")
    rows: RowSelection | Literal["all"] | None = Field(
        default=None,
        description="which rows are drawn: by prediction, label or a condition on a column; all. By default what the preset of "
        "the threat model is about: fraud draws positives that are predicted positive, credit_applicant rows that are "
        "predicted positive, every other policy all rows. Fewer than 10 such rows are uncertain",
    )
    to: Side | None = Field(
        default=None,
        description="the answer that the attacker wants (binary classification): rows that have the other one are drawn",
    )
    epsilon: Budget | Annotated[tuple[Budget, ...], Field(min_length=1)] = Field(
        default=0.1,
        description="budget: share of each feature's range that may change, at most 1; with norm cost in units of cost. Of a "
        "list, the first number is the one of attack_success_rate and robust_accuracy",
    )
    norm: Norm = Field(
        default="linf",
        description="linf: every feature within the budget; l2: all changes together; cost: sum of the threat model's costs",
    )
    utility: str | None = Field(
        default=None,
        min_length=1,
        description="norm cost only: a column of numbers that says what a row is worth to the attacker, as the amount of a "
        "payment; epsilon and all sizes are then costs as a share of it, and the gain net of cost is reported",
    )
    tolerance: float | None = Field(
        default=None, gt=0, description="regression only: a change of the prediction beyond it is a flip"
    )
    categories: Literal["fixed", "free"] = Field(
        default="fixed",
        description="for categories that the threat model does not mention; free: any value in the data",
    )
    slices: tuple[Slice, ...] = Field(default=(), description="groups of rows with a success rate of their own")
    budget: dict[str, AttackBudget] = Field(
        default_factory=dict, description="what each attack may spend, and how often it runs"
    )
    max_iterations: int = Field(default=10, ge=1, le=1000, description="steps of hopskipjump and gradient")
    max_evaluations: int = Field(default=300, ge=10, description="most queries of one boundary estimate of hopskipjump")
    initial_size: int = Field(default=1000, ge=10, description="tries per row to find a first adversarial row")
    exact_rows: int = Field(default=20, ge=1, description="rows for which exact computes the smallest flip")

    def misfits(self, task: Task) -> Iterator[tuple[str, str]]:
        """A regression needs `tolerance`, the change of the prediction that counts as a flip; no other task has it."""
        if task == "regression" and self.tolerance is None:
            change = "the change of the prediction (in units of the target) that would matter"
            yield "tolerance", f"a regression has no classes that could flip: set it to {change}"
        if task != "binary_classification":
            words = [("to", self.to), ("rows", isinstance(self.rows, RowSelection) and self.rows.predicted)]
            yield from (
                (word, f"positive and negative are answers of binary classification, and the task is {task}; remove it")
                for word, given in words
                if given
            )
        if task != "regression" and self.tolerance is not None:
            yield "tolerance", f"it is for regression, and the model's task is {task}; remove it"

    @field_validator("attacks")
    @classmethod
    def _each_attack_once(cls, attacks: tuple[AttackName, ...] | None) -> tuple[AttackName, ...] | None:
        if attacks is not None and len(set(attacks)) != len(attacks):
            raise ValueError(f"an attack is listed twice: {', '.join(attacks)}")
        return attacks

    @field_validator("budget")
    @classmethod
    def _budgets_are_of_attacks(cls, budget: dict[str, AttackBudget]) -> dict[str, AttackBudget]:
        unknown = [name for name in budget if name not in EVERY_ATTACK]
        if unknown:
            raise ValueError(f"no attack is called {', '.join(unknown)}; there are {', '.join(EVERY_ATTACK)}")
        return budget

    @model_validator(mode="after")
    def _budgets_make_sense(self) -> EvasionParams:
        given = self.epsilon if isinstance(self.epsilon, tuple) else (self.epsilon,)
        if len(set(given)) != len(given):
            raise ValueError("epsilon lists a budget twice")
        if min(given) < ROUNDING:
            raise ValueError(f"epsilon {min(given):g} is below {ROUNDING:g}, which attacks take for rounding; raise it")
        if self.utility is not None and self.norm != "cost":
            raise ValueError(
                f"utility compares costs with what a row is worth, and the norm is {self.norm}; set norm: cost"
            )
        if self.norm != "cost" and max(given) > 1:
            raise ValueError(f"epsilon is a share of the ranges in norm {self.norm}, at most 1; found {max(given):g}")
        return self

    @model_validator(mode="after")
    def _rows_can_be_flipped(self) -> EvasionParams:
        if self.to is not None and isinstance(self.rows, RowSelection) and self.rows.predicted == self.to:
            raise ValueError(
                f"rows draws those predicted {self.to}, which is where `to` leads already; name the other answer"
            )
        return self

    def selection(self, preset: Preset | None, task: Task) -> RowSelection:
        """Which rows are drawn; without `rows` those that the story of the preset is about."""
        if isinstance(self.rows, RowSelection):
            chosen = self.rows
        elif self.rows is None and preset is not None and task == "binary_classification":
            chosen = PRESET_ROWS.get(preset, RowSelection())
        else:
            chosen = RowSelection()
        return chosen if self.to is None else chosen.model_copy(update={"predicted": SIDES[self.to]})

    @property
    def main_epsilon(self) -> float:
        """The perturbation budget of the metrics without one in their key."""
        return self.epsilon[0] if isinstance(self.epsilon, tuple) else self.epsilon

    @property
    def epsilons(self) -> tuple[float, ...]:
        """All perturbation budgets, the smallest first."""
        return tuple(sorted(self.epsilon)) if isinstance(self.epsilon, tuple) else (self.epsilon,)


def unit_of(params: EvasionParams, *, cost: str, share: str) -> str:
    """The unit of sizes and budgets in words, of which `cost` and `share` are those of the norms."""
    if params.utility is not None:
        return f"times {params.utility}, in cost"
    return cost if params.norm == "cost" else share


def floors(params: EvasionParams) -> tuple[Floor, ...]:
    """The shares that few attacked rows cannot prove to be beyond every bound."""
    rows, exact = params.samples, params.exact_rows
    of_exact = ("exact_attack_success_rate", "missed_share")
    of_samples = (
        "attack_success_rate", "attack_success_rate_at", "robust_accuracy", "robust_accuracy_at", "clean_accuracy",
        "slice_attack_success_rate", "unattacked_share", "certified_attack_success_rate", *of_exact,
    )  # fmt: skip
    return (
        *floors_of(*of_samples, param="samples", rows=rows, extremes=share_of(rows)),
        *floors_of(*of_exact, param="exact_rows", rows=exact, extremes=share_of(exact)),
        *floors_of(
            "median_distance", "distance_quantile", "queries_per_row", "optimality_gap", param="samples", rows=rows
        ),
        *floors_of("optimality_gap", param="exact_rows", rows=exact),
    )
