"""Checks of the channels of alerts: each by itself, and the routes to them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from monitor.daemon.readiness.finding import Finding, fail, note, ok, open_connection
from monitor.daemon.readiness.running import Check
from monitor.errors import DriftwardenError
from monitor.plurals import pluralize
from monitor.rendering.numbers import format_instant
from monitor.settings import Secrets, Sections

if TYPE_CHECKING:
    from monitor.alerts.channels import Channels
    from monitor.alerts.channels.sender import Sender

NO_FALLBACK = (
    "no fallback: while a channel takes no messages, nobody is told; list another channel and name "
    "it as alerts.fallback"
)
#: Undelivered messages that are older are no longer told.
DELIVERY_ERRORS_SHOWN = timedelta(days=7)


def channel_checks(
    channels: "Channels", settings: Sections | None, *, send: bool = False
) -> list[Check]:
    """Return a check of each channel with its secret; with ``send`` by a test message, too.

    With settings also of what became of its messages, which the database has.
    """
    return [
        Check(
            "alerts",
            partial(_channel_findings, name, sender, settings, send=send),
            setting="SLACK_API_URL" if channel.kind == "slack" else f"alerts.channels.{name}.url",
            reads_database=False,
        )
        for name, channel in channels.routes.channels.items()
        if (sender := channels.senders.get(name)) is not None
    ]


def route_findings(settings: Sections, secrets: Secrets, channels: "Channels") -> Iterator[Finding]:
    """Check that each message has a channel, and each channel its secret."""
    from monitor.alerts.channels import needs, variable

    if not channels.routes.channels:
        lacking = needs(secrets, settings)
        yield note(f"alerts are stored, not sent; set {lacking}")
    for name, channel in channels.routes.channels.items():
        if name not in channels.senders:
            lacking = variable(name, channel)
            yield note(f"{name}: its messages wait; set {lacking}")
    unheard = [name for name in settings.names.listed if not channels.reach(name)]
    if channels.senders and unheard:
        names = ", ".join(unheard)
        yield note(f"{names}: drift is shown on the page only, by the routes")
    known = {*settings.names.listed, ""}
    unknown = sorted(
        {name for rule in settings.alerts.routes for name in rule.models or ()} - known
    )
    if unknown and settings.monitoring.unlisted_models != "watch":
        names = ", ".join(unknown)
        yield note(f"alerts.routes name models that are not listed: {names}")
    if channels.senders and not channels.routes.fallback:
        yield note(NO_FALLBACK)


def heartbeat_finding(settings: Sections, secrets: Secrets, *, send: bool) -> Finding:
    """Check that somebody outside notices where no daemon runs; with ``send`` by a heartbeat."""
    from monitor.alerts.heartbeat import HeartbeatSender, lacks_secret

    address = settings.alerts.heartbeat_url
    if lacks_secret(settings.alerts, secrets):
        return fail(f"{address}: none is sent; set HEARTBEAT_SECRET")
    sender = HeartbeatSender.build(settings.alerts, secrets)
    if sender is None:
        return note("none: only Prometheus tells that no daemon runs; set alerts.heartbeat_url")
    if not send:
        return ok(f"{address}, every minute; proven by `driftwarden check --send`")
    sender.send()
    return ok(f"{address}: a heartbeat was sent")


def _channel_findings(
    name: str, sender: "Sender", settings: Sections | None, *, send: bool
) -> Iterator[Finding]:
    try:
        where = f"{name}, {sender.check()}"
        proof = sender.probe() if send else ""
        if settings is None:
            yield ok(where)
        else:
            yield _delivery_finding(settings, name, where, is_proven=send)
        if send:
            yield ok(f"{name}: {proof}")
    except DriftwardenError as error:
        since = "" if settings is None else _failing_since(settings, name)
        yield fail(f"{name}: {error}{since}")


def undelivered_findings(settings: Sections, channels: "Channels") -> Iterator[Finding]:
    """Yield the channels that take no messages, and messages that wait for long in the rest."""
    from monitor.alerts.fallback import PATIENCE, describe, failing_channels
    from monitor.store.alerts.channel_state import pending_messages
    from monitor.store.leadership import database_time

    with open_connection(settings) as connection:
        now = database_time(connection)
        failing = failing_channels(connection, channels, now)
        working = set(channels.senders) - {channel.name for channel in failing}
        pending = pending_messages(connection, working)
    yield from (fail(describe(channel)) for channel in failing)
    if pending.oldest_at is not None and now - pending.oldest_at >= PATIENCE:
        yield fail(
            f"{pluralize(pending.n, 'message')} waiting, the oldest since "
            f"{format_instant(pending.oldest_at)}"
        )


def _failing_since(settings: Sections, name: str) -> str:
    """Return since when a channel takes no messages, and how many wait; empty where it does."""
    from monitor.store.alerts.channel_state import failing_channel, pending_messages

    try:
        with open_connection(settings) as connection:
            failing = failing_channel(connection, name, datetime.now(UTC))
            n = pending_messages(connection, [name]).n
    except DriftwardenError:  # told by the check of the database
        return ""
    if failing is None:
        return ""
    return f"; {pluralize(n, 'message')} waiting since {format_instant(failing.since)}"


def _delivery_finding(settings: Sections, name: str, where: str, *, is_proven: bool) -> Finding:
    """Return what became of the channel's messages, where the channel itself responds.

    Where a test message has proven it, what failed before is tried again within 5 minutes.
    """
    from monitor.alerts.fallback import describe, describe_stuck
    from monitor.store.alerts.channel_state import failing_channel, last_refusal, stuck_messages

    now = datetime.now(UTC)
    try:
        with open_connection(settings) as connection:
            failing = failing_channel(connection, name, now)
            stuck = stuck_messages(connection, name, now)
            error = last_refusal(connection, name, now - DELIVERY_ERRORS_SHOWN)
    except DriftwardenError:  # told by the check of the database
        return ok(where)
    if failing is not None:
        if is_proven:
            return note(f"{where}; it takes messages now; before, {describe(failing)}")
        return fail(f"{where}; {describe(failing)}")
    if stuck is not None:
        return fail(f"{where}; {describe_stuck(stuck)}")
    if error is not None:
        return note(f"{where}; a message was not delivered: {error}")
    return ok(where)
