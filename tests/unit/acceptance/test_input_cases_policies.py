"""What lint refuses, each with its line, and that no policy makes it raise, hang or print megabytes."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import yaml

import project
from model_governance.cli import main

MAX_OUTPUT = 60_000
MAX_SECONDS = 5


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A small sound policy beside its data."""
    small = project.small_project(tmp_path_factory.mktemp("policies"))
    checks = {
        "validation": project.CHEAP_CHECKS["validation"],
        "quality": {"kind": "model_quality", "thresholds": [{"metric": "accuracy", "geq_to": 0.6}]},
        "drift": {"kind": "data_drift", "thresholds": [{"metric": "psi", "less_than": 0.2}]},
    }
    return small.change(checks=checks)


@pytest.fixture
def lint(base, capsys):
    """Lints a text; gives exit code and lines of the problems."""

    def run(text: str | bytes, *more: str) -> tuple[int, list[str]]:
        file = base.folder / "changed.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        started = time.process_time()
        code = main(["policy", "lint", str(file), *more])
        assert time.process_time() - started < MAX_SECONDS
        out, err = capsys.readouterr()
        assert len(out) + len(err) < MAX_OUTPUT
        assert "Traceback" not in err
        assert "unexpected error" not in err
        return code, [line.removeprefix(f"{file}:") for line in err.splitlines()]

    return run


@pytest.fixture
def text(base):
    """The text of the sound policy, with keys replaced at the top."""
    return lambda **changes: yaml.safe_dump(base.raw | changes, sort_keys=False)


def assert_refused(answer, *words):
    code, lines = answer
    assert code == 2
    assert lines
    assert all(line.split(" ", 1)[0].isdigit() for line in lines), lines
    for word in words:
        assert any(word in line for line in lines), lines


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def test_the_sound_policy_is_sound(lint, text):
    """P5 to P8: what is changed below is all that is wrong."""
    assert lint(text()) == (0, [])


@pytest.mark.parametrize(
    "cron",
    ["every night", "0 2 * *", "", " ", "0 0 30 2 *", "0 2 * * * *", "R R * * *", "@often", "*/0 * * * *", "0 " * 60],
)
def test_a_cron_that_airflow_refuses_or_that_never_fires_is_refused_with_its_line(lint, text, cron):
    """P5: also an expression of seconds, of random times, and one for the 30th of February."""
    changed = text(schedule={"cron": cron})
    code, lines = lint(changed)
    assert code == 2
    assert lines[0].startswith(f"{line_of(changed, 'cron:')} schedule.cron:")


@pytest.mark.parametrize("cron", ["0 2 * * *", "@hourly", "*/15 6-20 * * MON-FRI", "0 0 29 2 *", "0 2 L * *", None])
def test_a_cron_that_fires_is_taken(lint, text, cron):
    """P5: what Airflow takes."""
    assert lint(text(schedule={"cron": cron})) == (0, [])


def waiver(**changes):
    known = {
        "check": "quality", "metric": "accuracy", "reason": "known and accepted", "approver": "a", "ticket": "T-1",
        "expires": (datetime.now(UTC) + timedelta(days=30)).date(),
    }  # fmt: skip
    return known | changes


