"""Great Expectations is imported without what it only tries to import, and everything else imports as before."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import importlib.util, sys
from model_governance.checks.data.data_validation.lean_import import OPTIONAL, import_great_expectations
installed = [name for name in OPTIONAL if importlib.util.find_spec(name)]
import_great_expectations()
assert "great_expectations.expectations" in sys.modules
assert not [name for name in OPTIONAL if name in sys.modules]
from great_expectations.expectations.registry import list_registered_expectation_implementations
assert len(list_registered_expectation_implementations()) > 40
for name in installed:
    __import__(name)
print("imported after all:", *installed)
"""


def test_what_is_optional_is_left_out_and_can_be_imported_afterwards():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "rfc3987_syntax" in done.stdout
