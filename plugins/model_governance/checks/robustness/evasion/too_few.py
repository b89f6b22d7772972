"""The result where hardly a row of the asked kind exists: every metric is absent, and what it means is uncertain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.metrics import ALL, METRICS
from model_governance.checks.robustness.evasion.params import DEFAULT_ATTACKS
from model_governance.checks.robustness.evasion.report import rows_table, threat_model
from model_governance.checks.robustness.evasion.sentences import notes_on_rows, scope_of
from model_governance.contract.result import CheckResult, Estimate, declared, versions_of
from model_governance.contract.slices import SHOWN_FROM, slice_names, too_small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.robustness.evasion.params import EvasionParams
    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.checks.robustness.evasion.sample import Sample
    from model_governance.contract.result import MetricSpec
    from model_governance.contract.subject import Subject


def too_few_rows(subject: Subject, params: EvasionParams, sample: Sample, space: RowSpace, seed: int) -> CheckResult:
    """No attack runs; a threshold on any metric is uncertain, because nobody knows, and never passes.

    Args:
        subject: the model and the rows.
        params: say which metrics there would be.
        sample: the rows that were found.
        space: what the attacker could change.
        seed: of the run.
    """
    kind = params.selection(subject.threat_model.preset, subject.task).text
    reason = f"{too_small(len(sample.attacked), needed=SHOWN_FROM, what='rows')} ({kind})"
    named = {key for keys in subject.named_keys.values() for key in keys}
    estimates = [
        Estimate(name=spec.name, value=None, n=0, key=key, reason=reason, absence="uncertain")
        for spec in METRICS
        if spec.tasks is None or subject.task in spec.tasks
        for key in _keys(spec, params, named)
    ]
    return CheckResult(
        kind="evasion",
        seed=seed,
        metrics=tuple(declared(METRICS, estimate) for estimate in estimates),
        tables=(rows_table(sample), threat_model(subject.columns, space, disclosed=subject.disclose)),
        notes=(*notes_on_rows(sample, sample.refused), *scope_of(params, space)),
        tools=versions_of("numpy", "pandas"),
    )


def _keys(spec: MetricSpec, params: EvasionParams, named: set[str]) -> Sequence[str | None]:
    budgets = [f"{epsilon:g}" for epsilon in params.epsilons]
    attacks = list(params.attacks or DEFAULT_ATTACKS)
    of = {
        "attack": [*attacks, *([ALL] if spec.name == "attack_success_rate" else [])],
        "budget": budgets,
        "quantile": ["0.1", "0.5", "0.9"],
        "slice": sorted({*slice_names(params.slices)[0], *(key for key in named if spec.per == "slice")}),
        "budget of exact": [f"exact@{budget}" for budget in budgets],
    }
    return [None] if spec.per is None else of[spec.per]