BAD_VALUES = {
    "day that is none": ("waivers:\n- {check: quality, metric: accuracy, reason: known and accepted, approver: a, ticket: T, expires: 2026-02-30}\n", "2026-02-30"),
    "moment that is none": ("waivers:\n- {check: quality, metric: accuracy, reason: known and accepted, approver: a, ticket: T, expires: 2026-02-28T25:00:00}\n", "25:00"),
    "moment with a zone that is none": ("x: 2026-02-28T20:00:00+99:99\n", "2026-02-28T20"),
    "long number": ("x: " + "9" * 5000 + "\n", "5,000 characters"),
    "long fraction": ("x: 0." + "9" * 5000 + "\n", "characters"),
    "nested lists": ("x: " + "[" * 3000 + "]" * 3000 + "\n", "nested deeper than 100"),
    "nested mappings": ("".join(" " * depth + "a:\n" for depth in range(500)), "nested deeper than 100"),
    "explicit type": ("x: !!int word\n", "`word` is no int"),
    "set": ("x: !!set {a, b}\n", ""),
    "binary": ("x: !!binary aGVsbG8=\n", "binary"),
    "python object": ("x: !!python/object/apply:os.system [id]\n", "could not determine a constructor"),
    "alias to itself": ("x: &x [*x]\n", "an alias leads into what it stands for"),
    "mapping as key": ("? {a: 1}\n: 2\n", "in quotes"),
    "NUL": ('x: "a\\0b"\n', "NUL"),
    "key that is false": ("no: 1\n", "key `no` is read as false"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_VALUES)
def test_what_python_cannot_read_is_refused_with_its_line(lint, text, what):
    """P6: dates, numbers, depth, types and characters that no policy needs."""
    appended, words = BAD_VALUES[what]
    first = len(text().splitlines()) + 1
    code, lines = lint(text() + appended)
    assert code == 2
    assert int(lines[0].split(" ", 1)[0]) >= first
    assert words in lines[0]


@pytest.mark.parametrize(
    ("waivers", "words"),
    [
        ([waiver(check={"a": 1})], "waivers[0].check"),
        ([waiver(check=["quality"])], "waivers[0].check"),
        ([waiver(metric={"a": 1})], "waivers[0].metric"),
        ([waiver(expires={"a": 1})], "waivers[0].expires"),
        ({"check": "quality"}, "waivers"),
        (["quality"], "waivers[0]"),
    ],
)
def test_a_waiver_of_another_shape_is_refused(lint, text, waivers, words):
    """P6: `check: {a: 1}` and its kin."""
    assert_refused(lint(text(waivers=waivers)), words)


@pytest.mark.parametrize("value", [{"a": 1}, ["a"], None, 7, True, "x" * 5000, {"a": {"b": {"c": [1, {"d": 2}]}}}])
@pytest.mark.parametrize(
    "key",
    [
        "version", "owner", "model", "champion", "columns", "threat_model", "datasets", "checks", "fail_on", "report",
        "artifacts", "archive", "alarms", "retraining", "schedule", "waivers", "unknown",
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_or_taken_but_never_raises(lint, text, key, value):
    """P6: every key at the top with every type."""
    code, lines = lint(text(**{key: value}))
    assert (code == 2) == bool(lines)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tags", ["x" * 200]), ("tags", [""]), ("tags", ["x"] * 1000), ("retry_delay_seconds", 10**15), ("retries", 10**9),
        ("timeout_minutes", 10**15), ("pool", ""), ("pool", "p" * 300), ("start_date", "0001-01-01"), ("start_date", "9999-12-31"),
    ],
)  # fmt: skip
def test_what_airflow_refuses_in_the_schedule_is_refused_with_its_line(lint, text, key, value):
    """P6: tags, delays, pools and days as Airflow takes them."""
    assert_refused(lint(text(schedule={key: value})), f"schedule.{key}")


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("where", ["beside", "in params", "as merge", "deep"])
def test_aliases_that_stand_for_a_billion_values_are_refused_at_once(lint, text, where):
    """P6: 10^9 values behind ten lines."""
    if where == "beside":
        changed = text() + bomb(9)
    elif where == "in params":
        changed = bomb(9) + text().replace("  drift:\n", "  drift:\n    params: {columns: *a8}\n")
    elif where == "as merge":
        lines = [
            "m0: &m0 {a: 1, b: 2}",
            *(f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 10)}]}}" for n in range(1, 9)),
        ]
        changed = text() + "\n".join(lines) + "\n"
    else:
        deep = "\n".join(["d0: &d0 " + "[" * 60 + "]" * 60, "d1: &d1 " + "[" * 60 + "*d0" + "]" * 60])
        changed = text() + deep + "\n"
    assert_refused(lint(changed), "nested deeper" if where == "deep" else "more than 20,000 values")


def test_an_alias_that_is_used_twice_is_taken(lint, text):
    """P6: aliases as people write them."""
    changed = text().replace(
        "- metric: accuracy\n      geq_to: 0.6", "- &floor {metric: accuracy, geq_to: 0.6}\n    - *floor"
    )
    assert "&floor" in changed
    assert lint(changed) == (0, [])


@pytest.mark.parametrize("count", [20_000, 3_000])
def test_thousands_of_mistakes_are_summed_up(lint, text, count):
    """P6: the output stays readable, and the first mistakes are named."""
    code, lines = lint(text() + "".join(f"unknown_key_number_{number}: {'y' * 20}\n" for number in range(count)))
    assert code == 2
    assert len(lines) <= 110


def test_a_file_of_megabytes_is_refused(lint):
    """P6: a policy is no data."""
    assert_refused((lint(b"# " + b"x" * (2 << 20))[0], ["1 x"]))


WORDS = {
    "truth value as a number": ("less_than: 0.2", "less_than: yes", "checks.drift.thresholds[0].less_than"),
    "minutes": ("less_than: 0.2", "less_than: 1:30", "base 60"),
    "leading zero": ("less_than: 0.2", "less_than: 0144", "base 8"),
    "text as a number": ("less_than: 0.2", 'less_than: "0.2"', "is a text"),
    "eight with a zero": ("less_than: 0.2", "less_than: 08", "is a text"),
    "truth value as version": ("version: 1", "version: true", "version"),
    "text as version": ("version: 1", 'version: "1"', "version"),
    "truth value in between": ("less_than: 0.2", "between: [no, 1]", "checks.drift.thresholds[0].between[0]"),
    "truth value in params": ("kind: data_drift", "kind: data_drift\n    params: {bins: yes}", "checks.drift.params.bins"),
    "truth value as rows": ("less_than: 0.2", "less_than: 0.2\n      minimum_rows: on", "minimum_rows"),
    "accuracy above one": ("geq_to: 0.6", "geq_to: 7", "no value meets this"),
    "accuracy below seven": ("geq_to: 0.6", "leq_to: 7", "checks.quality.thresholds[0].leq_to"),
    "accuracy between beyond its range": ("geq_to: 0.6", "between: [-1, 7]", "every value meets this"),
    "psi above every value": ("less_than: 0.2", "less_than: 1.0e+11", "every value meets this"),
    "hidden direction": ("uri: current.parquet", "uri: 'current\u202e.parquet'", "U+202E"),
    "hidden control": ("uri: current.parquet", 'uri: "current\\e.parquet"', "U+001B"),
    "expectation of no column": ("kwargs:\n          column: income", "kwargs: {}", "needs `column`"),
    "expectation of an empty set": ("type: expect_column_values_to_not_be_null\n        kwargs:\n          column: income", "type: expect_column_values_to_not_be_in_set\n        kwargs:\n          column: income\n          value_set: []", "value_set is empty"),
    "psi below nothing": ("less_than: 0.2", "less_than: -1", "no value meets this"),
    "key of no column": ("less_than: 0.2", "less_than: 0.2\n      key: incme", "did you mean 'income'?"),
    "key of no class": ("metric: accuracy\n      geq_to: 0.6", "metric: accuracy\n      key: a\n      geq_to: 0.6", "remove `key`"),
    "no labels": ("  target: label\n", "", "names no columns.target"),
    "blank column": ("target: label", "target: ' '", "columns.target: is blank"),
    "blank uri": ("uri: current.parquet", "uri: ' '", "datasets.current.uri: is blank"),
    "open template": ("uri: current.parquet", "uri: 'nights/{{ ds '", "not a valid template"),
    "unknown variable": ("uri: current.parquet", "uri: 'nights/{{ dss }}.parquet'", "did you mean 'ds'?"),
    "unknown filter": ("uri: current.parquet", "uri: 'nights/{{ logical_date | dss }}.parquet'", "filter"),
    "filter of a text": ("uri: current.parquet", "uri: 'nights/{{ ds | ds_nodash }}.parquet'", "is a text already"),
    "template that is not rendered": ("uri: model.skops", "uri: 'models/{{ ds }}.skops'", "is not rendered"),
    "part of no value": ("kwargs:\n          column: income", "kwargs:\n          column: income\n          mostly: 0", "mostly"),
    "part above one": ("kwargs:\n          column: income", "kwargs:\n          column: income\n          mostly: 1.5", "mostly"),
    "part as a truth value": ("kwargs:\n          column: income", "kwargs:\n          column: income\n          mostly: yes", "mostly"),
}  # fmt: skip


