"""THE MAIN PATH: load the subject, measure, judge, record. Operator, command line and tests all come through here."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from model_governance.archiving import archive_run
from model_governance.checks import catalogue, find
from model_governance.contract.plain_names import named
from model_governance.contract.result import Artifact, canonical_json
from model_governance.contract.secret_text import without_secrets
from model_governance.contract.text import library_words
from model_governance.errors import CheckError, GovernanceError
from model_governance.evidence.baselines import comparison_basis, find_baselines
from model_governance.evidence.controls import control_map
from model_governance.evidence.history import (
    Archive,
    earlier_artifacts,
    earlier_verdicts,
    first_moment,
    prepared_artifacts,
)
from model_governance.evidence.manifest import moment_folder
from model_governance.evidence.record import check_record, file_manifests, judged_by, recordable
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of
from model_governance.evidence.waivers import granted_waivers
from model_governance.report import page_of_check
from model_governance.store import Stored, put_blob
from model_governance.subjects import load_judged, load_subject, run_variables
from model_governance.subjects.champions import beside_champion, champion_subject
from model_governance.subjects.param_files import absolute, load_param_files
from model_governance.verdict import Verdict, baselines_of, fail_policy_of, judge, unmeasured, with_damage
from model_governance.verdict.noise import RUNS as NOISE_RUNS
from model_governance.verdict.violation import ThresholdViolation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from model_governance.archiving import ArchivedRun
    from model_governance.contract.check import Check, Params
    from model_governance.contract.connections import Connections
    from model_governance.contract.result import CheckResult
    from model_governance.contract.run import Run
    from model_governance.contract.subject import Role, Subject
    from model_governance.evidence.damage import Damage
    from model_governance.policy import DatasetSpec, Policy
    from model_governance.store import ArtifactStore
    from model_governance.verdict import Baseline

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """One check of one run, already recorded: the verdict and where the evidence is; `datasets` as in the record."""

    name: str
    kind: str
    verdict: Verdict
    record: Stored
    report: Stored
    artifacts: tuple[Stored, ...]
    started_at: datetime
    seconds: float
    metrics: int = 0
    datasets: tuple[Mapping[str, Any], ...] = ()
    problem: Exception | None = None

    def summary(self) -> dict[str, Any]:
        """What travels between tasks: outcome, sentence and addresses, never data."""
        return {
            "name": self.name,
            "kind": self.kind,
            "outcome": self.verdict.outcome,
            "stops": self.verdict.stops,
            "sentence": self.verdict.sentence[:2000],
            "record": self.record.record(),
            "report": self.report.record() | {"uri": self.report.uri},
            "artifacts": [artifact.uri for artifact in self.artifacts],
            "started_at": self.started_at.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 3),
        }

    def raise_if_it_stops(self) -> None:
        """Nothing, or the reason why this check stops the run.

        Raises:
            CheckError: it could not measure (the cause is chained).
            ThresholdViolation: a threshold is violated and the policy's `fail_on` says stop.
        """
        if self.problem is not None:
            raise CheckError(self.verdict.sentence) from self.problem
        if self.verdict.stops:
            raise ThresholdViolation(self.verdict)


def run_check(
    policy: Policy,
    name: str,
    *,
    run: Run,
    store: ArtifactStore,
    connections: Connections,
    sources: Mapping[Role, DatasetSpec] | None = None,
    check: Check | None = None,
    prepared: Sequence[Mapping[str, Any]] = (),
) -> CheckRun:
    """Measure one check of a policy, judge it and store everything; raising is left to the caller.

    `sources` are the datasets with their templates rendered, by default those of the policy as they
    stand. `check` replaces the registered check of that kind (for checks written in a DAG file). `prepared` are the
    addresses of what `prepare_check` stored (`Stored.record`); what is damaged is left out, and the check does it itself.

    Raises:
        SubjectUnreachable, StoreUnreachable: infrastructure; nothing was decided, try again.
        StoreError: the evidence could not be written; without evidence there is no verdict.
    """
    check = check or find(policy.checks[name].kind)
    started_at, started = datetime.now(UTC), time.monotonic()
    attempt, problem, controls = _Attempt(), None, []
    try:
        controls = control_map(policy, catalogue()).listed(check.kind)
        verdict = attempt.carry_out(
            check, policy, name, run=run, store=store, connections=connections,
            sources=policy.datasets if sources is None else sources, prepared=prepared,
        )  # fmt: skip
    except Exception as error:
        if isinstance(error, GovernanceError) and error.infrastructure:
            raise
        if isinstance(error, GovernanceError):
            log.error("%s could not measure: %s", name, problem_text(error))
        else:
            log.exception("%s could not measure", name)
        problem = error
        verdict = unmeasured(name, problem_text(error), fail_policy=fail_policy_of(policy))
    verdict = with_damage(verdict, name, [damage.stored_sentence for damage in attempt.damaged])
    for damage in attempt.damaged:
        log.warning("%s: an object of an earlier run or task is damaged and was left out: %s", name, damage.sentence)
    record = check_record(
        policy, name, check=check, subject=attempt.subject, seed=attempt.seed, result=attempt.result, verdict=verdict,
        problem=problem_text(problem) if problem else "", baselines=attempt.baselines, judged=attempt.judged,
        champion=attempt.champion, damaged=attempt.damaged,
    ) | {"controls": controls}  # fmt: skip
    stored = _store(store, record, attempt, run=run)
    return CheckRun(
        name=name,
        kind=check.kind,
        verdict=verdict,
        problem=problem,
        started_at=started_at,
        seconds=time.monotonic() - started,
        metrics=len(attempt.result.metrics) if attempt.result else 0,
        datasets=tuple(record["datasets"]),
        **stored,
    )


@dataclass(slots=True)
class _Attempt:
    """What is known of a check so far, so that a record can be written whatever stops it."""

    subject: Subject | None = None
    seed: int | None = None
    result: CheckResult | None = None
    baselines: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    judged: dict[str, Any] = field(default_factory=dict)
    champion: Subject | None = None
    archive: Archive | None = None

    @property
    def damaged(self) -> tuple[Damage, ...]:
        """What of earlier runs is damaged, as far as the check has read it."""
        return self.archive.damaged if self.archive else ()

    def carry_out(
        self,
        check: Check,
        policy: Policy,
        name: str,
        *,
        run: Run,
        store: ArtifactStore,
        connections: Connections,
        sources: Mapping[Role, DatasetSpec],
        prepared: Sequence[Mapping[str, Any]],
    ) -> Verdict:
        """Load the subject, measure, judge. Raises whatever keeps the check from measuring."""
        self.archive = archive = _archive_of(policy, run=run, store=store, connections=connections)
        params = params_of(check, policy, name)
        subject = _load(check, policy, name, run=run, sources=sources, archive=archive, connections=connections)
        self.subject = subject = replace(subject, prepared=prepared_artifacts(archive, prepared))
        subject, champion_problem = beside_champion(check, policy, subject, connections=connections)
        self.subject, self.seed = subject, derive_seed(policy, subject, name)
        measured = check.measure(subject, params, self.seed)
        measured = replace(measured, notes=(*measured.notes, *check.notes_on_texts(subject.columns)))
        self.result = recordable(named(measured, check.metrics, policy.report.labels))
        if champion_problem is not None:
            raise champion_problem
        asked = {threshold.against for threshold in policy.checks[name].thresholds if threshold.is_change}
        found = find_baselines(asked, archive, name, model_sha256=policy.model.sha256)
        self.baselines = {against: baseline.record() if baseline else None for against, baseline in found.items()}
        baselines: dict[str, Mapping[str, Baseline]]
        baselines = {against: baseline.metrics for against, baseline in found.items() if baseline}
        if "champion" in asked:
            self.champion = champion_subject(check, policy, subject, connections=connections)
            baselines["champion"] = baselines_of(check.measure(self.champion, params, self.seed))
        earlier = earlier_verdicts(archive, name, runs_back=_runs_read(policy, name))
        basis = comparison_basis(subject, baselines)
        granted = granted_waivers(archive, name)
        self.judged = judged_by(
            basis, earlier, champion=baselines.get("champion"), waivers=[each.address for each in granted]
        )
        return judge(
            name, self.result, policy, moment=run.logical_date, baselines=baselines,
            earlier=[previous.verdict for previous in earlier], basis=basis,
            granted=[each.waiver for each in granted],
        )  # fmt: skip


def prepare_check(
    policy: Policy,
    name: str,
    *,
    share: int,
    shares: int,
    run: Run,
    store: ArtifactStore,
    connections: Connections,
    sources: Mapping[Role, DatasetSpec] | None = None,
) -> Stored | None:
    """Do one of several shares of a check's preparation and store it for `run_check`; None where the run needs nothing of it.

    Share k has the parts k, k + shares and so on, so that shares are as even as they can be.

    Raises:
        GovernanceError: as the check, which raises it too when it measures.
        StoreError: the share could not be stored.
    """
    check = find(policy.checks[name].kind)
    if check.preparation is None:
        raise CheckError(f"{name}: {check.kind} has no work that mapped tasks can share; remove mapped_tasks")
    params = params_of(check, policy, name)
    given = policy.datasets if sources is None else sources
    archive = _archive_of(policy, run=run, store=store, connections=connections)
    subject = _load(check, policy, name, run=run, sources=given, archive=archive, connections=connections)
    done = check.preparation.prepare(subject, params, range(share, check.preparation.parts(params), shares))
    return None if done is None else put_blob(store, done)


def run_policy(
    policy: Policy,
    *,
    run: Run,
    store: ArtifactStore,
    connections: Connections,
    sources: Mapping[Role, DatasetSpec] | None = None,
    report: Callable[[CheckRun], None] = lambda _: None,
) -> ArchivedRun:
    """Every check of a policy, one after the other, then the archive; `report` hears of each check.

    A check that loads the model does not run where a scan of its file stopped the run.

    Raises: as `run_check` and `archive_run`.
    """
    summaries = run_checks(policy, run=run, store=store, connections=connections, sources=sources, report=report)
    return archive_run(policy, summaries, run=run, store=store, connections=connections)


def run_checks(
    policy: Policy,
    *,
    run: Run,
    store: ArtifactStore,
    connections: Connections,
    sources: Mapping[Role, DatasetSpec] | None = None,
    report: Callable[[CheckRun], None] = lambda _: None,
) -> dict[str, Mapping[str, Any] | None]:
    """Every check of a policy, one after the other: summaries by name, without those that a refused model file kept from running.

    Raises: as `run_check`.
    """
    signer_of(policy, connections)  # a missing key is an error before anything is measured
    summaries: dict[str, Mapping[str, Any] | None] = {}
    refused: set[str] = set()
    for name in in_order(policy):
        if refused & set(scans_before(policy, name)):
            continue
        done = run_check(policy, name, run=run, store=store, connections=connections, sources=sources)
        report(done)
        summaries[name] = done.summary()
        if done.verdict.stops:
            refused.add(name)
    return summaries


def in_order(policy: Policy) -> list[str]:
    """The checks of a policy, scans of the model's file before the checks that load it."""
    return sorted(policy.checks, key=lambda name: len(scans_before(policy, name)) > 0)


