"""Which distances a policy may name, and the params that choose among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, model_validator

from model_governance.check import Params
from model_governance.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

NUMBERS = frozenset({"numbers"})
CATEGORIES = frozenset({"categories"})

DISTANCES: Mapping[str, frozenset[str]] = {
    "psi": NUMBERS | CATEGORIES,
    "jensenshannon": NUMBERS | CATEGORIES,
    "wasserstein": NUMBERS,
    "hellinger": NUMBERS | CATEGORIES,
    "kl_div": NUMBERS | CATEGORIES,
    "TVD": CATEGORIES,
}
"""The distances and what they compare. TVD is half the sum of absolute differences of the shares."""

P_VALUES = frozenset(
    [
        "ks",
        "chisquare",
        "z",
        "anderson",
        "cramer_von_mises",
        "mannw",
        "ed",
        "es",
        "t_test",
        "empirical_mmd",
        "fisher_exact",
        "g_test",
        "text_content_drift",
        "perc_text_content_drift",
        "abs_text_content_drift",
    ]
)


def _known(method: str) -> str:
    if method in P_VALUES:
        raise ValueError(
            f"{method} gives a p-value: one per column and night without control of multiplicity is a false alarm machine "
            f"(fifty unchanged columns raise one on nine nights of ten); name a distance: {', '.join(DISTANCES)}"
        )
    if method not in DISTANCES:
        raise ValueError(f"unknown method {method!r}; there are {', '.join(DISTANCES)}")
    return method


Method = Annotated[str, AfterValidator(_known)]
Limit = Annotated[float, Field(gt=0)]


class DriftParams(Params):
    """Params of data drift: which distance compares which column, and when a column counts as drifted."""

    numeric_method: Method = "psi"
    categorical_method: Method = "psi"
    prediction_method: Method = "psi"
    methods: dict[str, Method] = Field(default={}, description="columns that another distance compares")
    column_threshold: Limit = Field(default=0.1, description="score from which a column counts in drift_share")
    column_thresholds: dict[Method, Limit] = Field(default={}, description="the same for single distances")
    columns: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="features to compare, by default all"
    )
    sample: int = Field(default=200_000, ge=100, description="most rows of each dataset that distances are computed on")

    @model_validator(mode="after")
    def _methods_fit(self) -> DriftParams:
        for field, family in (("numeric_method", "numbers"), ("categorical_method", "categories")):
            method = getattr(self, field)
            if family not in DISTANCES[method]:
                fitting = ", ".join(name for name, families in DISTANCES.items() if family in families)
                raise ValueError(f"{field}: {method} does not compare {family}; there are {fitting}")
        return self

    def method_for(self, column: str, kind: str) -> str:
        """The distance of a column: its own, or that of its family."""
        default = self.numeric_method if kind in NUMBER_KINDS else self.categorical_method
        return self.methods.get(column, default)

    def limit_for(self, method: str) -> float:
        """The score from which a column compared by this distance counts as drifted."""
        return self.column_thresholds.get(method, self.column_threshold)
