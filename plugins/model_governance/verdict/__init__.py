"""The only room where numbers meet thresholds."""

from model_governance.verdict.budget import budget_of
from model_governance.verdict.finding import RANK, FailPolicy, Finding, Outcome, Verdict, fail_policy_of, read_verdict
from model_governance.verdict.judgement import baselines_of, combine, judge, unmeasured
from model_governance.verdict.requirement import Baseline

__all__ = [
    "RANK",
    "Baseline",
    "FailPolicy",
    "Finding",
    "Outcome",
    "Verdict",
    "baselines_of",
    "budget_of",
    "combine",
    "fail_policy_of",
    "judge",
    "read_verdict",
    "unmeasured",
]
