"""Reads what other monitors demand of data and models, and says line by line what became a demand of a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.authoring.imports.documents import read_document
from model_governance.authoring.imports.from_evidently import read_evidently
from model_governance.authoring.imports.from_great_expectations import read_great_expectations
from model_governance.authoring.imports.from_nannyml import read_nannyml
from model_governance.authoring.imports.from_sagemaker import read_sagemaker
from model_governance.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from model_governance.authoring.imports.documents import Document
    from model_governance.authoring.imports.imported import Imported

FORMATS: Mapping[str, tuple[str, Callable[[Sequence[Document]], Imported]]] = {
    "sagemaker": ("constraints.json and statistics.json of SageMaker Model Monitor", read_sagemaker),
    "evidently": ("the JSON of an Evidently report or test suite", read_evidently),
    "great_expectations": ("suites (JSON) and checkpoints (JSON, YAML) of Great Expectations", read_great_expectations),
    "nannyml": ("the configuration of NannyML (YAML) with its thresholds", read_nannyml),
}


def import_files(form: str, paths: Sequence[Path]) -> Imported:
    """Read the files of another monitor.

    Args:
        form: a key of `FORMATS`.
        paths: the files, which are only read.

    Raises:
        PolicyError: a file cannot be read, is none of the format, or no line of it could be taken.
    """
    _, read = FORMATS[form]
    imported = read([read_document(path) for path in paths])
    if not imported.is_empty:
        return imported
    names = ", ".join(map(str, paths))
    reasons = [f"  {line}" for line in imported.lines] or ["  it demands nothing"]
    raise PolicyError([f"{names}: nothing of it can be demanded here", *reasons])
