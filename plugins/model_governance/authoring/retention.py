"""`model-governance archive hold`, `release`, `retention` and `prune`: how long evidence stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from model_governance.authoring.policy_archive import add_policy_archive, open_policy_archive
from model_governance.contract.connections import PlainConnections
from model_governance.contract.moments import end_of, parse_moment, spell_moment
from model_governance.errors import ObjectMissing, PolicyError, StoreError
from model_governance.evidence.holds import Hold, holds_in_force
from model_governance.evidence.links import store_document
from model_governance.evidence.pruning import finish_pruning, objects_of_runs, plan_pruning, prune
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of

if TYPE_CHECKING:
    import argparse

    from model_governance.evidence.pruning import Pruning
    from model_governance.evidence.trust import Trust
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no public name for it


def add_retention(commands: Commands) -> None:
    """Declare the commands."""
    hold = _command(commands, "hold", "forbid to prune the runs of a period; a bucket with Object Lock holds them, too")
    hold.add_argument("--from", dest="first", type=parse_moment, required=True, metavar="DATE", help="first run (UTC)")
    hold.add_argument(
        "--to", dest="last", required=True, metavar="DATE", help="last day (UTC), or moment of the last run"
    )
    _reasoned(hold).set_defaults(command=_hold)
    release = _command(commands, "release", "end a hold")
    release.add_argument(
        "--hold", required=True, metavar="KEY", help="key of the hold, as `archive retention` lists it"
    )
    _reasoned(release).set_defaults(command=_release)
    retention = _command(commands, "retention", "say which runs may be pruned, and why older ones stay")
    retention.set_defaults(command=_retention)
    pruning = _command(
        commands, "prune", "remove runs older than archive.retention_days, after a link of the chain names what goes"
    )
    _reasoned(pruning).set_defaults(command=_prune)


def hold_runs(store: ArtifactStore, policy: Policy, hold: Hold) -> int:
    """Store a hold or a release with its link; returns how many objects the bucket holds or lets go.

    Raises:
        StoreError, StoreUnreachable: as `store_document`.
    """
    store_document(
        store, "hold", policy.name, key=hold.key, content=hold.content, signer=signer_of(policy, PlainConnections())
    )
    return _hold_objects(store, policy, hold)


def _hold_objects(store: ArtifactStore, policy: Policy, hold: Hold) -> int:
    """Set or lift the legal hold of the bucket on every object of the runs; 0 where the store has no legal hold."""
    held = 0
    for key in sorted(objects_of_runs(store, policy.name, first=hold.first, last=hold.last)):
        try:
            store.hold(key, on=hold.releases is None)
        except ObjectMissing:
            continue
        except StoreError as error:
            if error.infrastructure or held:
                raise
            return 0
        held += 1
    return held


def _command(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text)
    add_policy_archive(command, text="policy of the model: store, signing key, trust")
    return command


def _reasoned(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--reason", required=True, metavar="TEXT", help="why")
    command.add_argument("--by", required=True, metavar="NAME", help="who")
    return command


def _opened(options: argparse.Namespace) -> tuple[Policy, ArtifactStore]:
    empty = [f"--{name}" for name in ("reason", "by") if not getattr(options, name, "given").strip()]
    if empty:
        raise PolicyError([f"{', '.join(empty)}: empty; evidence says who did it, and why"])
    return open_policy_archive(options)


def _hold(options: argparse.Namespace) -> int:
    policy, store = _opened(options)
    last = parse_moment(options.last)
    if len(options.last) == len("2026-03-01"):
        last = end_of(last.date()) - timedelta(microseconds=1)
    if last < options.first:
        raise PolicyError([f"--to {options.last} is before --from {spell_moment(options.first)}; no run would be held"])
    hold = Hold(
        model=policy.name, first=options.first, last=last, reason=options.reason.strip(), by=options.by.strip(),
        at=datetime.now(UTC),
    )  # fmt: skip
    objects = hold_runs(store, policy, hold)
    bucket = f"the bucket holds {objects} objects" if objects else "the store has no legal hold of its own"
    print(f"{policy.name}: {hold.sentence}; {bucket}\nhold  {hold.key}")
    return 0


def _release(options: argparse.Namespace) -> int:
    policy, store = _opened(options)
    found = next(
        (hold for hold in holds_in_force(store, policy.name, trust=_trust(policy)) if hold.key == options.hold), None
    )
    if found is None:
        raise PolicyError([f"--hold {options.hold}: expected the key of a hold in force of {policy.name}, found none"])
    release = Hold(
        model=policy.name, first=found.first, last=found.last, reason=options.reason.strip(), by=options.by.strip(),
        at=datetime.now(UTC), releases=found.key,
    )  # fmt: skip
    hold_runs(store, policy, release)
    print(f"{policy.name}: released: {found.sentence}")
    return 0


def _retention(options: argparse.Namespace) -> int:
    policy, store = _opened(options)
    print("\n".join(_described(_planned(policy, store), policy)))
    for hold in holds_in_force(store, policy.name, trust=_trust(policy)):
        print(f"hold  {hold.key}: {hold.sentence}")
    return 0


def _prune(options: argparse.Namespace) -> int:
    policy, store = _opened(options)
    finished = finish_pruning(store, policy.name, trust=_trust(policy))
    if finished:
        print(f"{policy.name}: removed {finished} objects that an earlier pruning left")
    planned = _planned(policy, store)
    print("\n".join(_described(planned, policy)))
    if not planned.runs:
        return 0
    uri = prune(
        store, planned, reason=options.reason.strip(), by=options.by.strip(), moment=datetime.now(UTC),
        signer=signer_of(policy, PlainConnections()),
    )  # fmt: skip
    print(f"removed {len(planned.objects)} objects; what went is said in {uri}")
    return 0


def _planned(policy: Policy, store: ArtifactStore) -> Pruning:
    now = datetime.now(UTC)
    before = now - timedelta(days=policy.archive.retention_days)
    return plan_pruning(store, policy.name, before=before, now=now, trust=_trust(policy))


def _described(planned: Pruning, policy: Policy) -> list[str]:
    days = policy.archive.retention_days
    first = (
        f"{planned.model}: kept for {days} days, so runs before {spell_moment(planned.before.replace(microsecond=0))} may go: "
        f"{len(planned.runs)} runs, {len(planned.objects)} objects"
    )
    return [first, *(f"  stays: {sentence}" for sentence in planned.kept)]


def _trust(policy: Policy) -> Trust | None:
    return trust_of(policy, PlainConnections())
