"""`python -m model_governance` is the command `model-governance`."""

from __future__ import annotations

import sys

from model_governance.cli import main

sys.exit(main())
