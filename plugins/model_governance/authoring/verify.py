"""`model-governance verify`: verify an archive, offline, with nothing but its objects and the public keys."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_governance.contract.connections import PlainConnections
from model_governance.contract.processors import processors
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, PolicyError
from model_governance.evidence.anchors import read_certificates
from model_governance.evidence.period import Period
from model_governance.evidence.trust import read_trust
from model_governance.evidence.verification import verify_archive
from model_governance.evidence.verification.sarif import sarif_of
from model_governance.store import open_store

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from cryptography.x509 import Certificate

    from model_governance.evidence.verification import Verification

_HEAD = re.compile(r"(?:(?P<model>[a-z0-9][a-z0-9_-]{0,99})=)?(?P<sha256>[0-9a-f]{64})")


def add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    verify = commands.add_parser(
        "verify", help="verify an archive: signatures, chain, digests, and that each verdict follows from its numbers"
    )
    verify.add_argument("store", metavar="STORE", help="folder, file:///folder or s3://bucket/prefix")
    verify.add_argument("--model", action="append", metavar="NAME", help="only this model (repeatable)")
    verify.add_argument("--trust", type=Path, metavar="FILE", help="public keys whose signatures count")
    verify.add_argument(
        "--expect-head", action="append", metavar="[MODEL=]SHA256",
        help="digest of the newest link, kept elsewhere: shows that the end was cut off (repeatable)",
    )  # fmt: skip
    verify.add_argument(
        "--tsa-certificate",
        type=Path,
        metavar="FILE",
        help="certificates of the time stamp authority (PEM, root first)",
    )
    verify.add_argument(
        "--days", nargs=2, type=date.fromisoformat, metavar=("FROM", "TO"),
        help="the store is an export of these days (UTC): objects of other runs may be missing, which is noted",
    )  # fmt: skip
    verify.add_argument("--json", action="store_true", help="print one JSON object and nothing else, for machines")
    verify.add_argument("--sarif", type=Path, metavar="FILE", help="write the problems as SARIF 2.1.0, too")
    verify.set_defaults(command=_verify)


def _verify(options: argparse.Namespace) -> int:
    store = open_store(options.store, folder=Path.cwd(), connections=PlainConnections())
    models = options.model or []
    found = verify_archive(
        store, models=models, trust=read_trust(options.trust) if options.trust else None,
        authority=certificates_in(options.tsa_certificate) if options.tsa_certificate else (),
        expected=_expected(options.expect_head or [], models), period=period_of(*options.days) if options.days else None,
        processes=processors(),
    )  # fmt: skip
    if not found:
        raise PolicyError([f"{store.uri}: expected an archive, found no model in it; name its folder or bucket"])
    code = 0 if all(each.is_sound for each in found) else 1
    if options.sarif is not None:
        options.sarif.write_bytes(canonical_json(sarif_of(found)))
    if options.json:
        record: dict[str, Any] = {"exit_code": code, "store": store.uri, "models": [each.record() for each in found]}
        print(canonical_json(record).decode())
    else:
        print("\n".join(line for each in found for line in describe_verification(each)))
    return code


def describe_verification(verification: Verification) -> list[str]:
    """The answer for people: one line on the model, then every problem, those that count first."""
    head = "no head" if verification.head is None else f"head {verification.head[0]} sha256 {verification.head[1]}"
    errors = [problem for problem in verification.problems if problem.severity == "error"]
    notes = [problem for problem in verification.problems if problem.severity == "note"]
    answer = "OK" if verification.is_sound else f"NOT OK, {len(errors)} problem{'' if len(errors) == 1 else 's'}"
    signed = f"signed by {', '.join(verification.signed_by)}" if verification.signed_by else "no signature checked"
    first = (
        f"{verification.model}: {answer}: {verification.links} links, {verification.objects} objects, "
        f"{verification.verdicts} verdicts computed again, {signed}"
    )
    if verification.anchored is not None:
        head += f"; time stamp over link {verification.anchored[0]} of {verification.anchored[1]}"
    told = [f"  {problem.code}  {problem.where}\n      {problem.sentence}" for problem in errors]
    told += [f"  note: {problem.sentence} ({problem.code})" for problem in notes]
    return [first, f"  {head}", *told]


def certificates_in(path: Path) -> list[Certificate]:
    """The certificates in a file. Raises EvidenceError where there is none."""
    try:
        return read_certificates(path.read_bytes(), origin=str(path))
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read ({error.strerror}); pass the right path") from error


def period_of(first: date, last: date) -> Period:
    """The days from first to last. Raises PolicyError where the last one comes first."""
    try:
        return Period(first=first, last=last)
    except ValueError as error:
        raise PolicyError([str(error)]) from error


def _expected(texts: Sequence[str], models: Sequence[str]) -> dict[str, str]:
    """The expected heads by model; a digest alone is that of the only model named."""
    expected = {}
    for text in texts:
        match = _HEAD.fullmatch(text)
        model = None if match is None else match["model"] or (models[0] if len(models) == 1 else None)
        if match is None or model is None:
            raise PolicyError(
                [f"--expect-head {text!r:.100}: expected MODEL=SHA256, or the 64 hex digits alone with one --model"]
            )
        expected[model] = match["sha256"]
    return expected