def scans_before(policy: Policy, name: str) -> tuple[str, ...]:
    """The checks of a policy that read the model's file and must end well before this check loads it."""
    if not find(policy.checks[name].kind).needs_model:
        return ()
    return tuple(name for name, spec in policy.checks.items() if find(spec.kind).reads_model_file)


def derive_seed(policy: Policy, subject: Subject, name: str) -> int:
    """The seed of a check: 32 bits from the digests of model, datasets, files of params and policy.

    A retry on the same inputs repeats every random choice, so it cannot change a verdict.
    """
    parts = [policy.sha256, subject.model.sha256 if subject.model else "", name]
    parts += [f"{role}={subject.datasets[role].sha256}" for role in sorted(subject.datasets)]
    parts += [f"earlier={previous.sha256}" for previous in subject.earlier]
    parts += [f"file={subject.model_file.sha256}"] if subject.model_file else []
    parts += [f"param {param}={subject.param_files[param].sha256}" for param in sorted(subject.param_files)]
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:4], "big")


def _archive_of(policy: Policy, *, run: Run, store: ArtifactStore, connections: Connections) -> Archive:
    return Archive(store, policy.name, before=run.logical_date, trust=trust_of(policy, connections))


def _runs_read(policy: Policy, name: str) -> int:
    """How many previous runs the verdict reads: for noise between runs, and as many as any `confirm` asks for."""
    windows = [threshold.confirm.window - 1 for threshold in policy.checks[name].thresholds if threshold.confirm]
    return max([NOISE_RUNS, *windows])


