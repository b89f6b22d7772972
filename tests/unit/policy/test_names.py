"""What a policy's text tells of its model, however broken it is."""

from __future__ import annotations

import pytest

from model_governance.policy.names import names_in

SOUND = """\
version: 1
owner: team@example.com
champion: {name: old, uri: old.skops, sha256: x}
model:
  name: acs-light
  uri: model.skops
  task: regression
checks:
  name: {thresholds: []}
"""


@pytest.mark.parametrize(
    "text",
    [
        SOUND,
        SOUND.replace("model:", "modle:"),
        SOUND.replace("model:", "  model:"),
        SOUND.replace("model:", "model  # approved"),
        SOUND.replace("  name: acs", "  nmae: acs"),
        "x: [\n" + SOUND,
        SOUND.replace("acs-light", '"acs-light"'),
        SOUND.replace("  name: acs-light\n", "  # a comment\n\n  name: 'acs-light' # its name\n"),
        "x: }\nmodel: {uri: model.skops, name: acs-light, task: regression}\n",
        "model: {uri: model.skops, name: acs-light}\n---\nmodel: {name: other}\n",
        SOUND + "\t- [",
        SOUND.replace("version: 1", "version: [[1, {a: b}], {c: [d]}]"),
    ],
)
def test_the_model_is_named_as_long_as_the_text_names_it(text):
    assert names_in(text.encode()).model == "acs-light"


def test_the_owner_is_named_up_to_the_first_mistake():
    assert names_in((SOUND + "\t- [").encode()).owner == "team@example.com"


@pytest.mark.parametrize(
    "text",
    ["", "- a\n", "\x00", "model: acs\n", "checks: {name: x}\n", "model: &m [*m]\n", "champion: {name: old, uri: x}\n"],
)
def test_no_name_is_made_up(text):
    assert names_in(text.encode()).model is None
