"""The C parser of YAML names the same lines as the one in Python, and no file can exhaust the stack of the process."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from model_governance.checks import catalogue
from model_governance.errors import PolicyError
from model_governance.policy.load import parse_policy
from model_governance.policy.yaml_text import MAX_DEPTH

POLICY = Path(__file__).parents[3] / "include" / "policies" / "acs_employment.yaml"
BREAKS = (
    lambda line: f"  {line}",
    lambda line: line.replace(":", "", 1),
    lambda line: f"{line} {{",
    lambda line: f"\t{line}",
    lambda line: f'{line} "',
    lambda line: line.lstrip(),
    lambda _: "key: @x",
    lambda line: f"{line}: : ]",
)


def lines_of(loader, text):
    """Line of every key and value, or the line of the mistake."""

    def walk(node):
        if isinstance(node, yaml.MappingNode):
            return [(key.start_mark.line, key.value, walk(value)) for key, value in node.value]
        if isinstance(node, yaml.SequenceNode):
            return [(value.start_mark.line, walk(value)) for value in node.value]
        return node.start_mark.line, node.tag, node.value

    try:
        return walk(loader(text.encode()).get_single_node())
    except yaml.MarkedYAMLError as error:
        return "mistake", (error.problem_mark or error.context_mark).line


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="this PyYAML was built without libyaml")
def test_both_parsers_name_the_same_lines_in_sound_and_in_broken_policies():
    source = POLICY.read_text().splitlines()
    assert lines_of(yaml.CSafeLoader, "\n".join(source)) == lines_of(yaml.SafeLoader, "\n".join(source))
    draw = random.Random(1)
    mistakes = 0
    for _ in range(60):
        lines = list(source)
        place = draw.randrange(len(lines))
        lines[place] = draw.choice(BREAKS)(lines[place])
        text = "\n".join(lines)
        mistakes += lines_of(yaml.SafeLoader, text)[0] == "mistake"
        assert lines_of(yaml.CSafeLoader, text) == lines_of(yaml.SafeLoader, text), (place, lines[place])
    assert mistakes > 30


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("[" * 100_000, 1),
        ("- " * 100_000 + "x", 1),
        ("{a: " * 100_000, 1),
        ("".join(" " * depth + "a:\n" for depth in range(2000)), MAX_DEPTH + 1),
    ],
)
def test_a_file_nested_without_end_is_a_located_mistake(source, line):
    with pytest.raises(PolicyError, match=f"^policy:{line} .*nested deeper than {MAX_DEPTH}"):
        parse_policy(source.encode(), catalogue())


def test_the_process_that_reads_such_a_file_lives_on():
    script = (
        "from model_governance.checks import catalogue\n"
        "from model_governance.errors import PolicyError\n"
        "from model_governance.policy.load import parse_policy\n"
        "try: parse_policy(b'- ' * 1_000_000 + b'x', catalogue())\n"
        "except PolicyError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr
