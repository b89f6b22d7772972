"""The attacks by name: which of them a model allows, and what each says of the audited rows."""

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
OF_CLASSES = ("label_only", "boundary", "black_box", "rule_based")
MANY_MODELS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores (n,) and (m,) of one attack on rows that it was not fitted on; higher = more likely a member.

    `graded` is False where a score is a yes or no only, which has no operating points to choose. `places` are the
    scored rows of either side. `models` reference models stood behind it, `queries` rows were shown to the model.
    """

    attack: str
    members: np.ndarray
    others: np.ndarray
    places: tuple[slice, slice] = (slice(None), slice(None))
    graded: bool = True
    models: int = 0
    queries: int = 0
    setting: str = ""

    @property
    def strength(self) -> str:
        """How much the attack could know, for whoever reads a low number."""
        if not self.models:
            return "weak, no reference models"
        word = "strong" if self.models >= MANY_MODELS else "moderate"
        return f"{word}, {self.models} reference model{'s' if self.models > 1 else ''}"


def default_attacks(model: Model) -> tuple[str, ...]:
    """The strongest quick attack that the model allows, which decides, and the cheap ones beside it."""
    if not model.classes:
        return ("rmia", "loss") if model.train is not None else ("quantile", "loss")
    if model.call_proba is None:
        return ("label_only", "rule_based")
    return ("rmia" if model.train is not None else "quantile", "loss", "black_box", "rule_based")


def allow(model: Model, attacks: tuple[str, ...], *, models: int) -> None:
    """Nothing, if the model and the number of reference models allow these attacks.

    Raises:
        CheckError: an attack that the policy names cannot run; it is never left out in silence.
    """
    for one in attacks:
        if one in OF_CLASSES and not model.classes:
            raise CheckError(f"attack {one!r} needs classes and model {model.name!r} predicts values; use rmia or loss")
        if one in WITH_CONFIDENCE and model.classes and model.call_proba is None:
            raise CheckError(
                f"model {model.name!r} offers no class probabilities and attack {one!r} reads them; deploy it with "
                "predict_proba, or set attacks: [boundary, label_only, rule_based]"
            )
        if one in WITH_REFERENCES and model.train is None:
            raise CheckError(
                f"attack {one!r} needs reference models and model {model.name!r} ({model.format}) cannot be retrained; "
                "deploy it in a format that keeps its recipe, or leave the choice of attacks to the check"
            )
    if "ensemble" in attacks and models < ensemble.LEAST_MODELS:
        raise CheckError(f"the ensemble learns from {ensemble.LEAST_MODELS} reference_models or more; found {models}")


def against_references(attack: str, audit: Audit, references: References) -> Scores:
    """The scores of an attack that compares the model with reference models."""
    how = _AGAINST_REFERENCES[attack]
    scores, setting = how(audit, references)
    count = len(audit.members)
    return Scores(
        attack=attack, members=scores[:count], others=scores[count:], models=len(references), setting=setting,
    )  # fmt: skip


def _rmia(audit: Audit, references: References) -> tuple[np.ndarray, str]:
    a = rmia.tuned(references)
    return rmia.offline(audit.signals, references, a=a), f"a = {a:g}, tuned on the reference models"


_AGAINST_REFERENCES: Mapping[str, Callable[[Audit, References], tuple[np.ndarray, str]]] = {
    "rmia": _rmia,
    "rmia_online": lambda audit, references: (rmia.online(audit.signals, references), ""),
    "lira": lambda audit, references: (lira.online(audit.signals, references), _variance(references)),
    "lira_offline": lambda audit, references: (lira.offline(audit.signals, references), "one variance"),
    "ensemble": lambda audit, references: (ensemble.scores(audit.signals, references, seed=audit.root % 2**32), ""),
}


def _variance(references: References) -> str:
    return "a variance per row" if len(references) >= lira.MANY else "one variance per side"
