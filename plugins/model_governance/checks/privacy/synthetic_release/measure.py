"""The recipe of a synthetic release: draw rows, find closest records, count copies, attack membership and attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.synthetic_release import attribution, closeness, report
from model_governance.checks.privacy.synthetic_release.metrics import METRICS
from model_governance.checks.privacy.synthetic_release.tables import draw_tables
from model_governance.contract.result import CheckResult, declared, versions_of

if TYPE_CHECKING:
    from model_governance.checks.privacy.synthetic_release.params import ReleaseParams
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: ReleaseParams, seed: int) -> CheckResult:
    """Compare a synthetic table with the rows it was made from, and with rows of the same people that it was not made from.

    Args:
        subject: `train`, the rows that the generator was fitted on; `reference`, or `population` where given, rows of the
            same distribution that it never saw; and the table in `param_files`.
        params: the table, the sensitive columns and the number of rows.
        seed: of the rows that are drawn.

    Returns:
        Share nearer to training rows, copies, area of a membership attack, and correct attribution of each sensitive
        column, all with intervals.

    Raises:
        CheckError, SubjectError: as `draw_tables` and `sensitive_columns`.
    """
    import numpy as np

    tables = draw_tables(subject, params, np.random.default_rng(seed))
    near = closeness.compare(tables)
    found = [attribution.attribute(tables, column) for column in attribution.sensitive_columns(tables, params)]
    numbers = [
        *closeness.estimates(tables, near),
        *(estimate for each in found for estimate in attribution.estimates(each)),
    ]
    metrics = tuple(declared(METRICS, number) for number in numbers)
    return CheckResult(
        kind="synthetic_release",
        seed=seed,
        metrics=metrics,
        tables=(report.table(metrics),),
        artifacts=(report.figure(near),),
        highlights=report.highlights(metrics),
        notes=report.notes(tables, subject.param_files.get("release")),
        tools=versions_of("numpy", "pandas", "scikit-learn", "scipy"),
    )
