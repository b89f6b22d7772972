"""The frame of an attack with ART's interface (`art.attacks.EvasionAttack`): settings, their checks, the result."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from model_governance.attacks.art_toolbox import load_art
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def attack_base() -> type[Any]:
    """The class that our ART attacks derive from.

    A subclass sets `defaults` (settings by name) and defines `check_settings` and `generate`, which leaves what it
    measured in `result`.
    """
    load_art()
    from art.attacks import EvasionAttack
    from art.estimators import BaseEstimator
    from art.estimators.classification import ClassifierMixin

    class BatchedAttack(EvasionAttack):
        """All rows in one call, float32 in and out."""

        attack_params = [*EvasionAttack.attack_params]  # noqa: RUF012
        defaults: Mapping[str, Any] = {}
        _estimator_requirements = (BaseEstimator, ClassifierMixin)

        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            cls.attack_params = list(dict.fromkeys([*EvasionAttack.attack_params, *cls.defaults]))

        def __init__(self, estimator: Any, settings: dict[str, Any]) -> None:
            super().__init__(estimator=estimator)
            for name, value in self.defaults.items():
                setattr(self, name, value)
            self.result: Any = None
            self.set_params(**settings)

        def _check_params(self) -> None:
            super()._check_params()
            # ART checks in its own constructor too, before the settings exist.
            if hasattr(self, "result"):
                self.check_settings()

        def check_settings(self) -> None:
            """Raise CheckError for settings that would let the attack do nothing."""

        def generate(self, x: Any, y: Any = None, **kwargs: Any) -> Any:
            """The attacked points; defined by the subclass."""
            raise NotImplementedError

    return BatchedAttack


def make_attack(attack: type[Any], estimator: Any, settings: dict[str, Any]) -> Any:
    """The attack against the estimator, with these of its `attack_params` set.

    Raises:
        CheckError: a setting that does not exist.
        art.exceptions.EstimatorError: the estimator is no classifier.
    """
    unknown = set(settings) - set(attack.attack_params)
    if unknown:
        raise CheckError(f"unknown setting(s) {', '.join(sorted(unknown))}; known: {', '.join(attack.attack_params)}")
    return attack(estimator, settings)


def check_positive(**counts: float) -> None:
    """Refuse settings that would let an attack do nothing and look like robustness.

    Raises:
        CheckError: a count is below one, or a size is not positive.
    """
    for name, value in counts.items():
        if not value > 0:
            raise CheckError(f"{name} is {value!r}; an attack needs a positive one")
