"""The extraction attacks: which rows are queried with each query budget, and the surrogate trained on the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.attacks.access import outputs
from model_governance.attacks.art_toolbox import quiet_attack
from model_governance.attacks.schedule import QueryBudgetExceeded
from model_governance.checks.privacy.model_extraction.surrogates import fit_surrogate
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.schedule import QueryBudget
    from model_governance.checks.privacy.model_extraction.query_data import QueryData
    from model_governance.checks.privacy.model_extraction.surrogates import Surrogate
    from model_governance.contract.subject import Model

ART_ATTACKS = ("knockoff_nets", "copycat_cnn")
ON_PUBLIC_ROWS = ("public", "knockoff_nets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """The surrogate of one query budget; None, with the reason, where that many queries were not possible."""

    attack: str
    queries: int
    surrogate: Surrogate | None = None
    reason: str = ""


def extract(
    attack: str, model: Model, query_budget: QueryBudget, data: QueryData, *, query_budgets: Sequence[int], seed: int
) -> list[Extraction]:
    """Run one attack with every query budget.

    Args:
        attack: its name.
        model: the model as the attacker sees it, limit_queries.
        query_budget: counts the queries of this attack.
        data: public and synthetic rows.
        query_budgets: numbers of queries, ascending.
        seed: of every random draw.

    Raises:
        CheckError: an attack of ART on a regression, which ART does not support.
        TimeBudgetExceeded, ModelMisbehaved: as `limit_queries` and `Model`.
    """
    if attack in ART_ATTACKS and not model.classes:
        raise CheckError(
            f"attack {attack!r} copies classifiers and {model.name!r} is a regression; use public or synthetic"
        )
    rows = data.pool if attack in ON_PUBLIC_ROWS else data.synthetic
    run = _extract_with_art if attack in ART_ATTACKS else _extract
    extractions: list[Extraction] = []
    try:
        # One by one: surrogates trained before the budget was spent count.
        for extraction in run(attack, model, data, rows, query_budgets, seed):
            extractions.append(extraction)  # noqa: PERF402
    except QueryBudgetExceeded:
        limit = f"budget.{attack}.max_queries"
        reason = (
            f"{limit} allows {query_budget.budget.max_queries:,} queries, of which {query_budget.asked:,} were used"
        )
        missing = query_budgets[len(extractions) :]
        extractions.extend(Extraction(attack=attack, queries=queries, reason=reason) for queries in missing)
    return extractions


def train_on_labels(data: QueryData, rows: int, *, classes: int, seed: int) -> Surrogate | None:
    """The baseline: a surrogate trained on the true labels of the first public rows; None where there are too few."""
    if rows > len(data.labels):
        return None
    matrix = data.design.matrix(data.pool.iloc[:rows])
    return fit_surrogate(matrix, data.labels[:rows], design=data.design, classes=classes, seed=seed)


def _extract(
    attack: str, model: Model, data: QueryData, rows: pd.DataFrame, query_budgets: Sequence[int], seed: int
) -> Iterator[Extraction]:
    """A larger query budget reuses the outputs of the smaller one, so that each row is queried once."""
    import numpy as np

    collected: list[np.ndarray] = []
    queried = 0
    for queries in query_budgets:
        if queries > len(rows):
            yield Extraction(attack=attack, queries=queries, reason=_too_few(data, queries))
            continue
        collected.append(outputs(model, rows.iloc[queried:queries]))
        queried = queries
        known = np.concatenate(collected)
        targets = known if model.call_proba is not None else known[:, 0]
        surrogate = _fit(model, data, rows.iloc[:queries], targets, seed)
        yield Extraction(attack=attack, queries=queries, surrogate=surrogate)


def _fit(model: Model, data: QueryData, rows: pd.DataFrame, targets: np.ndarray, seed: int) -> Surrogate:
    matrix = data.design.matrix(rows)
    if targets.ndim == 1 and model.classes:
        # A label that is no declared class cannot be learned.
        matrix, targets = matrix[targets >= 0], targets[targets >= 0]
    return fit_surrogate(matrix, targets, design=data.design, classes=len(model.classes), seed=seed)


def _extract_with_art(
    attack: str, model: Model, data: QueryData, rows: pd.DataFrame, query_budgets: Sequence[int], seed: int
) -> Iterator[Extraction]:
    """Knockoff Nets (Orekondy et al., 2019; random strategy) and Copycat CNN (Correia-Silva et al., 2018) of ART.

    ART gets row numbers: it chooses the rows to query and passes the outputs to an estimator, which trains the same
    surrogates as our own attacks. The adaptive strategy of ART trains a neural network and needs torch.
    """
    known: dict[int, np.ndarray] = {}
    for queries in query_budgets:
        if queries > len(rows):
            yield Extraction(attack=attack, queries=queries, reason=_too_few(data, queries))
            continue
        # Under one seed the rows that ART chooses for a larger budget begin with those of the smaller.
        with quiet_attack(seed):
            surrogate = _surrogate_of_art(attack, model, data, rows, queries, known, seed)
        yield Extraction(attack=attack, queries=queries, surrogate=surrogate)


def _surrogate_of_art(
    attack: str, model: Model, data: QueryData, rows: pd.DataFrame, queries: int, known: dict[int, np.ndarray], seed: int
) -> Surrogate:  # fmt: skip
    """The surrogate of one query budget; `known` holds the outputs by row number, so that no row is queried twice."""
    import numpy as np
    from art.attacks.extraction import CopycatCNN, KnockoffNets
    from art.estimators.classification import BlackBoxClassifier

    classes, has_probabilities = len(model.classes), model.call_proba is not None
    fitted: list[Surrogate] = []

    def predict(numbers: np.ndarray) -> np.ndarray:
        asked = numbers[:, 0].astype(int).tolist()
        new = [number for number in asked if number not in known]
        if new:
            new_outputs = outputs(model, rows.iloc[new])
            known.update(
                zip(
                    new,
                    new_outputs if has_probabilities else np.eye(classes)[new_outputs[:, 0].astype(int)],
                    strict=True,
                )
            )
        return np.stack([known[number] for number in asked])

    class SurrogateClassifier(BlackBoxClassifier):
        """What ART trains: it receives the outputs and fits a surrogate to them."""

        def fit(self, x: np.ndarray, y: np.ndarray, **_: Any) -> None:
            on_probabilities = attack == "knockoff_nets" and has_probabilities
            targets = y.astype(np.float64) if on_probabilities else y.argmax(axis=1)
            fitted.append(_fit(model, data, rows.iloc[x[:, 0].astype(int)], targets, seed))

    # Batches of the whole budget: ART would otherwise query row by row.
    settings: dict[str, Any] = {
        "batch_size_query": queries, "batch_size_fit": queries, "nb_epochs": 1, "nb_stolen": queries,
    }  # fmt: skip
    victim = BlackBoxClassifier(predict, (1,), classes)
    if attack == "knockoff_nets":
        extraction = KnockoffNets(victim, **settings, verbose=False, use_probability=has_probabilities)
    else:
        extraction = CopycatCNN(victim, **settings)
    numbers = np.arange(len(rows), dtype=np.float32)[:, None]
    extraction.extract(numbers, thieved_classifier=SurrogateClassifier(predict, (1,), classes))
    return fitted[0]


def _too_few(data: QueryData, queries: int) -> str:
    return (
        f"a query budget of {queries:,} needs as many public rows beside those held out, found {len(data.labels):,} of "
        f"{data.role}; provide more rows or set smaller query_budgets"
    )
