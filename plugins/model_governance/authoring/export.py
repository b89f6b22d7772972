"""`model-governance archive export`: a bag with the evidence of a model and some days, which auditors read without us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.authoring.verify import describe_verification, period_of
from model_governance.contract.connections import PlainConnections
from model_governance.contract.moments import as_moment
from model_governance.contract.result import canonical_json
from model_governance.errors import ObjectMissing, PolicyError
from model_governance.evidence.export import (
    BagWriter,
    assessment_results,
    bill_of_materials,
    junit_of,
    model_card,
    select,
)
from model_governance.evidence.signing import public_pem
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_model
from model_governance.report.audit_page import AuditedExport, AuditedRun, render_audit
from model_governance.store import open_store

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from model_governance.evidence.export import ExportedRun, Selection
    from model_governance.evidence.period import Period
    from model_governance.evidence.trust import Trust
    from model_governance.evidence.verification import Verification
    from model_governance.store import ArtifactStore

TRUST = "trust.yaml"
FILES = (
    ("v1/", "the evidence: all links of the chain; manifests, records, reports and policies of the runs of these days"),
    ("verification.json", "the answer of the verification of the whole archive, before the export"),
    ("junit.xml", "a test suite per run and a test case per finding"),
    ("bom.cdx.json", "model versions and data as a CycloneDX 1.6 ML-BOM"),
    ("assessment_results.oscal.json", "the runs as OSCAL 1.1 assessment results, with the controls that their checks support"),
    ("model_card.md", "the model card"),
)  # fmt: skip
WITH_TRUST = ((TRUST, "the trust file that the signatures were verified with"), ("keys/", "its public keys, in PEM"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be exported.

    Attributes:
        model: name of the model.
        period: days whose runs are exported.
        trust_file: public keys whose signatures count; None: signatures are not verified.
        expected_head: digest of the newest link, kept elsewhere.
        unsound: export an archive that is not sound, too.
    """

    model: str
    period: Period
    trust_file: Path | None = None
    expected_head: str | None = None
    unsound: bool = False


def add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    export = commands.add_parser(
        "export", help="write a bag (BagIt) with the evidence of a model and some days, for auditors"
    )
    export.add_argument("store", metavar="STORE", help="folder, file:///folder or s3://bucket/prefix")
    export.add_argument("--model", required=True, metavar="NAME", help="whose evidence")
    days = (("first", "--from", "first day of the runs (UTC)"), ("last", "--to", "last day of the runs (UTC)"))
    for name, option, text in days:
        export.add_argument(option, dest=name, required=True, type=date.fromisoformat, metavar="DATE", help=text)
    export.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="the bag; must not exist")
    export.add_argument(
        "--trust", type=Path, metavar="FILE", help="public keys whose signatures count; put into the bag"
    )
    export.add_argument("--expect-head", metavar="SHA256", help="digest of the newest link, kept elsewhere")
    export.add_argument(
        "--unsound", action="store_true", help="export an archive that is not sound, too; the bag says what is wrong"
    )
    export.set_defaults(command=_export)


def export_archive(
    store: ArtifactStore, request: Request, *, output: Path, moment: datetime
) -> tuple[Verification, Selection | None]:
    """Verify the archive of a model and write the bag; only the date in `bag-info.txt` depends on the moment.

    Args:
        store: the archive.
        request: what is exported.
        output: folder of the bag; must not exist.
        moment: when the export is made (UTC).

    Returns:
        The verification, and what was exported; None where the archive is not sound and nothing was written.

    Raises:
        PolicyError: the folder exists, or the model has no run in the period.
        StoreUnreachable, StoreError: the archive cannot be read or the bag not be written.
        EvidenceError: the trust file cannot be read.
    """
    trust = read_trust(request.trust_file) if request.trust_file else None
    verification = verify_model(store, request.model, trust=trust, expected_head=request.expected_head)
    if not verification.is_sound and not request.unsound:
        return verification, None
    selection = select(store, request.model, request.period)
    if not selection.runs:
        raise PolicyError(
            [f"{store.uri}: {request.model} has no run that can be read in the days {request.period}; name others"]
        )
    bag = BagWriter(output)
    for key in selection.keys:
        try:
            bag.add(key, store.get(key))
        except ObjectMissing:
            continue  # in the verification, whose answer is in the bag
    head = verification.head[1] if verification.head else ""
    for name, content in _derived(selection, verification, request, trust, head=head):
        bag.add(name, content)
    bag.close(
        {
            "Bagging-Date": as_moment(moment).date().isoformat(),
            "Bag-Software-Agent": f"airflow-model-governance {version('airflow-model-governance')}",
            "External-Description": f"Governance evidence of the model {request.model}, runs of {request.period}",
            "External-Identifier": head,
        }
    )
    return verification, selection


