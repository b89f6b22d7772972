"""The bag of a month as one file in a store, for auditors who are given no access to the archive."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.authoring.export import Request, export_archive
from model_governance.evidence.export import zipped
from model_governance.store import stored_at

if TYPE_CHECKING:
    from datetime import datetime

    from model_governance.evidence.period import Period
    from model_governance.store import ArtifactStore, Stored

EXPORTS = "v1/reports/export/"
"""Under this prefix of a store: the bags, by model and month."""


def store_export(
    archive: ArtifactStore,
    target: ArtifactStore,
    model: str,
    *,
    period: Period,
    trust_file: Path | None,
    moment: datetime,
) -> Stored:
    """Export the evidence of a model and a month, and store the bag as a ZIP file under its digest.

    An archive that is not sound is exported too: the bag says what is wrong, and is what an investigation starts from.

    Args:
        archive: the evidence.
        target: where the ZIP file goes; the archive itself, or a store of its own.
        model: name of the model.
        period: the days of the month.
        trust_file: public keys whose signatures count; None: signatures are not verified.
        moment: date of the bag (UTC): the same moment and archive give the same bytes, so that a retry stores nothing new.

    Raises:
        PolicyError: the model has no run in the month that can be read.
        StoreUnreachable, StoreError: the archive cannot be read, or the file not be stored.
        EvidenceError: the trust file cannot be read.
    """
    request = Request(model=model, period=period, trust_file=trust_file, unsound=True)
    with tempfile.TemporaryDirectory() as folder:
        bag = Path(folder, f"{model}_{period.first:%Y-%m}")
        export_archive(archive, request, output=bag, moment=moment)
        content = zipped(bag)
    key = f"{EXPORTS}model={model}/month={period.first:%Y-%m}/{hashlib.sha256(content).hexdigest()[:16]}/{bag.name}.zip"
    target.put_once(key, content, media_type="application/zip")
    return stored_at(target, key, content, media_type="application/zip")
