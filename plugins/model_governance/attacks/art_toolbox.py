"""The Adversarial Robustness Toolbox (ART), loaded and run without its side effects.

Importing it plainly writes `~/.art`, reconfigures `logging` and warns; its attacks draw from the
global numpy generator. Here it leaves the home folder, the loggers and that generator as they were.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import tempfile
import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator

DISTRIBUTION = "adversarial-robustness-toolbox"


@cache
def load_art() -> None:
    """Import `art` once; its data folder is a temporary one that is gone afterwards.

    Raises:
        ImportError: the distribution is not installed.
    """
    found = importlib.util.find_spec("art")
    if found is None or found.origin is None:
        raise ImportError(f"{DISTRIBUTION} is not installed; install airflow-model-governance with its dependencies")
    if "art" in sys.modules:
        return
    config = _load_config(Path(found.origin).with_name("config.py"))
    # logging.config.dictConfig would close every handler of the process, the task log's included.
    with warnings.catch_warnings(), patch("logging.config.dictConfig"):
        warnings.simplefilter("ignore")
        import art
        import art.attacks.evasion
        import art.attacks.inference.membership_inference
        import art.estimators.classification
    art.config = config


@contextmanager
def quiet_attack(seed: int) -> Iterator[None]:
    """Run attacks in the block: seeded, silent, the global numpy generator restored afterwards.

    Hold it for one attack at a time: the global generator belongs to the whole process.
    """
    import numpy as np

    load_art()
    logger = logging.getLogger("art")
    level, state = logger.level, np.random.get_state()
    logger.setLevel(logging.CRITICAL)
    np.random.seed(seed % 2**32)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)
        logger.setLevel(level)


def _load_config(path: Path) -> object:
    """`art.config`, run ahead of the package while the home folder is a temporary one.

    Only this one small module reads HOME, so the variable is changed for no longer than it runs.
    """
    spec = importlib.util.spec_from_file_location("art.config", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded; reinstall {DISTRIBUTION}")
    config = importlib.util.module_from_spec(spec)
    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, {"HOME": home}):
        spec.loader.exec_module(config)
    sys.modules["art.config"] = config
    return config