def _derived(
    selection: Selection, verification: Verification, request: Request, trust: Trust | None, *, head: str
) -> Iterator[tuple[str, bytes]]:  # fmt: skip
    """Name and content of every file that is made from the evidence."""
    yield "verification.json", canonical_json(verification.record())
    yield "junit.xml", junit_of(selection.model, selection.runs)
    yield "bom.cdx.json", bill_of_materials(selection, head=head)
    yield "assessment_results.oscal.json", assessment_results(selection, head=head)
    yield "model_card.md", model_card(selection, head=head)
    if trust and request.trust_file:
        yield TRUST, request.trust_file.read_bytes()
        for keyid in sorted(trust.keys):
            yield f"keys/{keyid}.pem", public_pem(trust.keys[keyid].key).encode()
    page = AuditedExport(
        model=selection.model, days=str(selection.period), verification=verification.record(),
        signatures=_signatures(verification, trust), expected_head=request.expected_head is not None,
        runs=[_audited(run) for run in selection.runs],
        documents=[(document.link.sequence, document.sentence) for document in selection.documents],
        unreadable=selection.unreadable, left_out=selection.left_out, commands=_commands(selection),
        files=(*FILES, *(WITH_TRUST if trust else ())),
    )  # fmt: skip
    yield "index.html", render_audit(page)


def _signatures(verification: Verification, trust: Trust | None) -> str:
    if trust is None:
        return "Signatures were not verified: no trust file was given."
    if not verification.signed_by:
        return "No link has a signature by a key of the trust file."
    return f"The signatures of the links, made by: {', '.join(verification.signed_by)}."


def _audited(run: ExportedRun) -> AuditedRun:
    page = next((each["uri"] for each in run.link.statement["subject"] if each["name"] == "report.html"), None)
    return AuditedRun(
        manifest=run.manifest, sequence=run.link.sequence, digest=run.link.digest, key=run.link.about["key"], page=page
    )


def _commands(selection: Selection) -> list[tuple[str, str]]:
    """What a reader runs in the folder of the bag."""
    rest = f"--expect-head {selection.model}=HEAD --days {selection.period.first} {selection.period.last}"
    whole = "No file of the bag was changed since it was made:"
    program = "Signatures, chain and digests, and every verdict computed again:"
    script = "The same but for the verdicts, with Python, openssl and 199 lines that you can read (the project's include/auditor):"
    return [
        ("sha256sum --check --quiet manifest-sha256.txt", whole),
        (f"model-governance verify data --trust TRUST_FILE {rest}", program),
        (f"python3 verify_archive.py . --key PUBLIC_KEY {rest}", script),
    ]


def _export(options: argparse.Namespace) -> int:
    store = open_store(options.store, folder=Path.cwd(), connections=PlainConnections())
    request = Request(
        model=options.model, period=period_of(options.first, options.last), trust_file=options.trust,
        expected_head=options.expect_head, unsound=options.unsound,
    )  # fmt: skip
    verification, selection = export_archive(
        store, request, output=options.output, moment=datetime.now(UTC).replace(microsecond=0)
    )
    print("\n".join(describe_verification(verification)))
    if selection is None:
        print(f"{options.output}: not written; --unsound exports an archive that is not sound, and says what is wrong")
        return 1
    runs = f"{len(selection.runs)} run{'' if len(selection.runs) == 1 else 's'}"
    print(f"{options.output}: {runs} of {selection.model}, {request.period}; read data/index.html")
    return 0
