"""Settings of alerts: channels, and which messages go to them."""

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from monitor.setting_types.field_types import Section

#: Name of the channel that ``alerts.channel`` configures.
SHORT_FORM = "slack"
#: In the address of heartbeats, the place of the secret.
SECRET_PLACE = "{secret}"  # noqa: S105 - its place only
#: By healthchecks.io and others, the secret of an address.
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)

ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
Level = Literal["critical", "error", "warning", "info"]
#: What a message is about: a cause of incidents, or one of the messages without an incident.
Subject = Literal[
    "drift",
    "evaluation_failed",
    "evaluation_overdue",
    "late_records",
    "no_traffic",
    "signal_missing",
    "looks_overdue",
    "consumer_stalled",
    "records_lost",
    "dead_letters",
    "messages_undelivered",
    "backup_overdue",
    "search_index_overdue",
    "training_failed",
    "decision_overdue",
    "queue_not_worked",
    "rollout_reverted",
    "rollout_holding",
    "rollout_not_applied",
    "rollout_shares_differ",
    "weights_changed",
    "promotion_not_served",
    "probes_unanswered",
    "served_model_changed",
    "decision",
    "gate_result",
    "rollout",
    "digest",
    "notice",
]

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def parse_weekly_time(text: str) -> tuple[int, int, int] | None:
    """Return weekday (Monday: 0), hour and minute of "monday 09:00"; ``None`` for the empty text.

    Raises:
        ValueError: The text has another form.
    """
    if not text:
        return None
    day, _, time = text.partition(" ")
    hour, colon, minute = time.partition(":")
    if not (
        day in DAYS
        and colon
        and len(hour) == len(minute) == 2
        and (hour + minute).isdecimal()
        and int(hour) < 24
        and int(minute) < 60
    ):
        raise ValueError('a day and a time in UTC, such as "monday 09:00"; empty: never')
    return DAYS.index(day), int(hour), int(minute)


def _check_weekly_time(text: str) -> str:
    parse_weekly_time(text)
    return text


def _check_heartbeat(address: str) -> str:
    if address and urlsplit(address).scheme not in {"http", "https"}:
        raise ValueError(f"an address such as https://hc-ping.com/{SECRET_PLACE}")
    if UUID.search(address):
        raise ValueError(
            f"it holds a secret: write {SECRET_PLACE} in its place, and set the variable "
            "HEARTBEAT_SECRET"
        )
    return address


class ChannelSettings(Section):
    """A channel of alerts. Its secret is the variable ``ALERTS_NAME_SECRET``."""

    kind: Literal["slack", "apprise", "pagerduty", "alertmanager"]
    #: Id of the channel in Slack.
    channel: str = ""
    #: Address of Alertmanager; of PagerDuty's events where it is not the usual one.
    url: str = ""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.kind == "slack" and not self.channel:
            raise ValueError('kind = "slack" needs channel, the id of a channel in Slack')
        if self.kind == "alertmanager" and not self.url:
            raise ValueError('kind = "alertmanager" needs url, such as http://alertmanager:9093')
        if self.kind == "apprise" and self.url:
            raise ValueError(
                "the address of Apprise holds a secret: set the variable ALERTS_NAME_SECRET"
            )
        return self


class AlertRoute(Section):
    """A rule that names the channels of some messages. What is not set matches all."""

    #: Names of models; the empty name is the daemon itself.
    models: tuple[str, ...] | None = None
    causes: tuple[Subject, ...] | None = None
    levels: tuple[Level, ...] | None = None
    #: Empty: these messages are sent nowhere.
    channels: tuple[str, ...]

    def matches(self, model: str, subject: str, level: str) -> bool:
        """Return whether the rule is about a message."""
        return (
            (self.models is None or model in self.models)
            and (self.causes is None or subject in self.causes)
            and (self.levels is None or level in self.levels)
        )


class Alerts(Section):
    """Channels of alerts, and the links in the messages."""

    channel: str = ""
    public_url: str = ""
    runbook_url: str = ""
    channels: dict[ChannelName, ChannelSettings] = Field(default={})
    routes: tuple[AlertRoute, ...] = ()
    fallback: str = ""
    digest: Annotated[str, AfterValidator(_check_weekly_time)] = "monday 09:00"
    heartbeat_url: Annotated[str, AfterValidator(_check_heartbeat)] = ""

    @property
    def all_channels(self) -> dict[str, ChannelSettings]:
        """Return the channels by name, with that of the short form."""
        if not self.channel:
            return dict(self.channels)
        short = ChannelSettings(kind="slack", channel=self.channel)
        return {SHORT_FORM: short, **self.channels}