@pytest.mark.parametrize("what", WORDS)
def test_a_value_that_means_something_else_is_refused_with_its_line(lint, text, what):
    """P7: words of YAML, ranges of metrics, templates, keys and parts."""
    old, new, words = WORDS[what]
    assert old in text()
    changed = text().replace(old, new)
    code, lines = lint(changed)
    assert code == 2
    assert words in lines[0]
    assert int(lines[0].split(" ", 1)[0]) >= line_of(text(), old.splitlines()[0]) - 1


PARTITIONS = {"uri": "nights", "partition": "day"}


@pytest.mark.parametrize(
    ("key", "dataset"),
    [
        ("interval", PARTITIONS | {"interval": "{{ ds }}/{{ data_interval_end }}"}),
        ("timestamp", {"uri": "lake", "format": "delta", "timestamp": "{{ ts }}"}),
    ],
    ids=["interval", "timestamp"],
)
def test_every_key_of_a_dataset_that_is_rendered_takes_templates(lint, text, base, key, dataset):
    """P7: what a run renders, lint takes, and looks for the variables that no run gives."""
    code, lines = lint(text(datasets=base.raw["datasets"] | {"current": dataset}))
    assert (code, lines) == (0, [])
    wrong = dataset | {key: dataset[key].replace("ds", "dds").replace("ts", "tts")}
    assert_refused(
        lint(text(datasets=base.raw["datasets"] | {"current": wrong})), f"datasets.current.{key}", "no run gives"
    )


@pytest.mark.parametrize(
    "uri",
    [
        "n/{{ ds }}.parquet",
        "n/{{ logical_date | ds_nodash }}.parquet",
        "n/{{ macros.ds_add(ds, -1) }}.parquet",
        "n/{{ data_interval_start.subtract(days=1) | ds }}.parquet",
    ],
)
def test_a_template_that_airflow_renders_is_taken(lint, text, base, uri):
    """P7: variables, filters and macros of Airflow."""
    assert lint(text(datasets=base.raw["datasets"] | {"current": {"uri": uri}})) == (0, [])


def test_numbers_as_people_write_them_are_taken(lint, text):
    """P7: what looks like a number is one."""
    for number in ("0.2", ".2", "1e-3", "1E-3", "1.5e-3", "+0.2", "0", "1"):
        assert lint(text().replace("less_than: 0.2", f"less_than: {number}")) in [(0, [])] or number == "0", number


def suite_text(*entries: str) -> str:
    return '{"name": "s", "expectations": [' + ", ".join(entries) + "]}"


NOT_NULL = '{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "income"}}'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (suite_text('{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a", "column": "income"}}'), "'column' is given twice"),
        (suite_text(NOT_NULL)[:-1] + ', "expectations": []}', "'expectations' is given twice"),
        (suite_text('{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "income", "mostly": 0}}'), "mostly"),
        (suite_text(), "at least one"),
        ("{", "is not JSON"),
        (suite_text('{"type": "X"}'), "type"),
        (None, "cannot be read"),
        ("[" * 100_000, "is not JSON"),
        (suite_text('{"type": "expect_column_values_to_be_between", "kwargs": {"column": "income", "min_value": ' + "9" * 5000 + "}}"), "is not JSON"),
    ],
)  # fmt: skip
def test_a_suite_is_read_by_lint(lint, base, content, words):
    """P7: a key given twice, parts of no value, and what is no suite at all."""
    suite = base.folder / "suite.json"
    suite.unlink(missing_ok=True)
    if content is not None:
        suite.write_text(content)
    checks = base.raw["checks"] | {"validation": {"kind": "data_validation", "params": {"suite": "suite.json"}, "thresholds": [{"metric": "critical_failures", "equal_to": 0}]}}  # fmt: skip
    changed = yaml.safe_dump(base.raw | {"checks": checks}, sort_keys=False)
    assert_refused(lint(changed), words, "checks.validation.params.suite")
    suite.write_text(suite_text(NOT_NULL))
    assert lint(changed) == (0, [])
    assert json.loads(suite.read_text())


