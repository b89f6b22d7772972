"""One retraining: which run requested it, who is champion, and the rows and policies that follow from that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment
from model_governance.contract.run import Run
from model_governance.errors import SubjectError
from model_governance.evidence.requests import requested_manifest
from model_governance.subjects import render_sources, run_variables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from model_governance.contract.subject import Role
    from model_governance.evidence.promotions import Version
    from model_governance.policy import DatasetSpec, Policy
    from model_governance.store import ArtifactStore

AFTER = timedelta(seconds=1)
"""How long after the run that requested it the run of a challenger stands in the history of the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """One retraining: the policy as its file stands, who is champion, and the request.

    Attributes:
        policy: as its file stands.
        champion: the present version.
        manifest: `key` and `sha256` of the manifest of the run that requested it.
        findings: why, one sentence each.
        logical_date: of that run (UTC).
        data_interval: of that run, where it has one.
        window_sha256: digest of the rows that were screened, so that the model is trained on no others; None before.
    """

    policy: Policy
    champion: Version
    manifest: Mapping[str, str]
    findings: tuple[str, ...]
    logical_date: datetime
    data_interval: tuple[datetime, datetime] | None
    window_sha256: str | None = None

    @property
    def run(self) -> Run:
        """The run in which the challenger is governed: on the data of the requesting run, and right after it."""
        return Run(
            run_id=f"challenger-{self.manifest['sha256'][:16]}", logical_date=self.logical_date + AFTER,
            data_interval=self.data_interval, orchestrator={"type": "retraining"},
        )  # fmt: skip

    def window(self) -> DatasetSpec:
        """The rows to train on, rendered for the requesting run. Raises PolicyError."""
        spec = self.policy.retraining.window if self.policy.retraining else None
        if spec is None:
            raise SubjectError(f"{self.policy.name}: the policy names no retraining.window; add the rows to train on")
        window = self._rendered(self.policy.with_version(self.policy.model, {"train": spec}))["train"]
        return window if self.window_sha256 is None else window.model_copy(update={"sha256": self.window_sha256})

    def sources_of(self, policy: Policy) -> dict[Role, DatasetSpec]:
        """The datasets of a version's policy, rendered for the requesting run. Raises PolicyError."""
        return self._rendered(policy)

    def challenged(self, challenger: Version) -> Policy:
        """The policy for the challenger, with the champion beside it."""
        return self.policy.with_version(
            challenger.model_spec(), challenger.dataset_specs(), champion=self.champion.model_spec()
        )

    def datasets_of_window(self) -> dict[str, dict[str, Any]]:
        """What belongs to a version that is trained on the window: its rows, and those of the champion as the previous ones."""
        rows = {"train": self.window().model_dump(mode="json", exclude_none=True)}
        before = self.champion.datasets.get("train")
        return rows if before is None else {**rows, "previous_train": dict(before)}

    def _rendered(self, policy: Policy) -> dict[Role, DatasetSpec]:
        return render_sources(policy, run_variables(self.logical_date, data_interval=self.data_interval))


def open_retraining(
    policy: Policy, store: ArtifactStore, manifest: Mapping[str, str], *, champion: Version, window_sha256: str | None = None
) -> Retraining:  # fmt: skip
    """The retraining that an archived run requested, its manifest verified.

    Args:
        policy: as its file stands.
        store: the archive.
        manifest: `key` and `sha256` of the manifest of the run that requested it.
        champion: the present version.
        window_sha256: digest of the rows that were screened.

    Raises:
        EvidenceError: the manifest is another one, damaged, or of another model.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    content = requested_manifest(store, manifest)
    run, interval = content["run"], content["run"]["data_interval"]
    findings = [
        each["sentence"] for each in content["verdict"]["findings"] if each["outcome"] not in ("pass", "skipped")
    ]
    return Retraining(
        policy=policy, champion=champion,
        manifest={name: manifest[name] for name in ("key", "sha256")}, findings=tuple(findings),
        logical_date=parse_moment(run["logical_date"]),
        data_interval=(parse_moment(interval[0]), parse_moment(interval[1])) if interval else None,
        window_sha256=window_sha256,
    )  # fmt: skip
