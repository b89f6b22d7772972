"""The recipe of structural disclosure: look into the model, group its training rows by answer, apply the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.structural_disclosure import report
from model_governance.checks.privacy.structural_disclosure.groups import group_rows
from model_governance.checks.privacy.structural_disclosure.metrics import METRICS
from model_governance.checks.privacy.structural_disclosure.rules import BUCKETS, apply_rules
from model_governance.checks.privacy.structural_disclosure.structure import structure_of, trained_parameters
from model_governance.contract.result import CheckResult, make_metric, versions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_governance.checks.privacy.structural_disclosure.groups import Groups
    from model_governance.checks.privacy.structural_disclosure.params import StructureParams
    from model_governance.checks.privacy.structural_disclosure.rules import Rule
    from model_governance.checks.privacy.structural_disclosure.structure import Structure
    from model_governance.contract.result import Metric
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: StructureParams, seed: int) -> CheckResult:
    """Apply the rules of SACRO-ML's structural attack to a model and its training rows.

    Args:
        subject: the model, and `train`, the rows that it was trained on.
        params: the limits.
        seed: recorded only; nothing is drawn at random.

    Returns:
        A risk for each rule, the number of rules in each bucket, and the numbers behind them.

    Raises:
        SubjectError, ModelMisbehaved: as `Subject.features` and `Model`.
    """
    model, frame = subject.require_model(), subject.features("train")
    structure = structure_of(model)
    groups = group_rows(model, structure, frame)
    count = trained_parameters(structure)
    residual = None if count is None else groups.rows - count
    rules = apply_rules(structure, groups, params, residual=residual)
    return CheckResult(
        kind="structural_disclosure",
        seed=seed,
        metrics=(*_of_rules(rules, structure), *_of_groups(groups, params, count=count, kind=structure.kind)),
        tables=(report.table(rules), report.sizes(groups)),
        artifacts=(report.figure(groups, params),),
        highlights=report.highlights(rules),
        notes=report.notes(structure, params),
        tools=versions_of("numpy"),
    )


def _of_rules(rules: Sequence[Rule], structure: Structure) -> Iterator[Metric]:
    for rule in rules:
        if rule.is_risky is None:
            reason = f"not defined for {structure.kind}"
            yield make_metric(METRICS, "risk", None, n=0, key=rule.name, reason=reason, absence="skipped")
        else:
            yield make_metric(METRICS, "risk", int(rule.is_risky), n=1, key=rule.name, detail=rule.why)
    defined = [rule for rule in rules if rule.bucket]
    for bucket in BUCKETS:
        names = [rule.name for rule in defined if rule.bucket == bucket]
        yield make_metric(METRICS, "recommendation", len(names), n=len(defined), key=bucket, detail=", ".join(names))


def _of_groups(groups: Groups, params: StructureParams, *, count: int | None, kind: str) -> Iterator[Metric]:
    rows, size = groups.rows, params.min_group_size
    if count is None:
        reason = f"the parameters of {kind} cannot be counted"
        for name in ("residual_degrees_of_freedom", "trained_parameters"):
            yield make_metric(METRICS, name, None, n=rows, reason=reason, absence="skipped")
    else:
        yield make_metric(METRICS, "residual_degrees_of_freedom", rows - count, n=rows)
        yield make_metric(METRICS, "trained_parameters", count, n=rows)
    yield make_metric(METRICS, "equivalence_classes", len(groups.sizes), n=rows)
    yield make_metric(METRICS, "smallest_class", int(groups.sizes.min()), n=rows)
    yield make_metric(METRICS, "rows_below_k", groups.share(groups.below(size)), n=rows)
    yield make_metric(METRICS, "rows_with_class_disclosure", groups.share(groups.disclosing()), n=rows)
    yield make_metric(METRICS, "rows_in_small_groups", groups.share(groups.with_few_of_a_class(size)), n=rows)