def params_of(check: Check, policy: Policy, name: str) -> Params:
    """The params of a check as its policy sets them, paths of files made absolute."""
    raw = dict(policy.checks[name].params)
    for key in check.file_params:
        if raw.get(key) is not None:
            raw[key] = absolute(raw[key], policy.folder)
    return check.params.model_validate(raw)


def _load(
    check: Check,
    policy: Policy,
    name: str,
    *,
    run: Run,
    sources: Mapping[Role, DatasetSpec],
    archive: Archive,
    connections: Connections,
) -> Subject:
    """Model, datasets and files of params of one check, each read once and digested; and what it stored in previous runs."""
    raw = policy.checks[name].params

    def load(given: Mapping[Role, DatasetSpec]) -> Subject:
        roles = [*check.roles_for(raw), *(role for role in check.optional_roles if role in given)]
        return load_subject(
            policy, roles=roles, with_model=check.needs_model, with_model_file=check.reads_model_file, sources=given,
            connections=connections,
        )  # fmt: skip

    if "labels" in (*check.roles, *check.optional_roles):
        subject = load_judged(
            policy, sources, load, run=run, first_run=lambda: first_moment(archive.store, policy.name)
        )
    else:
        subject = load(sources)
    variables = run_variables(run.logical_date, data_interval=run.data_interval)
    files = load_param_files(policy, name, check.file_params, variables=variables, connections=connections)
    named: dict[str, frozenset[str]] = {}
    for threshold in policy.checks[name].thresholds:
        if threshold.key is not None:
            named[threshold.metric] = named.get(threshold.metric, frozenset()) | {threshold.key}
    lookbacks = check.lookbacks(params_of(check, policy, name))
    earlier = tuple(found for lookback in lookbacks for found in earlier_artifacts(archive, name, lookback=lookback))
    return replace(subject, logical_date=run.logical_date, param_files=files, named_keys=named, earlier=earlier)


def problem_text(error: BaseException) -> str:
    """Why a check could not measure, without secrets, as its record and the page of the run say it."""
    is_foreseen = isinstance(error, GovernanceError)
    return without_secrets(str(error) if is_foreseen else f"unexpected {type(error).__name__}: {library_words(error)}")


def _store(store: ArtifactStore, record: dict[str, Any], attempt: _Attempt, *, run: Run) -> dict[str, Any]:
    prepared = attempt.subject.prepared if attempt.subject else ()
    artifacts = (*(attempt.result.artifacts if attempt.result else ()), *file_manifests(attempt.subject), *prepared)
    stored = tuple(put_blob(store, artifact) for artifact in artifacts)
    pictures = {artifact.name: artifact.content for artifact in artifacts if artifact.media_type == "image/svg+xml"}
    record = record | {"stored": [artifact.record() for artifact in stored]}
    named = run.record() | {"folder": moment_folder(record["policy"]["name"], run.logical_date)}
    page = Artifact(name="report.html", media_type="text/html", content=page_of_check(record, pictures, run=named))
    facts = Artifact(name="check.json", media_type="application/json", content=canonical_json(record))
    return {"artifacts": stored, "report": put_blob(store, page), "record": put_blob(store, facts)}
