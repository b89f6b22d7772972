"""The rules by which a verdict stops a run go with it: through judging, its record and its exception."""

from __future__ import annotations

import pytest

from model_governance.errors import EvidenceError
from model_governance.verdict import FailPolicy, read_verdict, unmeasured
from model_governance.verdict.violation import ThresholdViolation
from verdict_cases import metric, verdict

STRICT = FailPolicy(fail_on="warn", on_uncertain="fail")


def warned():
    """A verdict that stops a run only under a strict fail policy."""
    threshold = {"metric": "psi", "less_than": 0.2, "severity": "warn"}
    return verdict([metric(0.3)], threshold, fail_on="warn", on_uncertain="fail")


def test_a_verdict_stops_as_its_policy_says():
    assert warned().fail_policy == STRICT
    assert warned().stops
    assert unmeasured("drift", "column AGEP is missing", fail_policy=STRICT).fail_policy == STRICT


def test_a_verdict_stops_as_before_once_its_record_is_read():
    again = read_verdict(warned().record())
    assert again.fail_policy == STRICT
    assert again.stops


@pytest.mark.parametrize("field", ["name", "findings", "fail_on", "on_uncertain"])
def test_a_record_that_lacks_a_field_is_refused(field):
    record = {name: value for name, value in warned().record().items() if name != field}
    with pytest.raises(
        EvidenceError,
        match=f"{field}: expected a value, found no such field; .* read it with the release that wrote it",
    ):
        read_verdict(record)


def test_a_record_whose_findings_have_other_fields_is_refused():
    record = warned().record()
    record["findings"][0]["unheard_of"] = 1
    with pytest.raises(EvidenceError, match="unheard_of"):
        read_verdict(record)


def test_a_violation_says_what_its_verdict_says():
    violation = ThresholdViolation(warned())
    assert str(violation) == warned().sentence
    assert violation.verdict == warned()
