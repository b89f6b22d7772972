"""The attacks by name: which of them a model allows, and the scores of those that use reference models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference import ensemble, lira, rmia
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.references import References
    from model_governance.contract.subject import Model

WITH_REFERENCES = ("rmia", "rmia_online", "lira", "lira_offline", "ensemble")
WITH_CONFIDENCE = (*WITH_REFERENCES, "quantile", "loss", "black_box")
CLASSIFICATION_ONLY = ("label_only", "boundary", "black_box", "rule_based")
STRONG_FROM_MODELS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of members (n,) and non-members (m,) of one attack, on rows that it was not fitted on.

    A higher score is more likely a member. `continuous` is False where a score is binary, which has no threshold to
    choose. `scored` selects the rows of either group that were scored. `models` is the number of reference models,
    `queries` the number of rows that the model was queried with.
    """

    attack: str
    members: np.ndarray
    non_members: np.ndarray
    scored: tuple[slice, slice] = (slice(None), slice(None))
    continuous: bool = True
    models: int = 0
    queries: int = 0
    setting: str = ""

    @property
    def strength(self) -> str:
        """How strong the attack is, so that a low number can be read correctly."""
        if not self.models:
            return "weak, no reference models"
        word = "strong" if self.models >= STRONG_FROM_MODELS else "moderate"
        return f"{word}, {self.models} reference model{'s' if self.models > 1 else ''}"


def default_attacks(model: Model, *, models: int) -> tuple[str, ...]:
    """The strongest attack that the model and so many reference models allow, which decides, and the cheaper ones after it.

    The choice is made from what the model offers, never from scores, so that it does not need a correction for the best
    of several.
    """
    strongest: tuple[str, ...] = ("quantile",)
    if model.train is not None:
        strongest = ("ensemble", "rmia") if models >= ensemble.MIN_MODELS else ("rmia",)
    if not model.classes:
        return (*strongest, "loss")
    if model.call_proba is None:
        return ("label_only", "rule_based")
    return (*strongest, "loss", "black_box", "rule_based")


def check_attacks(model: Model, attacks: tuple[str, ...], *, models: int) -> None:
    """Check that the model and the number of reference models allow these attacks.

    Raises:
        CheckError: an attack that the policy names cannot run; it is never skipped silently.
    """
    for attack in attacks:
        if attack in CLASSIFICATION_ONLY and not model.classes:
            raise CheckError(
                f"attack {attack!r} needs classes and model {model.name!r} predicts values; use rmia or loss"
            )
        if attack in WITH_CONFIDENCE and model.classes and model.call_proba is None:
            raise CheckError(
                f"model {model.name!r} offers no class probabilities and attack {attack!r} reads them; deploy it with "
                "predict_proba, or set attacks: [boundary, label_only, rule_based]"
            )
        if attack in WITH_REFERENCES and model.train is None:
            raise CheckError(
                f"attack {attack!r} needs reference models and model {model.name!r} ({model.format}) cannot be retrained; "
                "deploy it in a format that keeps its recipe, or leave the choice of attacks to the check"
            )
    if "ensemble" in attacks and models < ensemble.MIN_MODELS:
        raise CheckError(f"the ensemble learns from {ensemble.MIN_MODELS} reference_models or more; found {models}")


def score_with_references(attack: str, audit: Audit, references: References) -> Scores:
    """The scores of an attack that compares the model with reference models."""
    scores, setting = _WITH_REFERENCES[attack](audit, references)
    count = len(audit.members)
    return Scores(
        attack=attack, members=scores[:count], non_members=scores[count:], models=len(references), setting=setting,
    )  # fmt: skip


def _rmia(audit: Audit, references: References) -> tuple[np.ndarray, str]:
    a = rmia.tuned(references)
    return rmia.offline(audit.signals, references, a=a), f"a = {a:g}, tuned on the reference models"


def _ensemble(audit: Audit, references: References) -> tuple[np.ndarray, str]:
    return ensemble.scores(audit.signals, references, seed=audit.root_seed % 2**32), ""


_WITH_REFERENCES: Mapping[str, Callable[[Audit, References], tuple[np.ndarray, str]]] = {
    "rmia": _rmia,
    "rmia_online": lambda audit, references: (rmia.online(audit.signals, references), ""),
    "lira": lambda audit, references: (lira.online(audit.signals, references), _variance(references)),
    "lira_offline": lambda audit, references: (lira.offline(audit.signals, references), "global variance"),
    "ensemble": _ensemble,
}


def _variance(references: References) -> str:
    return "variance per row" if len(references) >= lira.MODELS_FOR_ROW_VARIANCE else "global variance"
