from __future__ import annotations

from textwrap import dedent

import pytest

from model_governance.checks import catalogue
from model_governance.errors import PolicyError
from model_governance.policy import load_policy, parse_policy

GOOD = dedent("""\
    version: 1
    owner: risk@example.com
    model:
      name: scoring
      task: binary_classification
      uri: model.skops
      sha256: "{digest}"
    datasets:
      reference: {{uri: reference.parquet}}
      current: {{uri: "nights/{{{{ ds }}}}.parquet"}}
    columns:
      target: label
      features:
        income: {{kind: numeric}}
        region: {{kind: category}}
    checks:
      drift:
        kind: data_drift
        thresholds:
          - {{metric: psi, less_than: 0.2}}
      model_quality:
        thresholds:
          - {{metric: accuracy, geq_to: 0.8}}
    """).format(digest="a" * 64)


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.encode(), catalogue(), name="p.yaml")
    return list(caught.value.problems)


def test_a_good_policy_is_read_and_keeps_its_bytes():
    policy = parse_policy(GOOD.encode(), catalogue())
    assert policy.name == "scoring"
    assert policy.checks["model_quality"].kind == "model_quality"
    assert policy.source == GOOD.encode()
    assert len(policy.sha256) == 64


def test_relative_paths_start_at_the_policy(tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(GOOD)
    assert load_policy(file, catalogue()).folder == tmp_path


def test_a_metric_that_the_check_lacks_is_named_with_line_and_proposal():
    found = problems(GOOD.replace("psi", "psix"))
    assert found == [
        "p.yaml:20 checks.drift.thresholds[0].metric: 'psix' is not a metric of data_drift; did you mean 'psi'?"
    ]


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file():
    text = (
        GOOD.replace("kind: numeric", "kind: numerc")
        .replace("psi", "psix")
        .replace("owner:", "ownr:")
        .replace("a" * 64, "abc")
        .replace("accuracy", "acuracy")
    )
    found = problems(text)
    lines = [int(one.split(":")[1].split()[0]) for one in found]
    assert lines == sorted(lines)
    text = "\n".join(found)
    for part in (
        "owner is missing",
        "ownr: unknown key; did you mean 'owner'?",
        "model.sha256",
        "kind",
        "psix",
        "acuracy",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("      - {metric: psi, less_than: 0.2}", "      []"), "no thresholds"),
        (("less_than: 0.2", "less_than: 0.2, geq_to: 1"), "exactly one of"),
        (("less_than: 0.2", "severity: warn"), "exactly one of"),
        (("less_than: 0.2", "less_than: .nan"), "finite"),
        (("metric: psi, less_than", "metric: psi, key: AGEP, less_than"), "remove `key`"),
        (("less_than: 0.2", "min_absolute_change: 0.1, against: champion"), "names no champion"),
        (("kind: data_drift", "kind: data_drft"), "did you mean 'data_drift'?"),
        (
            ("    kind: data_drift\n", "    kind: data_drift\n    params: {numeric_methd: psi}\n"),
            "did you mean 'numeric_method'?",
        ),
        (("  reference: {uri: reference.parquet}\n", ""), "needs datasets.reference (or params.profile)"),
        (("uri: model.skops", "uri: model.pkl\n  format: pickle"), "allow_pickle"),
        (("uri: model.skops", "uri: model.skops\n  uri: other.skops"), "given twice"),
        (('uri: "nights/{{ ds }}.parquet"', "uri: {{ ds }}"), "in quotes"),
        (("  target: label", "  target: income"), "must not be a feature too"),
        (("version: 1", "version: 2"), "version"),
        (("checks:\n", "report: {disclose: [amount]}\nchecks:\n"), "report.disclose[0]: 'amount' is not in"),
        (("checks:\n", "schedule: {cron: every day}\nchecks:\n"), "not a cron expression"),
        (("kind: category", "kind: category, minimum: 3"), "numeric and integer"),
        (("uri: model.skops", "uri: https://models.example.com/v2/models/scoring"), "needs format: http"),
        (("uri: model.skops", "uri: model.skops\n  format: http"), "fits no other uri"),
        (("uri: model.skops", "uri: mlflow:models/scoring/3"), "needs format: mlflow"),
        (("checks:\n", "threat_model: {mutable: [amount]}\nchecks:\n"), "threat_model.mutable: 'amount' is not in"),
        (("checks:\n", "threat_model: {preset: fraud}\nchecks:\n"), "preset fraud needs mutable"),
        (
            ("checks:\n", "threat_model: {features: {region: {direction: up}}}\nchecks:\n"),
            "threat_model.features.region.direction: direction fits numbers",
        ),
    ],
)
def test_a_mistake_is_explained(change, message):
    assert change[0] in GOOD
    assert any(message in one for one in problems(GOOD.replace(*change)))


def test_a_profile_stands_for_the_reference():
    text = GOOD.replace("  reference: {uri: reference.parquet}\n", "").replace(
        "    kind: data_drift\n", "    kind: data_drift\n    params: {profile: reference.profile.json}\n"
    )
    assert parse_policy(text.encode(), catalogue()).checks["drift"].params == {"profile": "reference.profile.json"}


def test_waivers_and_retraining_must_name_what_exists():
    text = GOOD + dedent("""\
        retraining: {checks: [drft]}
        waivers:
          - {check: drift, metric: psy, reason: known top code change, approver: a, ticket: T-1, expires: 2027-01-01}
          - {check: drift, metric: psi, reason: known top code change, approver: a, ticket: T-1}
        """)
    found = "\n".join(problems(text))
    assert "'drft' is not a check of this policy; did you mean 'drift'?" in found
    assert "'psy' is not a metric of drift" in found
    assert "expires is missing" in found


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- a\n- b\n", "a: [1\n", "\x00"])
def test_what_is_no_policy_is_refused(text):
    assert problems(text)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policy(tmp_path / "none.yaml", catalogue())
