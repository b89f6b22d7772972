"""An approval with a right digest in the policy and wrong fields in the file is refused in words."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from model_governance.contract.connections import PlainConnections
from model_governance.contract.model import Model
from model_governance.contract.result import canonical_json
from model_governance.contract.subject import Columns
from model_governance.errors import SubjectError
from model_governance.policy import ModelSpec
from model_governance.subjects.approved_answers import approve, check_approval

COLUMNS = Columns.model_validate({"features": {"x": {"kind": "numeric"}}})
MODEL = Model(
    name="m", format="skops", sha256="a" * 64, task="binary_classification", native=None,
    call=lambda frame: (frame["x"] > 0).to_numpy(),
    call_proba=lambda frame: np.column_stack([1 / (1 + np.exp(frame["x"])), 1 / (1 + np.exp(-frame["x"]))]),
    classes=(False, True),
)  # fmt: skip


@pytest.fixture
def approval(tmp_path) -> dict:
    rows = pd.DataFrame({"x": np.linspace(-2, 2, 50)})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    sha256 = hashlib.sha256((tmp_path / "rows.csv").read_bytes()).hexdigest()
    return approve(MODEL, COLUMNS, rows, uri="rows.csv", sha256=sha256)


def check(folder, approval: dict) -> None:
    content = json.dumps(approval).encode()
    (folder / "approval.json").write_bytes(content)
    given = {"uri": "approval.json", "sha256": hashlib.sha256(content).hexdigest()}
    spec = {"name": "m", "uri": "m.skops", "sha256": "a" * 64, "format": "skops", "task": "binary_classification"}
    check_approval(
        MODEL,
        ModelSpec.model_validate(spec | {"approval": given}),
        COLUMNS,
        folder=folder,
        connections=PlainConnections(),
    )


def answers(approval: dict, **fields) -> dict:
    """Other answers, under their own digest."""
    changed = approval["answers"] | fields
    own = {name: changed[name] for name in ("output", "values")}
    return approval | {"answers": changed | {"sha256": hashlib.sha256(canonical_json(own)).hexdigest()}}


def test_the_approval_itself_is_accepted(tmp_path, approval):
    check(tmp_path, approval)


CHANGES = {
    "no rows": lambda own: {name: value for name, value in own.items() if name != "rows"},
    "a position that is text": lambda own: own | {"rows": own["rows"] | {"positions": ["0"] * 50}},
    "a position beyond the rows": lambda own: own | {"rows": own["rows"] | {"positions": [*range(49), 50]}},
    "no position": lambda own: answers(own | {"rows": own["rows"] | {"positions": []}}, values=[]),
    "a tolerance that is none": lambda own: own | {"tolerance": None},
    "a tolerance of everything": lambda own: own | {"tolerance": {"relative": 10.0, "absolute": 0.0}},
    "features that are a list": lambda own: own | {"features": ["x"]},
    "libraries that are a list": lambda own: own | {"libraries": []},
    "an answer too few": lambda own: answers(own, values=own["answers"]["values"][:-1]),
    "three probabilities": lambda own: answers(own, values=[[0.1, 0.2, 0.7]] * 50),
    "probabilities that are text": lambda own: answers(own, values=[["a", "b"]] * 50),
    "numbers where probabilities were": lambda own: answers(own, output="values"),
    "another digest": lambda own: own | {"answers": own["answers"] | {"sha256": "0" * 64}},
    "another schema": lambda own: own | {"schema": "model-governance/approval/v9"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_damaged_approval_is_refused_in_words(tmp_path, approval, change):
    with pytest.raises(SubjectError, match=r"approval\.json: .*model-governance model approve"):
        check(tmp_path, CHANGES[change](approval))
