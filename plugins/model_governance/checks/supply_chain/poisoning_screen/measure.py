"""The recipe of the poisoning screen: draw both windows, run the parts, test every change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.art_toolbox import DISTRIBUTION
from model_governance.checks.supply_chain.poisoning_screen.activations import find_clusters, is_network
from model_governance.checks.supply_chain.poisoning_screen.associations import find_association_changes
from model_governance.checks.supply_chain.poisoning_screen.classes import find_class_changes
from model_governance.checks.supply_chain.poisoning_screen.figures import figures_of
from model_governance.checks.supply_chain.poisoning_screen.flips import find_disagreement, find_flips
from model_governance.checks.supply_chain.poisoning_screen.floods import find_floods
from model_governance.checks.supply_chain.poisoning_screen.metrics import METRICS
from model_governance.checks.supply_chain.poisoning_screen.report import (
    Screen,
    highlights_of,
    reasons_of,
    row_numbers,
    tables_of,
)
from model_governance.checks.supply_chain.poisoning_screen.sources import find_sources
from model_governance.checks.supply_chain.poisoning_screen.triggers import find_triggers
from model_governance.checks.supply_chain.poisoning_screen.windows import pool_windows
from model_governance.contract.result import CheckResult, declared, versions_of
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.supply_chain.poisoning_screen.params import Part, ScreenParams
    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool
    from model_governance.contract.result import Estimate
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: ScreenParams, seed: int) -> CheckResult:
    """Compare `train` (the new window) with `previous_train` (the training rows of the last accepted model).

    Args:
        subject: holds both windows, and reference and model where the parts need them.
        params: which parts run, and on how many rows.
        seed: draws the rows of each window and the folds of the forests.

    Returns:
        Changes between the windows with exact tests, tables and figures, and the numbers of suspicious rows.

    Raises:
        CheckError: a window has too few rows or one class only, or a part that the policy names cannot run.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model.predict`.
    """
    import numpy as np

    rows = pool_windows(subject, params, np.random.default_rng(seed))
    screen, estimates, notes = _run_parts(subject, rows, params, seed)
    metrics = tuple(declared(METRICS, estimate) for estimate in estimates)
    reasons = reasons_of(screen, params)
    return CheckResult(
        kind="poisoning_screen",
        seed=seed,
        metrics=metrics,
        tables=tables_of(screen, params),
        artifacts=(*figures_of(screen, params, metrics), row_numbers(reasons)),
        highlights=highlights_of(metrics, screen, params),
        notes=(*notes, f"suspicious_rows.csv names {len(reasons):,} rows of the new window by number only"),
        tools=versions_of(DISTRIBUTION, "numpy", "pandas", "scikit-learn", "scipy"),
    )


def _run_parts(
    subject: Subject, rows: Pool, params: ScreenParams, seed: int
) -> tuple[Screen, list[Estimate], list[str]]:
    estimates: list[Estimate] = []
    notes = [
        f"{rows.sizes[0]:,} rows of the new window, {rows.sizes[1]:,} of the accepted one",
        "a change of the population looks like poisoning to every part: read data_drift beside it",
        "poison that keeps every rate, or that was in the accepted window already, is not seen",
    ]
    flips = find_flips(rows, params, seed) if _runs(params, "flips") else None
    triggers = find_triggers(rows, params) if _runs(params, "triggers") else None
    floods = find_floods(rows, params) if _runs(params, "floods") else None
    for part in (flips, triggers, floods):
        estimates += part.estimates if part is not None else ()
    if floods is not None and floods.skipped_columns:
        notes.append(
            f"{floods.skipped_columns} column(s) tell rows apart: without one of them, nothing counts as nearly equal"
        )
    if _runs(params, "classes"):
        estimates += find_class_changes(subject, rows, params.slices, notes=notes)
    if _runs(params, "associations"):
        estimates += find_association_changes(rows)
    if _runs(params, "sources", notes, missing="" if params.source else "params.source names no column"):
        estimates += find_sources(subject, str(params.source))
    contradicted = _compare_with_model(subject, rows, params, estimates, notes)
    _compare_activations(subject, rows, params, seed, estimates, notes)
    return Screen(pool=rows, flips=flips, triggers=triggers, floods=floods, contradicted=contradicted), estimates, notes


def _compare_with_model(
    subject: Subject, rows: Pool, params: ScreenParams, estimates: list[Estimate], notes: list[str]
) -> np.ndarray | None:
    """Add the disagreement of the present model; returns which new rows it contradicts, None where it does not run."""
    missing = "" if "reference" in subject.datasets else "there is no dataset reference"
    if not _runs(params, "model", notes, missing=missing):
        return None
    changes, contradicted = find_disagreement(subject, rows, rows.new)
    estimates += changes
    notes.append(
        "disagreement_change takes for granted that the present model saw neither reference nor the new window"
    )
    return contradicted


def _compare_activations(
    subject: Subject, rows: Pool, params: ScreenParams, seed: int, estimates: list[Estimate], notes: list[str]
) -> None:
    missing = "" if subject.model and is_network(subject.model) else "the model is no network"
    if not _runs(params, "activations", notes, missing=missing):
        return
    clusters, obstacle = find_clusters(subject.require_model(), rows, seed)
    _runs(params, "activations", notes, missing=obstacle)
    estimates += clusters


def _runs(params: ScreenParams, part: Part, notes: Sequence[str] = (), *, missing: str = "") -> bool:
    """Whether a part runs; one that cannot is skipped with a note, unless the policy names it.

    Raises:
        CheckError: the policy names a part that lacks something.
    """
    if params.parts is not None and part not in params.parts:
        return False
    if missing and params.parts is not None:
        raise CheckError(f"part {part!r} cannot run: {missing}; give what is missing, or take it out of params.parts")
    if missing and isinstance(notes, list):
        notes.append(f"part {part} did not run: {missing}")
    return not missing