def test_a_waiver_that_has_expired_is_named_and_takes_no_dag_away(lint, text, base):
    """P7: lint says it; the run is governed as before."""
    expired = waiver(expires="2026-01-31")
    changed = text(waivers=[expired])
    assert_refused(lint(changed), "waivers[0].expires: the waiver ended on 2026-01-31")
    (base.folder / "changed.yaml").write_text(changed)
    from model_governance import catalogue, load_policy

    assert load_policy(base.folder / "changed.yaml", catalogue()).waivers
    assert lint(text(waivers=[waiver()])) == (0, [])


@pytest.fixture
def online(tmp_path, capsys):
    """Changes a sound project, lints it with `--online`; gives code, output and problems."""

    def run(change) -> tuple[int, str, list[str]]:
        small = project.small_project(tmp_path)
        change(small)
        small.change()
        code = main(["policy", "lint", str(small.policy_file), "--online"])
        out, err = capsys.readouterr()
        return code, out, [line.removeprefix(f"{small.policy_file}:") for line in err.splitlines()]

    return run


def test_lint_compares_model_and_columns_with_the_policy_when_asked(online):
    """P7: a sound project is sound; what the run would find, lint finds."""
    assert online(lambda small: None)[0] == 0

    def misspell(small):
        features = small.raw["columns"]["features"]
        features["incme"] = features.pop("income")
        small.raw["checks"] = {"quality": small.raw["checks"]["quality"]}

    code, _, lines = online(misspell)
    assert code == 2
    assert any("dataset 'reference' has no column 'incme'" in line for line in lines)
    assert any(" model: " in line for line in lines)


def test_lint_names_a_file_that_is_another_or_not_there(online):
    """P7: digest of the model, missing reference, missing target."""
    code, _, lines = online(lambda small: small.raw["model"].update(sha256="0" * 64))
    assert code == 2
    assert "sha256" in lines[0]
    code, _, lines = online(lambda small: small.raw["datasets"].update(reference={"uri": "nothing.parquet"}))
    assert code == 2
    assert "datasets.reference" in lines[0]
    code, _, lines = online(lambda small: small.raw["columns"].update(target="outcome"))
    assert code == 2
    assert any("has no column 'outcome'" in line for line in lines)


def test_lint_does_not_ask_for_the_rows_of_a_run_that_has_not_been(online):
    """P7: a dataset that is named by a template is looked at only where it is there."""
    code, out, lines = online(lambda small: small.raw["datasets"].update(current={"uri": "nights/{{ ds }}.parquet"}))
    assert (code, lines) == (0, [])
    assert "datasets.current: not looked at" in out


