"""Must-show 4: each condition on the scope and the end of a waiver is changed in turn, and a case notices each change."""

from __future__ import annotations

import ast
import inspect
from datetime import timedelta
from textwrap import dedent

import pytest

from model_governance.contract import moments
from model_governance.policy import Waiver
from model_governance.policy.model import Waiver as WaiverModel
from model_governance.verdict import Finding, judgement
from verdict_cases import TODAY

SECOND = timedelta(seconds=1)


def finding(outcome="fail", *, check="drift", metric="psi", key="age") -> Finding:
    return Finding(check=check, outcome=outcome, sentence="s", metric=metric, key=key, value=0.3)


def waiver(**changes) -> Waiver:
    fields = {"check": "drift", "metric": "psi", "key": "age", "reason": "the top code changed", "approver": "R. Isk"}
    return Waiver(**fields | {"ticket": "GOV-7", "expires": TODAY + SECOND} | changes)


ALL_KEYS, LAST_DAY, TODAY_ENDED = waiver(key=None), waiver(expires=TODAY.date()), waiver(expires=TODAY)
YESTERDAY = waiver(expires=TODAY.date() - timedelta(days=1))
CASES = {
    "exact": (finding(), (waiver(),), "waived"),
    "warn": (finding("warn"), (waiver(),), "waived"),
    "uncertain": (finding("uncertain"), (waiver(),), "waived"),
    "error": (finding("error"), (waiver(),), "error"),
    "pass": (finding("pass"), (waiver(),), "pass"),
    "skipped": (finding("skipped"), (waiver(),), "skipped"),
    "other check": (finding(check="quality"), (waiver(),), "fail"),
    "other metric": (finding(metric="ks"), (waiver(),), "fail"),
    "other key": (finding(key="income"), (waiver(),), "fail"),
    "no key": (finding(key=None), (waiver(),), "fail"),
    "all keys": (finding(key="income"), (ALL_KEYS,), "waived"),
    "all keys, one number": (finding(key=None), (ALL_KEYS,), "waived"),
    "ends at this second": (finding(), (TODAY_ENDED,), "fail"),
    "ends a second later": (finding(), (waiver(),), "waived"),
    "last day": (finding(), (LAST_DAY,), "waived"),
    "day before": (finding(), (YESTERDAY,), "fail"),
    "expired before a live one": (finding(), (TODAY_ENDED, waiver()), "waived"),
    "a live one before an expired": (finding(), (waiver(), TODAY_ENDED), "waived"),
    "none": (finding(), (), "fail"),
}

WAIVE, LIVE, END = "_waive", "is_live", "end_of"
MUTANTS = [
    (WAIVE, 'not in ("fail", "warn", "uncertain")', 'not in ("fail", "warn", "uncertain", "error")'),
    (WAIVE, 'not in ("fail", "warn", "uncertain")', 'not in ("fail", "warn", "uncertain", "pass", "skipped")'),
    (WAIVE, 'not in ("fail", "warn", "uncertain")', 'not in ("fail", "uncertain")'),
    (WAIVE, 'not in ("fail", "warn", "uncertain")', 'not in ("fail", "warn")'),
    (WAIVE, "waiver.check == finding.check and ", ""),
    (WAIVE, " and waiver.metric == finding.metric", ""),
    (WAIVE, " and waiver.key in (None, finding.key)", ""),
    (WAIVE, "waiver.key in (None, finding.key)", "waiver.key == finding.key"),
    (WAIVE, "waiver.key in (None, finding.key)", "finding.key in (None, waiver.key)"),
    (WAIVE, "waiver.key in (None, finding.key)", "waiver.key is None"),
    (WAIVE, "if waiver.is_live(moment):", "if True:"),
    (WAIVE, "if waiver.is_live(moment):", "if not waiver.is_live(moment):"),
    (WAIVE, "for waiver in fitting:", "for waiver in fitting[:1]:"),
    (WAIVE, "for waiver in fitting:", "for waiver in fitting[-1:]:"),
    (WAIVE, 'outcome="waived"', "outcome=finding.outcome"),
    (WAIVE, 'outcome="waived"', 'outcome="pass"'),
    (LIVE, "moment < end_of", "moment <= end_of"),
    (LIVE, "moment < end_of", "moment > end_of"),
    (LIVE, "end_of(self.expires)", "end_of(self.expires) + timedelta(seconds=1)"),
    (LIVE, "end_of(self.expires)", "end_of(self.expires) - timedelta(seconds=1)"),
    (LIVE, "moment < end_of(self.expires)", "True"),
    (END, "moment + timedelta(days=1)", "moment"),
    (END, "isinstance(value, datetime)", "True"),
    (END, "isinstance(value, datetime)", "False"),
]
SOURCES = {
    WAIVE: (judgement, judgement._waive),
    LIVE: (WaiverModel, WaiverModel.is_live),
    END: (moments, moments.end_of),
}


def noticed() -> list[str]:
    """The cases whose outcome is another one than it must be."""
    return [
        name
        for name, (before, waivers, outcome) in CASES.items()
        if judgement._waive(before, waivers, TODAY).outcome != outcome
    ]


def test_every_case_holds_without_a_change():
    assert noticed() == []


@pytest.mark.parametrize(
    ("place", "old", "new"), MUTANTS, ids=[f"{place}: {new or old}" for place, old, new in MUTANTS]
)
def test_a_changed_condition_is_noticed(monkeypatch, place, old, new):
    owner, function = SOURCES[place]
    source = inspect.getsource(function)
    assert old in source, "the mutant is of an older text: change it with the function"
    tree = ast.parse(dedent(source).replace(old, new))
    names = {**function.__globals__, "timedelta": timedelta}
    exec(compile(tree, "<mutant>", "exec", flags=annotations_flag()), names)
    monkeypatch.setattr(owner, function.__name__, names[function.__name__])
    if place == END:
        monkeypatch.setattr("model_governance.policy.model.end_of", names[END])
    assert noticed(), "no case notices this change"


def annotations_flag() -> int:
    """Annotations stay text, as in the modules that the functions come from."""
    import __future__

    return __future__.annotations.compiler_flag
