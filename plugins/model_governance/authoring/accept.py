"""`model-governance accept`: make a run the approved baseline, or the first of a new reference window."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

from model_governance.authoring.policy_archive import add_policy_archive, open_policy_archive
from model_governance.contract.connections import PlainConnections
from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.errors import PolicyError
from model_governance.evidence.acceptance import Acceptance
from model_governance.evidence.forms import Purpose
from model_governance.evidence.history import Archive
from model_governance.evidence.links import store_document
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of

if TYPE_CHECKING:
    import argparse

    from model_governance.evidence.envelope import Signer
    from model_governance.evidence.history import ArchivedManifest
    from model_governance.evidence.trust import Trust
    from model_governance.store import ArtifactStore

MOST_NAMED = 5
"""The most runs that a message names."""


def add_accept(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    accept = commands.add_parser(
        "accept", help="make a run the approved baseline, or the first of a new reference window; stored as evidence"
    )
    accept.add_argument("run", metavar="RUN", help="logical date in UTC (ISO 8601), or run id")
    accept.add_argument("--reason", required=True, metavar="TEXT", help="why the run is accepted")
    accept.add_argument("--by", required=True, metavar="NAME", help="who accepts it")
    accept.add_argument(
        "--as", dest="purpose", choices=get_args(Purpose), default="baseline",
        help="baseline: changes of this model version are measured from the run; reference: trailing and seasonal "
        "windows start from it (default: %(default)s)",
    )  # fmt: skip
    add_policy_archive(accept)
    accept.set_defaults(command=_accept)


def accept_run(
    store: ArtifactStore, model: str, run: str, *, reason: str, by: str, purpose: Purpose = "baseline",
    moment: datetime | None = None, signer: Signer | None = None, trust: Trust | None = None,
) -> tuple[Acceptance, str]:  # fmt: skip
    """Accept a run of a model, store the acceptance and append its link to the chain.

    Args:
        store: the archive of the run.
        model: name of the model.
        run: logical date (ISO 8601, UTC) or run id; of a repeated run the one that finished last counts.
        reason: why; not empty.
        by: who; not empty.
        purpose: what the run is accepted as.
        moment: when (UTC), by default now.
        signer: signs the link; None leaves it unsigned.
        trust: keys of which one must have signed the run; None: signatures are not asked for.

    Returns:
        The acceptance and its uri.

    Raises:
        PolicyError: there is no such run, it measured nothing, or reason or name are empty.
        EvidenceError: what the run stored is damaged.
        StoreUnreachable, StoreError: as `ArtifactStore.put_once`.
    """
    empty = [option for option, text in (("--reason", reason), ("--by", by)) if not text.strip()]
    if empty:
        raise PolicyError([f"{', '.join(empty)}: empty; an acceptance says who accepts the run, and why"])
    archive = Archive(store, model, trust=trust)
    manifest = find_run(archive, run)
    if not _measured(archive, manifest):
        raise PolicyError(
            [f"run {run} of {model} measured nothing ({manifest.content['verdict']['outcome']}); accept one that did"]
        )
    identity = manifest.content["run"]
    acceptance = Acceptance(
        model=model, purpose=purpose, run={name: identity[name] for name in ("run_id", "logical_date")},
        model_sha256=manifest.model_sha256, outcome=manifest.content["verdict"]["outcome"],
        manifest={"key": manifest.key, "sha256": manifest.sha256}, reason=reason.strip(), by=by.strip(),
        accepted_at=moment or datetime.now(UTC),
    )  # fmt: skip
    uri = store_document(store, "acceptance", model, key=acceptance.key, content=acceptance.content, signer=signer)
    return acceptance, uri


def find_run(archive: Archive, run: str) -> ArchivedManifest:
    """The manifest of a run by logical date or run id, the one that finished last.

    Raises:
        PolicyError: there is no such run, or several.
        EvidenceError: a manifest was altered.
    """
    moments = _moments(archive, run)
    if len(moments) == 1:
        return archive.repeats(moments[0])[0]
    found = archive.named(run)
    if found is None:
        problem = f"{archive.model} has no run {run!r} in {archive.store.uri}; expected a logical date or a run id"
        if moments:
            problem = f"{archive.model} has {len(moments)} runs on {run}; expected one, name its time or its run id"
        newest = ", ".join(spell_moment(moment) for moment in (moments or list(archive.keys))[:MOST_NAMED])
        raise PolicyError([f"{problem}, the newest runs are {newest or 'none'}"])
    return found


def _moments(archive: Archive, run: str) -> list[datetime]:
    """Moments of runs that a text names: the very moment, or all of a day where it is a date without time."""
    try:
        wanted = parse_moment(run.removesuffix(" UTC"))
    except ValueError:
        return []
    if wanted in archive.keys:
        return [wanted]
    same_day = [moment for moment in archive.keys if moment.date() == wanted.date()]
    return same_day if len(run) == len("2026-03-01") else []


def _measured(archive: Archive, manifest: ArchivedManifest) -> bool:
    """Whether any check of a run measured something."""
    records = (archive.record(manifest, row["name"]) for row in manifest.content["checks"])
    return any(record and record["result"] and record["result"]["status"] == "measured" for record in records)


def _accept(options: argparse.Namespace) -> int:
    policy, store = open_policy_archive(options)
    acceptance, address = accept_run(
        store, policy.name, options.run, reason=options.reason, by=options.by, purpose=options.purpose,
        signer=signer_of(policy), trust=trust_of(policy, PlainConnections()),
    )  # fmt: skip
    run = f"run {spell_moment(acceptance.logical_date)} ({acceptance.run['run_id']}, {acceptance.outcome})"
    if acceptance.purpose == "reference":
        print(f"{run}: trailing and seasonal windows of {policy.name} start from it")
    else:
        print(f"{run}: baseline of {policy.name}, model version {acceptance.model_sha256[:12]}")
        if acceptance.model_sha256 != policy.model.sha256:
            print(
                f"note: the policy names model version {policy.model.sha256[:12]}; its runs are compared with this one "
                "only until a run of theirs is approved"
            )
    print(f"accepted  {address}")
    return 0