PLANTED = "Pl4nted-Passw0rd"
PLACES = {
    "uri of a query": lambda raw: raw["datasets"].update(current={"uri": f"postgresql://scores:{PLANTED}@host/db", "query": "select 1"}),
    "uri of a table": lambda raw: raw["datasets"].update(current={"uri": f"postgresql://scores:{PLANTED}@host:5432/db", "table": "t"}),
    "password without a user": lambda raw: raw["datasets"].update(current={"uri": f"redis://:{PLANTED}@host/db", "table": "t"}),
    "password of digits and signs": lambda raw: raw["datasets"].update(current={"uri": "postgresql://scores:80/x@host/db".replace("80/x", "8080" + PLANTED), "table": "t"}),
    "password by a template": lambda raw: raw["datasets"].update(current={"uri": "postgresql://scores:{{ conn.db.password }}@host/db", "table": "t"}),
    "argument of a uri": lambda raw: raw["datasets"].update(current={"uri": f"postgresql://host/db?user=a&password={PLANTED}", "table": "t"}),
    "signed address": lambda raw: raw["datasets"].update(reference={"uri": f"https://bucket.s3.amazonaws.com/a.parquet?X-Amz-Signature={PLANTED}"}),
    "shared access": lambda raw: raw["datasets"].update(reference={"uri": f"abfs://c@a.dfs.core.windows.net/a.parquet?sv=1&sig={PLANTED}"}),
    "pairs in a uri": lambda raw: raw["datasets"].update(current={"uri": f"mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BPWD%3D{PLANTED}", "query": "select 1"}),
    "pairs in a query": lambda raw: raw["datasets"].update(current={"uri": "duckdb:///x.db", "query": f"select * from postgres_scan('host=h password={PLANTED}', 'public', 't')"}),
    "model": lambda raw: raw["model"].update(uri=f"https://user:{PLANTED}@models.example.com/v2/models/m", format="http"),
    "token of the model": lambda raw: raw["model"].update(uri=f"https://models.example.com/v2/models/m?access_token={PLANTED}", format="http"),
    "champion": lambda raw: raw.update(champion=raw["model"] | {"name": "old", "uri": f"s3://key:{PLANTED}@bucket/model.skops"}),
    "artifacts": lambda raw: raw.update(artifacts={"uri": f"s3://key:{PLANTED}@bucket/prefix"}),
    "description": lambda raw: raw.update(description=f"reads postgresql://scores:{PLANTED}@host/db"),
    "owner": lambda raw: raw.update(owner=f"https://hooks.example.com/services?token={PLANTED}"),
    "params": lambda raw: raw["checks"]["drift"].update(params={"profile": f"https://u:{PLANTED}@host/profile.json"}),
    "waiver": lambda raw: raw.update(waivers=[waiver(ticket=f"https://u:{PLANTED}@tickets/1")]),
    "key of a cloud": lambda raw: raw.update(description="uses AKIAABCDEFGHIJKLMNOP"),
}  # fmt: skip


def assert_refused_without_the_secret(answer):
    code, lines = answer
    assert code == 2
    assert any("is archived with the policy for ever" in line and "`connection:`" in line for line in lines), lines
    assert all(PLANTED not in line for line in lines)


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_in_a_policy_is_refused_with_the_cure_and_never_repeated(lint, base, place):
    """P8: passwords, signed addresses and tokens, wherever they stand."""
    raw = json.loads(json.dumps(base.raw, default=str))
    PLACES[place](raw)
    assert_refused_without_the_secret(lint(yaml.safe_dump(raw, sort_keys=False)))


@pytest.mark.parametrize(
    "line",
    [
        f"# uri: postgresql://scores:{PLANTED}@host/db",
        f'"x": "postgresql://scores:\\x50{PLANTED[1:]}@host/db"',
        f"description: >-\n  postgresql://scores:{PLANTED}@host/db\n  is old",
        f"description: postgresql://scores%3A{PLANTED}@host/db",
    ],
)
def test_a_secret_in_a_comment_or_in_another_spelling_is_refused(lint, text, line):
    """P8: the archive keeps the bytes of the policy, comments included."""
    assert_refused_without_the_secret(lint(text() + line + "\n"))


def test_a_policy_with_a_secret_and_a_mistake_does_not_repeat_the_secret(lint, text):
    """P8: values that a mistake names, and a mistake of YAML in the line of the secret."""
    uri = f"postgresql://scores:{PLANTED}@host/db"
    for wrong in (
        f"fail_on: '{uri}'",
        f"version: {uri}",
        f"x: {uri}: {uri}",
        f"{uri}: 1",
        f"schedule: {{cron: '{uri}'}}",
    ):
        code, lines = lint(text() + wrong + "\n")
        assert code == 2
        assert all(PLANTED not in line for line in lines), lines


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://scores@host:5432/db", "postgresql://host/db?sslmode=require", "s3://connection@bucket/key", "duckdb:///a.db",
        "http://host:8080/v2/models/a@b", "spark://host:7077", "https://h/?author=a&version=2", "s3://bucket/a:b@c.parquet",
    ],
)  # fmt: skip
def test_an_address_without_a_secret_is_taken(lint, text, uri):
    """P8: users, ports and ordinary arguments are no secrets."""
    assert lint(text(description=f"reads {uri}")) == (0, [])
