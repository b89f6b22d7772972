"""The planted fault of the artifact scan: a model file that runs a command when it is loaded."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    from model_governance.contract.subject import Subject

# Written out by hand, so that nothing here could run it by mistake: GLOBAL, the argument, REDUCE, STOP.
COMMAND = b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R."


def replace_model_file(subject: Subject) -> Subject:
    """The subject with a pickle of a command in place of its model file."""
    file = subject.require_model_file()
    digest = hashlib.sha256(COMMAND).hexdigest()
    return replace(subject, model_file=replace(file, format="pickle", sha256=digest, content=COMMAND))


SELF_TEST = SelfTest(
    description="a pickle that runs a command of the shell when it is loaded",
    threshold={"metric": "dangerous_findings", "equal_to": 0},
    apply=replace_model_file,
)
