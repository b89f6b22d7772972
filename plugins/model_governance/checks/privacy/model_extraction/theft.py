"""The attacks: which rows the model is asked about, budget by budget, and the copy that its answers make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.attacks.access import outputs
from model_governance.attacks.art_toolbox import quiet_attack
from model_governance.attacks.schedule import QueriesSpent
from model_governance.checks.privacy.model_extraction.surrogates import learn_copy
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.schedule import Meter
    from model_governance.checks.privacy.model_extraction.public_rows import Public
    from model_governance.checks.privacy.model_extraction.surrogates import Copy
    from model_governance.contract.subject import Model

ART_ATTACKS = ("knockoff_nets", "copycat_cnn")
ON_PUBLIC_ROWS = ("public", "knockoff_nets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stolen:
    """A copy at one budget; None, with the reason, where the budget was not reached."""

    attack: str
    budget: int
    copy: Copy | None = None
    reason: str = ""


def steal(
    attack: str, model: Model, meter: Meter, public: Public, *, budgets: Sequence[int], seed: int
) -> list[Stolen]:
    """One attack at every budget.

    Raises:
        CheckError: ART's attack on a regression, which it cannot copy.
        TimeSpent, ModelMisbehaved: as `metered` and `Model`.
    """
    if attack in ART_ATTACKS and not model.classes:
        raise CheckError(
            f"attack {attack!r} copies classifiers and {model.name!r} is a regression; use public or synthetic"
        )
    rows = public.pool if attack in ON_PUBLIC_ROWS else public.made
    ask = _with_art if attack in ART_ATTACKS else _grow
    found: list[Stolen] = []
    try:
        # One by one: what was copied before the budget was spent counts.
        for one in ask(attack, model, public, rows, budgets, seed):
            found.append(one)  # noqa: PERF402
    except QueriesSpent:
        reached = meter.asked
        reason = f"effort.queries of {attack} allow {meter.effort.queries:,} questions, of which {reached:,} were asked"
        found.extend(Stolen(attack=attack, budget=one, reason=reason) for one in budgets[len(found) :])
    return found


def learn_from_labels(public: Public, budget: int, *, classes: int, seed: int) -> Copy | None:
    """The copy that true labels make of as many public rows; None where there are not as many."""
    if budget > len(public.labels):
        return None
    matrix = public.design.matrix(public.pool.iloc[:budget])
    return learn_copy(matrix, public.labels[:budget], design=public.design, classes=classes, seed=seed)


def _grow(
    attack: str, model: Model, public: Public, rows: pd.DataFrame, budgets: Sequence[int], seed: int
) -> Iterator[Stolen]:
    """A larger budget asks about the rows of the smaller one and more, so each row is asked about once."""
    import numpy as np

    heard: list[np.ndarray] = []
    known = 0
    for budget in budgets:
        if budget > len(rows):
            yield Stolen(attack=attack, budget=budget, reason=_too_few(public, budget))
            continue
        heard.append(outputs(model, rows.iloc[known:budget]))
        known = budget
        answers = np.concatenate(heard)
        taught = answers if model.call_proba is not None else answers[:, 0]
        yield Stolen(attack=attack, budget=budget, copy=_copy(model, public, rows.iloc[:budget], taught, seed))


def _copy(model: Model, public: Public, rows: pd.DataFrame, taught: np.ndarray, seed: int) -> Copy:
    matrix = public.design.matrix(rows)
    if taught.ndim == 1 and model.classes:
        # An answer that is no declared class teaches nothing.
        matrix, taught = matrix[taught >= 0], taught[taught >= 0]
    return learn_copy(matrix, taught, design=public.design, classes=len(model.classes), seed=seed)


def _with_art(
    attack: str, model: Model, public: Public, rows: pd.DataFrame, budgets: Sequence[int], seed: int
) -> Iterator[Stolen]:
    """ART's Knockoff Nets (Orekondy et al., 2019; random strategy) and Copycat CNN (Correia-Silva et al., 2018).

    ART is given row numbers: it chooses which rows to ask about and hands the answers to the thief, which learns
    what our own attacks learn; ART's adaptive strategy trains a network answer by answer and needs torch.
    """
    known: dict[int, np.ndarray] = {}
    for budget in budgets:
        if budget > len(rows):
            yield Stolen(attack=attack, budget=budget, reason=_too_few(public, budget))
            continue
        # Under one seed ART's choice for a larger budget begins with that for the smaller.
        with quiet_attack(seed):
            copy = _stolen_by_art(attack, model, public, rows, budget, known, seed)
        yield Stolen(attack=attack, budget=budget, copy=copy)


def _stolen_by_art(
    attack: str, model: Model, public: Public, rows: pd.DataFrame, budget: int, known: dict[int, np.ndarray], seed: int
) -> Copy:
    """The copy at one budget; `known` holds what the model said of a row, so that none is asked about twice."""
    import numpy as np
    from art.attacks.extraction import CopycatCNN, KnockoffNets
    from art.estimators.classification import BlackBoxClassifier

    classes, graded = len(model.classes), model.call_proba is not None
    learnt: list[Copy] = []

    def answers(numbers: np.ndarray) -> np.ndarray:
        wanted = numbers[:, 0].astype(int).tolist()
        new = [one for one in wanted if one not in known]
        if new:
            found = outputs(model, rows.iloc[new])
            known.update(zip(new, found if graded else np.eye(classes)[found[:, 0].astype(int)], strict=True))
        return np.stack([known[one] for one in wanted])

    class Thief(BlackBoxClassifier):
        """What ART trains: it is handed the answers and learns a surrogate from them."""

        def fit(self, x: np.ndarray, y: np.ndarray, **_: Any) -> None:
            taught = y.astype(np.float64) if attack == "knockoff_nets" and graded else y.argmax(axis=1)
            learnt.append(_copy(model, public, rows.iloc[x[:, 0].astype(int)], taught, seed))

    # Batches of the whole budget: ART would otherwise ask row by row.
    settings: dict[str, Any] = {
        "batch_size_query": budget, "batch_size_fit": budget, "nb_epochs": 1, "nb_stolen": budget,
    }  # fmt: skip
    victim = BlackBoxClassifier(answers, (1,), classes)
    if attack == "knockoff_nets":
        theft = KnockoffNets(victim, **settings, verbose=False, use_probability=graded)
    else:
        theft = CopycatCNN(victim, **settings)
    numbers = np.arange(len(rows), dtype=np.float32)[:, None]
    theft.extract(numbers, thieved_classifier=Thief(answers, (1,), classes))
    return learnt[0]


def _too_few(public: Public, budget: int) -> str:
    return (
        f"a budget of {budget:,} needs as many public rows beside those held out, found {len(public.labels):,} of "
        f"{public.role}; give more rows or smaller budgets"
    )
