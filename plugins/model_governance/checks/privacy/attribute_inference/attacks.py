"""The attacks on an attribute, and the baselines that need no model.

confidence: CSMIA of Mehnaz et al. (2022): query the model with each value, take the one under which the true label is
most likely. bayes: the same likelihood times the prior given the other features (Fredrikson et al., 2014).
output: a classifier trained on the outputs for true records, which an attacker may observe.
imputation: without the model, the baseline that Jayaraman and Evans (2022) require.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from model_governance.attacks.access import outputs
from model_governance.attacks.schedule import limit_queries
from model_governance.attacks.surrogate import learn_classes
from model_governance.checks.privacy.attribute_inference.art_attacks import infer_with_art
from model_governance.checks.privacy.attribute_inference.likelihood import LabelLikelihood, fit_likelihood
from model_governance.checks.privacy.attribute_inference.params import MIN_ROWS, WITH_CANDIDATES
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.schedule import AttackBudget, QueryBudget
    from model_governance.attacks.surrogate import Classifier
    from model_governance.checks.privacy.attribute_inference.targets import AttributeTarget, Group
    from model_governance.contract.subject import Model

MIN_LIKELIHOOD = 1e-3  # a share of votes of 0 does not prove that a class is impossible
TIE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """For which rows a method infers the true value, booleans (n,), and its number of queries.

    Where a query budget ended early, these are the first rows of each group.
    """

    method: str
    members: np.ndarray
    non_members: np.ndarray
    queries: int = 0


class Attacker:
    """One attacker on one attribute.

    Classifiers and outputs that several attacks need are computed once; the queries are charged to each attack.
    """

    def __init__(self, target: AttributeTarget, model: Model, *, seed: int) -> None:
        self.target = target
        self.model = model
        self.seed = seed
        self._cached_likelihoods: dict[tuple[Group, int], np.ndarray] = {}

    def majority(self) -> MethodResult:
        """Baseline: the most frequent value of the attacker's rows, for every row."""
        import numpy as np

        most_frequent = int(np.bincount(self.target.attacker.truth).argmax())
        members, non_members = self.target.members, self.target.non_members
        return MethodResult(
            method="majority", members=members.truth == most_frequent, non_members=non_members.truth == most_frequent
        )

    def imputation(self) -> MethodResult:
        """Baseline: what the other features and the true label reveal, without the model."""
        groups = (self.target.members, self.target.non_members)
        correct = [self._imputer.guesses(group.labelled) == group.truth for group in groups]
        return MethodResult(method="imputation", members=correct[0], non_members=correct[1])

    def attack(self, name: str, budget: AttackBudget) -> MethodResult:
        """Run one attack by name, on as many rows as its query budget allows.

        Raises:
            CheckError: the attack must query with values of the attribute, which is no feature of the model, or the
                budget allows too few rows.
            TimeBudgetExceeded, ModelMisbehaved: as `limit_queries` and `Model`.
        """
        _, query_budget = limit_queries(self.model, budget, attack=name)
        groups = self._affordable(name, query_budget)
        if own := self._queries_for_own_rows(name):
            query_budget.charge(own)
        if name == "art_baseline":
            inferred = infer_with_art(self.target, groups, None, seed=self.seed)
        elif name == "art_black_box":
            inferred = infer_with_art(
                self.target, groups, lambda group: self._outputs(group, query_budget), seed=self.seed
            )
        else:
            infer = {"confidence": self._most_likely, "bayes": self._most_probable, "output": self._from_outputs}[name]
            inferred = (infer(groups[0], query_budget), infer(groups[1], query_budget))
        correct = [values == group.truth for values, group in zip(inferred, groups, strict=True)]
        return MethodResult(method=name, members=correct[0], non_members=correct[1], queries=query_budget.asked)

    def _affordable(self, name: str, query_budget: QueryBudget) -> tuple[Group, Group]:
        """The rows that the query budget allows, equally many of both groups."""
        members, non_members = self.target.members, self.target.non_members
        if name in WITH_CANDIDATES and self.target.fillings is None:
            raise CheckError(
                f"attack {name!r} queries the model with each value of {self.target.values.column!r}, which is no feature "
                "of the model; attack it by `output`, or remove it from sensitive"
            )
        if query_budget.remaining is None or name == "art_baseline":
            return members, non_members
        price = self.target.queries_per_row if name in WITH_CANDIDATES else 1
        own = self._queries_for_own_rows(name)
        rows = (query_budget.remaining - own) // (2 * price)
        if rows < MIN_ROWS:
            raise CheckError(
                f"attack {name!r} on {self.target.values.column!r} needs {2 * price:,} queries for a member and a "
                f"non-member and {own:,} for the attacker's rows; {query_budget.remaining:,} allow fewer than {MIN_ROWS} rows per "
                f"group: set budget.{name}.max_queries to {own + 2 * price * MIN_ROWS:,} or more"
            )
        return members.first(rows), non_members.first(rows)

    def _queries_for_own_rows(self, name: str) -> int:
        """Queries for the attacker's own rows, from which he learns what outputs mean."""
        if name == "art_baseline" or (name in WITH_CANDIDATES and self.model.call_proba is not None):
            return 0
        return len(self.target.attacker.truth)

    def _most_likely(self, group: Group, query_budget: QueryBudget) -> np.ndarray:
        """Maximum likelihood; imputation decides between equals."""
        import numpy as np

        likelihoods = self._likelihoods(group, query_budget)
        tied = likelihoods >= likelihoods.max(axis=1, keepdims=True) * (1 - TIE)
        return np.where(tied, self._imputer.chances(group.labelled), -1.0).argmax(axis=1)

    def _most_probable(self, group: Group, query_budget: QueryBudget) -> np.ndarray:
        """Maximum a posteriori."""
        import numpy as np

        # The prior is trained without the label: the likelihood is that of the label, which must not count twice.
        likelihoods = np.maximum(self._likelihoods(group, query_budget), MIN_LIKELIHOOD)
        return (self._prior.chances(group.known) * likelihoods).argmax(axis=1)

    def _from_outputs(self, group: Group, query_budget: QueryBudget) -> np.ndarray:
        """Classification by the output for the true record."""
        import numpy as np

        return self._output_classifier.guesses(np.column_stack([group.labelled, self._outputs(group, query_budget)]))

    def _likelihoods(self, group: Group, query_budget: QueryBudget) -> np.ndarray:
        """Likelihood of the true label under each value, (n, values): the mean over its fillings."""
        import numpy as np

        frame, columns = group.rows.frame[list(self.target.features)], []
        for value, filling in enumerate(self.target.fillings or ()):
            query_budget.charge(len(frame) * len(filling))
            if (group, value) not in self._cached_likelihoods:
                likelihoods = [
                    self._likelihood(_fill(frame, filling, row), group.rows.labels) for row in range(len(filling))
                ]
                self._cached_likelihoods[group, value] = np.mean(likelihoods, axis=0)
            columns.append(self._cached_likelihoods[group, value])
        return np.column_stack(columns)

    def _outputs(self, group: Group, query_budget: QueryBudget) -> np.ndarray:
        """The model's outputs for the true records of a group: (n, k) or (n, 1)."""
        if group is self.target.attacker:
            return self._outputs_for_own_rows
        query_budget.charge(len(group.truth))
        return outputs(self.model, group.rows.frame[list(self.target.features)])

    @cached_property
    def _outputs_for_own_rows(self) -> np.ndarray:
        return outputs(self.model, self.target.attacker.rows.frame[list(self.target.features)])

    @cached_property
    def _likelihood(self) -> LabelLikelihood:
        if self.model.call_proba is not None:
            return LabelLikelihood(model=self.model)
        return fit_likelihood(self.model, self._outputs_for_own_rows, self.target.attacker.rows.labels)

    @cached_property
    def _imputer(self) -> Classifier:
        return self._fit(self.target.attacker.labelled, self.target.labelled_categories)

    @cached_property
    def _prior(self) -> Classifier:
        return self._fit(self.target.attacker.known, self.target.categories)

    @cached_property
    def _output_classifier(self) -> Classifier:
        import numpy as np

        matrix = np.column_stack([self.target.attacker.labelled, self._outputs_for_own_rows])
        return self._fit(matrix, self.target.labelled_categories)

    def _fit(self, matrix: np.ndarray, categories: Sequence[int]) -> Classifier:
        attacker, values = self.target.attacker, len(self.target.values.names)
        return learn_classes(matrix, attacker.truth, classes=values, categories=categories, seed=self.seed)


def _fill(frame: pd.DataFrame, filling: pd.DataFrame, row: int) -> pd.DataFrame:
    """The records with the attribute, and the other unknown features, set to one row of a filling."""
    import pandas as pd

    columns = {}
    for name in filling.columns:
        column = filling[name].iloc[[row] * len(frame)].set_axis(frame.index)
        # A category column keeps its own list of categories: some models read the codes.
        dtype = frame[name].dtype
        columns[name] = column.astype(dtype) if isinstance(dtype, pd.CategoricalDtype) else column
    return frame.assign(**columns)
