"""The only room where numbers meet thresholds."""

from model_governance.verdict.budget import budget_of
from model_governance.verdict.finding import (
    RANK,
    FailPolicy,
    Finding,
    Outcome,
    Verdict,
    fail_policy_of,
)
from model_governance.verdict.judgement import baselines_of, combine, judge, unmeasured, with_damage
from model_governance.verdict.requirement import Baseline
from model_governance.verdict.stored import VerdictForm, read_verdict, trusted_fail_policy, trusted_verdict

__all__ = [
    "RANK",
    "Baseline",
    "FailPolicy",
    "Finding",
    "Outcome",
    "Verdict",
    "VerdictForm",
    "baselines_of",
    "budget_of",
    "combine",
    "fail_policy_of",
    "judge",
    "read_verdict",
    "trusted_fail_policy",
    "trusted_verdict",
    "unmeasured",
    "with_damage",
]
