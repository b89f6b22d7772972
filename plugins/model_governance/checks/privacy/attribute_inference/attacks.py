"""The attacks on an attribute, and what the same attacker guesses without the model.

confidence: Mehnaz et al. (2022), CSMIA: ask the model with each value, take the one under which the true label is
likeliest. bayes: the same likelihood times what the other features say of the attribute (Fredrikson et al., 2014).
output: learnt from the answer to the true record, which a customer's letter may hold.
imputation: no model at all, the control that Jayaraman and Evans (2022) demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from model_governance.attacks.access import outputs
from model_governance.attacks.schedule import metered
from model_governance.attacks.surrogate import learn_classes
from model_governance.checks.privacy.attribute_inference.answers import Answers, gauged
from model_governance.checks.privacy.attribute_inference.art_attacks import guess_with_art
from model_governance.checks.privacy.attribute_inference.params import LEAST, QUERYING
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.schedule import Effort, Meter
    from model_governance.attacks.surrogate import Classifier
    from model_governance.checks.privacy.attribute_inference.people import Side, Target
    from model_governance.contract.subject import Model

FLOOR = 1e-3  # a share of votes of 0 is no proof that the class is impossible
TIE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """Which rows of both sides a method names rightly, booleans (n,), and how many rows the model was shown for it.

    Where a budget ended early, these are the first rows of each side.
    """

    method: str
    members: np.ndarray
    others: np.ndarray
    queries: int = 0


class Attacker:
    """One attacker on one attribute; what several attacks need is learnt and asked once, and charged to each."""

    def __init__(self, target: Target, model: Model, *, seed: int) -> None:
        self.target = target
        self.model = model
        self.seed = seed
        self._likelihoods: dict[tuple[Side, int], np.ndarray] = {}

    def majority(self) -> Guesses:
        """The most frequent value of the attacker's rows, for everybody."""
        import numpy as np

        most = int(np.bincount(self.target.attacker.truth).argmax())
        sides = (self.target.members, self.target.others)
        return Guesses(method="majority", members=sides[0].truth == most, others=sides[1].truth == most)

    def imputation(self) -> Guesses:
        """What other features and the true label say, without the model."""
        sides = (self.target.members, self.target.others)
        right = [self._imputed.guesses(one.labelled) == one.truth for one in sides]
        return Guesses(method="imputation", members=right[0], others=right[1])

    def attack(self, name: str, effort: Effort) -> Guesses:
        """One attack by name, on as many people as its budget of queries reaches.

        Raises:
            CheckError: the attack must ask with values of the attribute, which is no feature of the model, or the
                budget reaches too few people.
            TimeSpent, ModelMisbehaved: as `metered` and `Model`.
        """
        _, meter = metered(self.model, effort, attack=name)
        sides = self._reached(name, meter)
        if own := self._own_questions(name):
            meter.charge(own)
        if name == "art_baseline":
            found = guess_with_art(self.target, sides, None, seed=self.seed)
        elif name == "art_black_box":
            found = guess_with_art(self.target, sides, lambda one: self._said(one, meter), seed=self.seed)
        else:
            guess = {"confidence": self._likeliest, "bayes": self._weighed, "output": self._learnt_from_answers}[name]
            found = (guess(sides[0], meter), guess(sides[1], meter))
        right = [one == side.truth for one, side in zip(found, sides, strict=True)]
        return Guesses(method=name, members=right[0], others=right[1], queries=meter.asked)

    def _reached(self, name: str, meter: Meter) -> tuple[Side, Side]:
        """The people that the budget reaches, equally many of both sides."""
        members, others = self.target.members, self.target.others
        if name in QUERYING and self.target.fillings is None:
            raise CheckError(
                f"attack {name!r} asks the model with each value of {self.target.values.column!r}, which is no feature "
                "of the model; attack it by `output`, or take it out of sensitive"
            )
        if meter.left is None or name == "art_baseline":
            return members, others
        price = self.target.questions if name in QUERYING else 1
        own = self._own_questions(name)
        people = (meter.left - own) // (2 * price)
        if people < LEAST:
            raise CheckError(
                f"attack {name!r} on {self.target.values.column!r} needs {2 * price:,} queries for a member and a "
                f"non-member and {own:,} for the attacker's rows; {meter.left:,} reach fewer than {LEAST} people a side: "
                f"give it effort.queries of {own + 2 * price * LEAST:,} or more"
            )
        return members.first(people), others.first(people)

    def _own_questions(self, name: str) -> int:
        """Rows of his own that the attacker shows the model, to learn what its answers mean."""
        if name == "art_baseline" or (name in QUERYING and self.model.call_proba is not None):
            return 0
        return len(self.target.attacker.truth)

    def _likeliest(self, side: Side, meter: Meter) -> np.ndarray:
        import numpy as np

        chances = self._chances(side, meter)
        tied = chances >= chances.max(axis=1, keepdims=True) * (1 - TIE)
        return np.where(tied, self._imputed.chances(side.labelled), -1.0).argmax(axis=1)

    def _weighed(self, side: Side, meter: Meter) -> np.ndarray:
        import numpy as np

        # The prior is learnt without the label: the model's answer is about the label, which must not count twice.
        chances = np.maximum(self._chances(side, meter), FLOOR)
        return (self._prior.chances(side.known) * chances).argmax(axis=1)

    def _learnt_from_answers(self, side: Side, meter: Meter) -> np.ndarray:
        import numpy as np

        return self._overheard.guesses(np.column_stack([side.labelled, self._said(side, meter)]))

    def _chances(self, side: Side, meter: Meter) -> np.ndarray:
        """How likely the model finds the true label under each value, (n, values): the mean over its fillings."""
        import numpy as np

        frame, found = side.rows.frame[list(self.target.features)], []
        for value, filling in enumerate(self.target.fillings or ()):
            meter.charge(len(frame) * len(filling))
            if (side, value) not in self._likelihoods:
                asked = [
                    self._answers.chances(_filled(frame, filling, row), side.rows.labels) for row in range(len(filling))
                ]
                self._likelihoods[side, value] = np.mean(asked, axis=0)
            found.append(self._likelihoods[side, value])
        return np.column_stack(found)

    def _said(self, side: Side, meter: Meter) -> np.ndarray:
        """What the model answers to the true records of a side: (n, k) or (n, 1)."""
        if side is self.target.attacker:
            return self._said_to_attacker
        meter.charge(len(side.truth))
        return outputs(self.model, side.rows.frame[list(self.target.features)])

    @cached_property
    def _said_to_attacker(self) -> np.ndarray:
        return outputs(self.model, self.target.attacker.rows.frame[list(self.target.features)])

    @cached_property
    def _answers(self) -> Answers:
        if self.model.call_proba is not None:
            return Answers(model=self.model)
        return gauged(self.model, self._said_to_attacker, self.target.attacker.rows.labels)

    @cached_property
    def _imputed(self) -> Classifier:
        return self._learnt(self.target.attacker.labelled, self.target.labelled_categories)

    @cached_property
    def _prior(self) -> Classifier:
        return self._learnt(self.target.attacker.known, self.target.categories)

    @cached_property
    def _overheard(self) -> Classifier:
        import numpy as np

        matrix = np.column_stack([self.target.attacker.labelled, self._said_to_attacker])
        return self._learnt(matrix, self.target.labelled_categories)

    def _learnt(self, matrix: np.ndarray, categories: Sequence[int]) -> Classifier:
        attacker, values = self.target.attacker, len(self.target.values.names)
        return learn_classes(matrix, attacker.truth, classes=values, categories=categories, seed=self.seed)


def _filled(frame: pd.DataFrame, filling: pd.DataFrame, row: int) -> pd.DataFrame:
    """The records with the attribute, and what else is unknown, set to one row of a filling."""
    import pandas as pd

    changed = {}
    for name in filling.columns:
        column = filling[name].iloc[[row] * len(frame)].set_axis(frame.index)
        # A category column keeps its own list of categories: some models read the codes.
        own = frame[name].dtype
        changed[name] = column.astype(own) if isinstance(own, pd.CategoricalDtype) else column
    return frame.assign(**changed)
