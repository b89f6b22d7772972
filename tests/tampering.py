"""What an intruder, or an insider with the signing key, can do to an archive: each with what verification must report."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import canonical_json
from model_governance.evidence.envelope import Envelope, canonical, read_envelope
from signed_archive import (
    ACCEPTED,
    FAILED,
    LAST,
    PASSED,
    WAIVED,
    insider,
    link_file,
    link_of,
    object_file,
    restate,
    rewrite_run,
    sign,
    store_blob,
    stranger,
    waiver,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampering:
    """One way to alter an archive.

    `tamper` takes the folder of the archive and that of the keys. `codes` are those of verification/problems.py that
    every verifier reports, `judged` those that take the judge or the rebuilding of a whole statement. A case with
    `needs_head` is found only by who kept the digest of the newest link.
    """

    name: str
    tamper: Callable[[Path, Path], None]
    codes: frozenset[str]
    judged: frozenset[str] = frozenset()
    needs_head: bool = False


def _alter_object(archive: Path, keys: Path, *, part: str, old: bytes, new: bytes, number: int = FAILED) -> None:
    file = object_file(archive, number, part)
    content = file.read_bytes()
    assert old in content, f"the case no longer fits: {part} does not hold {old!r}"
    write(file, content.replace(old, new))


def _delete_object(archive: Path, keys: Path, *, part: str) -> None:
    object_file(archive, FAILED, part).unlink()


def _swap_records(archive: Path, keys: Path) -> None:
    write(
        object_file(archive, FAILED, "quality/check.json"),
        object_file(archive, PASSED, "quality/check.json").read_bytes(),
    )


def _state(archive: Path, keys: Path, *, edit: Callable[[dict], Any], by=None, line: int = 0) -> None:
    restate(archive, FAILED, edit, line=line, signer=by(keys) if by else None)


def _say_that_it_passed(statement: dict) -> None:
    statement["predicate"]["verdict"] |= {"outcome": "pass", "stops": False}


def _say_that_it_does_not_stop(statement: dict) -> None:
    statement["predicate"]["verdict"]["stops"] = False


def _say_that_it_was_waived(statement: dict) -> None:
    statement["predicate"]["waivers"] = [{"key": None, **waiver("2026-03-31")}]


def _say_that_tests_passed(statement: dict) -> None:
    statement["predicate"] |= {"result": "PASSED", "passedTests": ["validation", "quality"], "failedTests": []}


def _name_another_policy(statement: dict) -> None:
    statement["predicate"]["configuration"][0]["digest"]["sha256"] = "0" * 64


def _name_nothing(statement: dict) -> None:
    del statement["subject"]


def _name_a_file_elsewhere(statement: dict) -> None:
    statement["subject"][-1]["uri"] = "../../keys/trust.yaml"


def _nothing(statement: dict) -> None:
    pass


def _remove_signatures(archive: Path, keys: Path) -> None:
    lines = [read_envelope(line, origin="case") for line in link_file(archive, FAILED).read_bytes().splitlines()]
    write(link_file(archive, FAILED), b"".join(Envelope(payload=each.payload).line() + b"\n" for each in lines))


def _remove_link(archive: Path, keys: Path, *, number: int) -> None:
    link_file(archive, number).unlink()


def _remove_last_run(archive: Path, keys: Path) -> None:
    link = link_of(archive, LAST)
    (archive / link.about["key"]).unlink()
    link_file(archive, LAST).unlink()


def _swap_links(archive: Path, keys: Path) -> None:
    first, second = (link_file(archive, number).read_bytes() for number in (FAILED, WAIVED))
    write(link_file(archive, FAILED), second)
    write(link_file(archive, WAIVED), first)


def _repeat_link(archive: Path, keys: Path) -> None:
    write(link_file(archive, LAST + 1), link_file(archive, PASSED).read_bytes())


def _respell_link(archive: Path, keys: Path) -> None:
    content = link_file(archive, FAILED).read_bytes()
    write(link_file(archive, FAILED), content.replace(b'","payloadType"', b'", "payloadType"', 1))


def _store_beside_links(archive: Path, keys: Path) -> None:
    write(link_file(archive, FAILED).with_suffix(".bak"), b"{}")


def _point_elsewhere(archive: Path, keys: Path) -> None:
    link = link_of(archive, FAILED)
    content = object_file(archive, FAILED, "run_manifest.json").read_bytes()
    stored = next(row for row in json.loads(content)["checks"] if row["name"] == "quality")["record"]["key"]
    content = content.replace(stored.encode(), b"../../keys/trust.yaml")
    write(archive / link.about["key"], content)
    sha256 = hashlib.sha256(content).hexdigest()

    def follow(statement: dict) -> None:
        statement["predicate"]["manifest"]["sha256"] = statement["subject"][1]["digest"]["sha256"] = sha256

    restate(archive, FAILED, follow, signer=insider(keys))


def _forge_run(archive: Path, keys: Path) -> None:
    key = str(link_of(archive, PASSED).about["key"])
    manifest = json.loads((archive / key).read_bytes())
    manifest["run"]["run_id"] = "night-0"
    content = canonical_json(manifest)
    folder = key.split("/")
    folder[-3:-1] = ["0" * 16, hashlib.sha256(content).hexdigest()[:16]]
    write(archive / "/".join(folder), content)


def _forge_acceptance(archive: Path, keys: Path) -> None:
    key = str(link_of(archive, ACCEPTED).about["key"])
    content = (archive / key).read_bytes().replace(b'"by":"Ada"', b'"by":"Bob"')
    folder, _, name = key.rpartition("/")
    write(archive / folder / f"{name[:19]}{hashlib.sha256(content).hexdigest()[:16]}.json", content)


def _verdict_that_passes(archive: Path, manifest: dict, records: dict) -> None:
    manifest["verdict"] |= {"outcome": "pass", "stops": False}


def _verdict_that_goes_on(archive: Path, manifest: dict, records: dict) -> None:
    manifest["verdict"]["stops"] = False


def _row_that_passes(archive: Path, manifest: dict, records: dict) -> None:
    next(row for row in manifest["checks"] if row["name"] == "quality").update(outcome="pass", stops=False)


def _flip_finding(archive: Path, manifest: dict, records: dict) -> None:
    """The record says pass, with the numbers that failed; row, manifest and statement follow it."""
    record = records["quality"]
    for finding in record["verdict"]["findings"]:
        finding["outcome"] = "pass"
    record["verdict"] |= {"outcome": "pass", "stops": False}
    _adopt(archive, manifest, record)


def _remove_numbers(archive: Path, manifest: dict, records: dict) -> None:
    """Without a result nothing can be judged again."""
    records["quality"]["result"] = None
    _flip_finding(archive, manifest, records)


def _remove_basis(archive: Path, manifest: dict, records: dict) -> None:
    """Without what the verdict rests on nothing can be judged again."""
    records["quality"]["judged"] = {}
    _flip_finding(archive, manifest, records)


def _invent_basis(archive: Path, manifest: dict, records: dict) -> None:
    """The verdict rests on a record that was never stored."""
    records["quality"]["judged"]["earlier"] = [{"key": f"v1/blobs/sha256/00/{'0' * 64}.json", "sha256": "0" * 64}]
    _flip_finding(archive, manifest, records)


def _laxer_policy(archive: Path, manifest: dict, records: dict) -> None:
    """Another policy, under its own digest, by which the numbers pass; findings stay as they were judged."""
    source = (archive / manifest["policy"]["key"]).read_bytes()
    laxer = store_blob(archive, source.replace(b"geq_to: 0.6", b"geq_to: 0.1"), ".yaml")
    manifest["policy"] |= laxer
    record = records["quality"]
    record["policy"]["sha256"] = laxer["sha256"]
    _adopt(archive, manifest, record)


def _waiver_that_lasts(archive: Path, manifest: dict, records: dict) -> None:
    """The waiver that had ended is made to last, in a policy under its own digest, and the findings become waived."""
    source = (archive / manifest["policy"]["key"]).read_bytes()
    manifest["policy"] |= store_blob(archive, source.replace(b"2026-03-01", b"2026-03-31"), ".yaml")
    record = records["quality"]
    record["policy"]["sha256"] = manifest["policy"]["sha256"]
    for finding in record["verdict"]["findings"]:
        finding |= {"outcome": "waived", "waiver": "RISK-7"}
    record["verdict"] |= {"outcome": "waived", "stops": False}
    _adopt(archive, manifest, record)


def _record_of_another(archive: Path, manifest: dict, records: dict) -> None:
    """The check that failed points to the record of the run that passed, and everything else follows it."""
    record = json.loads(object_file(archive, PASSED, "quality/check.json").read_bytes())
    records["quality"] = record
    _adopt(archive, manifest, record)


def _adopt(archive: Path, manifest: dict, record: dict) -> None:
    """Make the row of a check and the verdict of the run those of a changed record."""
    from model_governance.verdict import combine, read_verdict

    verdict = read_verdict(record["verdict"])
    row = next(row for row in manifest["checks"] if row["name"] == record["check"])
    row |= {"outcome": verdict.outcome, "stops": verdict.stops, "sentence": verdict.sentence}
    row["record"] = store_blob(archive, canonical_json(record), ".json")
    whole = read_verdict(manifest["verdict"])
    others = [finding for finding in whole.findings if finding.check != record["check"]]
    findings = (*others, *verdict.findings)
    combined = combine(
        whole.name, [type(whole)(name=whole.name, findings=findings, fail_policy=whole.fail_policy)],
        fail_policy=whole.fail_policy,
    )  # fmt: skip
    manifest["verdict"] = combined.record()


def _rewrite(archive: Path, keys: Path, *, edit: Callable[[Path, dict, dict], Any], number: int = FAILED) -> None:
    rewrite_run(archive, keys, number, edit)


def _rewrite_chain(archive: Path, keys: Path) -> None:
    """A whole new chain: the run that failed is left out, and what follows is numbered and signed anew; no index is left."""
    shutil.rmtree(archive / "v1" / "index", ignore_errors=True)  # an export has none
    links = [link_of(archive, number) for number in (PASSED, WAIVED, ACCEPTED, LAST)]
    failed = link_of(archive, FAILED)
    for number in range(1, LAST + 1):
        link_file(archive, number).unlink()
    (archive / failed.about["key"]).unlink()
    previous = None
    for number, link in enumerate(links, start=1):
        statements = [json.loads(envelope.payload) for envelope in link.envelopes]
        statements[0]["predicate"] |= {"sequence": number, "previous": previous and {"sha256": previous}}
        sign(archive, number, statements, insider(keys))
        previous = hashlib.sha256(canonical(statements[0])).hexdigest()


def _case(name: str, codes: str, tamper, /, *, judged: str = "", needs_head: bool = False, **arguments) -> Tampering:
    return Tampering(
        name=name, tamper=partial(tamper, **arguments), codes=frozenset(codes.split()), judged=frozenset(judged.split()),
        needs_head=needs_head,
    )  # fmt: skip


TAMPERINGS = (
    _case("artifact altered", "object.altered", _alter_object, part="quality/report.html", old=b"18.2%", new=b"98.2%"),
    _case("artifact deleted", "object.missing", _delete_object, part="quality/report.html"),
    _case("record deleted", "object.missing", _delete_object, part="quality/check.json"),
    _case("manifest deleted", "object.missing", _delete_object, part="run_manifest.json"),
    _case("verdict flipped in the manifest", "object.altered", _alter_object, part="run_manifest.json",
          old=b'"outcome":"fail"', new=b'"outcome":"pass"'),
    _case("stops flipped in the manifest", "object.altered", _alter_object, part="run_manifest.json",
          old=b'"stops":true', new=b'"stops":false'),
    _case("verdict flipped in the record", "object.altered", _alter_object, part="quality/check.json",
          old=b'"outcome":"fail"', new=b'"outcome":"pass"'),
    _case("record swapped for another's", "object.altered", _swap_records),
    _case("policy swapped", "object.altered", _alter_object, part="policy.yaml", old=b"geq_to: 0.6", new=b"geq_to: 0.1"),
    _case("waiver back-dated in the policy", "object.altered", _alter_object, part="policy.yaml",
          old=b"2026-03-01", new=b"2026-03-31"),
    _case("verdict flipped in the link", "link.signature chain.previous statement.differs", _state,
          edit=_say_that_it_passed),
    _case("stops flipped in the link", "link.signature chain.previous statement.differs", _state,
          edit=_say_that_it_does_not_stop),
    _case("test result of the link flipped", "link.signature", _state, edit=_say_that_tests_passed, line=1,
          judged="statement.differs"),
    _case("link about nothing by an insider", "link.damaged", _state, edit=_name_nothing, by=insider),
    _case("link about what is no object by an insider", "", _state, edit=_name_a_file_elsewhere, by=insider,
          judged="link.damaged"),
    _case("manifest about what is no object by an insider", "chain.previous", _point_elsewhere, judged="object.damaged"),
    _case("test result of the link flipped by an insider", "statement.differs", _state, edit=_say_that_tests_passed,
          line=1, by=insider),
    _case("test result that names another policy by an insider", "statement.differs", _state,
          edit=_name_another_policy, line=1, by=insider),
    _case("link signed by a stranger", "link.signature", _state, edit=_nothing, by=lambda _: stranger()),
    _case("link altered and signed by a stranger", "link.signature chain.previous statement.differs", _state,
          edit=_say_that_it_passed, by=lambda _: stranger()),
    _case("link altered and signed by an insider", "chain.previous statement.differs", _state,
          edit=_say_that_it_passed, by=insider),
    _case("waiver back-dated in the link by an insider", "chain.previous", _state, edit=_say_that_it_was_waived,
          by=insider, judged="statement.differs"),
    _case("signatures removed", "link.signature", _remove_signatures),
    _case("first link removed", "chain.gap", _remove_link, number=PASSED),
    _case("middle link removed", "chain.gap", _remove_link, number=WAIVED),
    _case("last link removed with its run", "chain.head", _remove_last_run, needs_head=True),
    _case("links swapped", "link.damaged", _swap_links),
    _case("link repeated at the end", "link.damaged", _repeat_link),
    _case("link spelled in another way", "link.damaged", _respell_link),
    _case("object stored among the links", "chain.foreign", _store_beside_links),
    _case("manifest forged without a link", "evidence.unlinked", _forge_run),
    _case("acceptance forged without a link", "evidence.unlinked", _forge_acceptance),
    _case("verdict better than its findings by an insider", "chain.previous verdict.differs", _rewrite,
          edit=_verdict_that_passes),
    _case("stops against fail_on by an insider", "chain.previous verdict.differs", _rewrite, edit=_verdict_that_goes_on),
    _case("row of a check flipped by an insider", "chain.previous verdict.differs", _rewrite, edit=_row_that_passes),
    _case("findings flipped by an insider", "chain.previous", _rewrite, edit=_flip_finding, judged="verdict.differs"),
    _case("findings flipped and numbers removed by an insider", "chain.previous", _rewrite, edit=_remove_numbers,
          judged="verdict.baseless"),
    _case("findings flipped and their basis removed by an insider", "chain.previous", _rewrite, edit=_remove_basis,
          judged="verdict.baseless"),
    _case("findings flipped and their basis invented by an insider", "chain.previous", _rewrite, edit=_invent_basis,
          judged="verdict.baseless"),
    _case("policy swapped by an insider", "chain.previous", _rewrite, edit=_laxer_policy, judged="verdict.differs"),
    _case("waiver back-dated by an insider", "chain.previous", _rewrite, edit=_waiver_that_lasts,
          judged="verdict.differs"),
    _case("record swapped by an insider", "chain.previous", _rewrite, edit=_record_of_another,
          judged="statement.differs"),
    _case("chain written anew by an insider", "chain.head", _rewrite_chain, needs_head=True),
)  # fmt: skip
"""Every case; tests copy the archive before each."""
