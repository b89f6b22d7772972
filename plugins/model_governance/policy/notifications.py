"""Who hears of the runs of a policy: channels, from which severity on, whose checks, and when quiet runs are summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from model_governance.policy.part import Part
from model_governance.policy.position import closest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.policy.position import Path

ChannelType = Literal["slack", "mail", "webhook", "pagerduty"]
Severity = Literal["warn", "uncertain", "fail"]
Address = Annotated[str, Field(min_length=3, max_length=250, pattern=r"^[^\s@]+@[^\s@]+$")]
ADDRESS = "@"
"""An owner that holds it is taken as a mail address."""


class ChannelSpec(Part):
    """One place that messages go to."""

    type: ChannelType = Field(description="slack, mail and pagerduty use the notifiers of Airflow's providers")
    connection: str = Field(
        max_length=250, pattern=r"^[A-Za-z0-9_#!().:/\\-]+$",
        description="Airflow connection that holds address and secret",
    )  # fmt: skip
    severity: Severity = Field(
        default="fail", description="the least outcome that is sent; fail includes checks that could not measure"
    )
    owner: str | None = Field(
        default=None, min_length=1, max_length=250, description="only findings of checks with this owner"
    )
    to: tuple[Address, ...] = Field(
        default=(), max_length=50, description="mail: recipients; by default the owner of the channel or of the policy"
    )

    @model_validator(mode="after")
    def _recipients_are_for_mail(self) -> ChannelSpec:
        if self.to and self.type != "mail":
            raise ValueError(f"to names recipients of mail; a {self.type} channel has none, remove it")
        return self


class NotificationSpec(Part):
    """Who hears of the runs of this policy. A channel that is missing or muted waives nothing."""

    channels: tuple[ChannelSpec, ...] = Field(default=(), max_length=20, description="where messages go")
    digest: Literal["daily", "weekly"] | None = Field(
        default=None,
        description="sum up the runs with warnings and uncertain findings once a day or week, instead of one message each",
    )


def notification_problems(raw: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Channels of a policy that nothing or nobody would ever reach."""
    block = raw.get("notifications")
    channels = block.get("channels") if isinstance(block, dict) else None
    if not isinstance(channels, list):
        return
    owners = _owners(raw)
    seen: list[Any] = []
    for position, channel in enumerate(channels):
        if not isinstance(channel, dict):
            continue
        where: Path = ("notifications", "channels", position)
        owner = channel.get("owner")
        if isinstance(owner, str) and owner not in owners:
            yield (*where, "owner"), f"no check of this policy has the owner {owner[:80]!r}{closest(owner, owners)}"
        recipient = owner or raw.get("owner")
        if channel.get("type") == "mail" and not channel.get("to") and ADDRESS not in str(recipient):
            yield where, f"mail has no recipient: the owner {str(recipient)[:80]!r} is no mail address; add to"
        if channel in seen:
            yield where, "stands here twice, so that everything would be sent twice; remove one"
        seen.append(channel)
    if isinstance(block, dict) and block.get("digest") and not any(_hears_warnings(channel) for channel in channels):
        yield ("notifications", "digest"), "no channel has severity warn or uncertain, so that no digest would be sent"


def _hears_warnings(channel: Any) -> bool:
    return isinstance(channel, dict) and channel.get("severity") in ("warn", "uncertain")


def _owners(raw: Mapping[str, Any]) -> list[str]:
    checks = raw.get("checks")
    specs = checks.values() if isinstance(checks, dict) else ()
    named = [raw.get("owner"), *(spec.get("owner") for spec in specs if isinstance(spec, dict))]
    return [owner for owner in named if isinstance(owner, str)]
