"""The only room where numbers meet thresholds."""

from model_governance.verdict.budget import budget_of
from model_governance.verdict.finding import RANK, Finding, Outcome, Rules, Verdict, read_verdict, rules_of
from model_governance.verdict.judgement import Baseline, baselines_of, combine, judge, unmeasured

__all__ = [
    "RANK",
    "Baseline",
    "Finding",
    "Outcome",
    "Rules",
    "Verdict",
    "baselines_of",
    "budget_of",
    "combine",
    "judge",
    "read_verdict",
    "rules_of",
    "unmeasured",
]
