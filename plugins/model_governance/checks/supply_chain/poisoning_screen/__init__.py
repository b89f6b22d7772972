"""Poisoning screen: does a new training window carry traces that the last accepted one did not?

ML02:2023 (data poisoning) and ML10:2023 (model poisoning) of the OWASP Machine Learning Security Top Ten, AML.T0020 (poison
training data) and AML.T0018.000 (poison AI model) of MITRE ATLAS. Every number is a change between two windows and rests on an
exact two-sample test: while both come from one source, the chance of evidence at a level is at most that level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.art_toolbox import DISTRIBUTION
from model_governance.checks.supply_chain.poisoning_screen.activations import find_clusters, is_network
from model_governance.checks.supply_chain.poisoning_screen.backdoor import plant_backdoor
from model_governance.checks.supply_chain.poisoning_screen.flips import find_disagreement, find_flips
from model_governance.checks.supply_chain.poisoning_screen.floods import find_floods
from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams
from model_governance.checks.supply_chain.poisoning_screen.report import (
    Screen,
    pictures_of,
    reasons_of,
    row_numbers,
    tables_of,
)
from model_governance.checks.supply_chain.poisoning_screen.sources import find_sources
from model_governance.checks.supply_chain.poisoning_screen.triggers import find_triggers
from model_governance.checks.supply_chain.poisoning_screen.windows import pool
from model_governance.contract.check import Check, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, MetricSpec, versions_of
from model_governance.errors import CheckError
from model_governance.stats.multiplicity import adjusted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from model_governance.checks.supply_chain.poisoning_screen.params import Part
    from model_governance.checks.supply_chain.poisoning_screen.windows import Pool
    from model_governance.contract.result import Estimate, Metric
    from model_governance.contract.subject import Columns, Subject

__all__ = ["CHECK", "ScreenParams"]


def measure(subject: Subject, params: ScreenParams, seed: int) -> CheckResult:
    """Compare `train` (the new window) with `previous_train` (that of the last accepted model).

    Raises:
        CheckError: a window has too few rows or one class only, or a part that the policy names cannot run.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model.predict`.
    """
    import numpy as np

    rows = pool(subject, params, np.random.default_rng(seed))
    screen, estimates, notes = _screen(subject, rows, params, seed)
    metrics = tuple(CHECK.declared(one) for one in estimates)
    reasons = reasons_of(screen, params)
    return CheckResult(
        kind="poisoning_screen",
        seed=seed,
        metrics=metrics,
        tables=tables_of(screen, params),
        artifacts=(*pictures_of(screen, params, metrics), row_numbers(reasons)),
        highlights=_highlights(metrics, params),
        notes=(*notes, f"suspicious_rows.csv names {len(reasons):,} rows of the new window by number only"),
        tools=versions_of(DISTRIBUTION, "numpy", "pandas", "scikit-learn", "scipy"),
    )


def _screen(subject: Subject, rows: Pool, params: ScreenParams, seed: int) -> tuple[Screen, list[Estimate], list[str]]:
    estimates: list[Estimate] = []
    notes = [
        f"{rows.sizes[0]:,} rows of the new window, {rows.sizes[1]:,} of the accepted one",
        "a change of the population looks like poisoning to every part: read data_drift beside it",
        "poison that keeps every rate, or that was in the accepted window already, is not seen",
    ]
    flips = triggers = floods = wrong = None
    if _wanted(params, "flips"):
        flips = find_flips(rows, params, seed)
        estimates += flips.estimates
    if _wanted(params, "triggers"):
        triggers = find_triggers(rows, params)
        estimates += triggers.estimates
    if _wanted(params, "floods"):
        floods = find_floods(rows, params)
        estimates += floods.estimates
        if floods.blind:
            notes.append(
                f"{floods.blind} column(s) tell rows apart: without one of them, nothing counts as nearly equal"
            )
    if _wanted(params, "sources", notes, missing="" if params.source else "params.source names no column"):
        estimates += find_sources(subject, str(params.source))
    if _wanted(
        params, "model", notes, missing="" if "reference" in subject.datasets else "there is no dataset reference"
    ):
        found, wrong = find_disagreement(subject, rows, rows.new)
        estimates.append(found)
        notes.append(
            "disagreement_change takes for granted that the present model saw neither reference nor the new window"
        )
    if _wanted(
        params,
        "activations",
        notes,
        missing="" if subject.model and is_network(subject.model) else "the model is no network",
    ):
        clusters, obstacle = find_clusters(subject.require_model(), rows, seed)
        _wanted(params, "activations", notes, missing=obstacle)
        estimates += clusters
    return Screen(pool=rows, flips=flips, triggers=triggers, floods=floods, wrong=wrong), estimates, notes


def _wanted(params: ScreenParams, part: Part, notes: Sequence[str] = (), *, missing: str = "") -> bool:
    """Whether a part is to run; one that cannot is left out with a note, unless the policy names it.

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


def _highlights(metrics: tuple[Metric, ...], params: ScreenParams) -> tuple[str, ...]:
    """The changes with evidence among all that were tested, the strongest first."""
    proven = [one for one in metrics if one.p_value is not None]
    levels = adjusted([float(one.p_value or 0.0) for one in proven], "benjamini_hochberg")
    telling = [one for one, level in zip(proven, levels, strict=True) if level <= params.level and one.value]
    telling.sort(key=lambda one: (float(one.p_value or 0.0), one.label))
    if not telling:
        return ("Nothing in the new window differs from the accepted one beyond chance.",)
    return tuple(f"{one.label} is {one.told} (p {one.p_value:.2g}{_detail(one)})." for one in telling[:3])


def _detail(one: Metric) -> str:
    return f"; {one.detail}" if one.detail else ""


def suggest(_frame: pd.DataFrame, _columns: Columns) -> Suggestion:
    """Changes that an accident can hardly make, each with evidence."""
    return Suggestion(
        params={"samples": 5000},
        thresholds=(
            {"metric": "flip_rate_change", "less_than": 0.01, "severity": "error"},
            {"metric": "trigger_hits", "equal_to": 0, "severity": "error"},
            {"metric": "flood_share", "less_than": 0.01, "severity": "error"},
            {"metric": "class_flip_rate_change", "less_than": 0.03, "severity": "error"},
            {"metric": "duplicate_share_change", "less_than": 0.02, "severity": "warn"},
        ),
        comment=(
            "Needs dataset previous_train: the training rows of the last accepted model. All bounds are on changes, because a raw "
            "count accuses an eighth of noisy but honest labels; each counts only with evidence of an exact test. Name the "
            "column that says where rows come from as params.source, and the columns whose values may be shown."
        ),
    )


CHECK = Check(
    kind="poisoning_screen",
    title="Poisoning screen",
    question="Does the new training window carry traces of poisoning that the accepted one does not?",
    params=ScreenParams,
    metrics=(
        MetricSpec(
            name="suspect_label_share", better="lower", unit="share",
            meaning="share of the new window whose label looks wrong; noisy labels make many, so judge the change",
        ),
        MetricSpec(
            name="flip_rate_change", better="lower", unit="share",
            meaning="share of suspect labels in the new window minus that in the accepted one",
        ),
        MetricSpec(
            name="class_flip_rate_change", better="lower", unit="share", per="class",
            meaning="the same among rows with one given label: targeted flips raise one class",
        ),
        MetricSpec(
            name="disagreement_change", better="lower", unit="share",
            meaning="how much more often the present model contradicts new labels than those of reference",
        ),
        MetricSpec(
            name="trigger_hits", better="lower",
            meaning="values, or pairs of them, that the new window ties to a class, at the false discovery rate of level",
        ),
        MetricSpec(
            name="trigger_rows", better="lower", unit="rows",
            meaning="new rows beyond those expected at the named value where they are most",
        ),
        MetricSpec(
            name="flood_share", better="lower", unit="share",
            meaning="share of the new window in groups of (nearly) equal rows that it holds more often than chance",
        ),
        MetricSpec(
            name="duplicate_share_change", better="lower", unit="share",
            meaning="share of rows that equal another row, new window minus accepted one",
        ),
        MetricSpec(
            name="spectral_change", better="lower", unit="share",
            meaning="share of rows with ART's spectral signature in a network, new window minus accepted one",
        ),
        MetricSpec(
            name="activation_change", better="lower", unit="share",
            meaning="share of rows in ART's smaller cluster of a network's activations, new window minus accepted one",
        ),
        MetricSpec(
            name="source_share_change", better="neither", unit="share", per="source",
            meaning="share of one source in the new window minus that in the accepted one",
        ),
        MetricSpec(
            name="new_source_share", better="lower", unit="share",
            meaning="share of the new window from sources that the accepted one does not know",
        ),
    ),
    roles=("previous_train", "train"),
    optional_roles=("reference",),
    needs_labels=True,
    tasks=("binary_classification", "multiclass_classification"),
    measure=measure,
    self_test=SelfTest(
        description="40 training rows with one telling value and the label that an attacker wants",
        threshold={"metric": "trigger_hits", "equal_to": 0},
        apply=plant_backdoor,
        params={"trees": 40},
    ),
    suggest=suggest,
)  # fmt: skip
