"""Checks of what monitoring and review need."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.daemon.readiness.finding import Finding, fail, note, ok, open_connection
from monitor.errors import DriftwardenError
from monitor.plurals import pluralize
from monitor.rendering.numbers import format_instant
from monitor.settings import Secrets, Sections, Settings

if TYPE_CHECKING:
    from monitor.alerts.channels.sender import Sender

HOUR = timedelta(hours=1)
NO_FALLBACK = (
    "no fallback: while a channel takes no messages, nobody is told; list another channel and name "
    "it as alerts.fallback"
)
#: Undelivered messages that are older are no longer told.
DELIVERY_ERRORS_SHOWN = timedelta(days=7)


def budget_finding(settings: Sections) -> Finding:
    """Report the budget of false alarms of all models."""
    budgets = [of_model.drift.false_alarms_a_year for of_model in settings.by_model]
    message = f"at most {sum(budgets):g} a year"
    if len(budgets) > 1:
        message += (
            f" in all, {min(budgets):g} to {max(budgets):g} for each of {len(budgets)} models"
            if min(budgets) < max(budgets)
            else f" in all, {budgets[0]:g} for each of {len(budgets)} models"
        )
    return ok(message)


def database_finding(settings: Sections) -> Finding:
    """Check the database and its schema."""
    from monitor.store.engine import refuses_to_write
    from monitor.store.migrations import head_revision

    with open_connection(settings) as connection:
        kind = connection.dialect.name
        if refuses_to_write(connection):
            problem = "the server is read-only: a standby, or full; name the primary, or free space"
            return fail(problem)
    return ok(f"{kind}, revision {head_revision()}")


def leader_finding(settings: Sections) -> Finding:
    """Report which replica leads, and since when."""
    from monitor.store.leadership import current_lease, database_time

    with open_connection(settings) as connection:
        lease, now = current_lease(connection), database_time(connection)
    if lease is None:
        return ok("none yet; `driftwarden run` begins")
    if not lease.held:
        return note(
            f"none {_since(lease.expires_at, now)}: nothing is evaluated and no message is sent; "
            "start `driftwarden run`; if one runs, `lease_not_renewed` in its log says why it "
            f"can't lead. The last leader was {lease.holder}"
        )
    since = _since(lease.acquired_at, now)
    return ok(f"{lease.holder} {since}, epoch {lease.epoch}")


def _since(begin: datetime, now: datetime) -> str:
    return f"since {begin:%Y-%m-%d %H:%M} UTC ({(now - begin) / HOUR:.1f} h)"


def baseline_finding(settings: Settings) -> Finding:
    """Check that the model has a baseline."""
    from monitor.store.traffic.baselines import latest_baseline

    with open_connection(settings) as connection:
        baseline = latest_baseline(connection, settings.model.name)
    if baseline is None:
        return fail(
            "no baseline; import exchanges from the time after the launch: `driftwarden baseline "
            "import FILE`, with --model where several are listed"
        )
    size = pluralize(baseline.n_exchanges, "exchange")
    return ok(f"{size}, {baseline.digest[:12]}")


def unlisted_finding(settings: Sections) -> Finding:
    """Report the traffic of unlisted models in the last seven days."""
    from monitor.alerts.messages.unlisted_models import describe_unlisted
    from monitor.settings.models.names import twins_in_case
    from monitor.store.traffic.unlisted import (
        estimated_traffic,
        last_seven_days,
        unlisted_models,
    )

    if settings.monitoring.unlisted_models != "report":
        policy = settings.monitoring.unlisted_models
        return ok(f"monitoring.unlisted_models = {policy!r}")
    period = last_seven_days(datetime.now(UTC))
    with open_connection(settings) as connection:
        models = unlisted_models(connection, *period, settings.names.listed)
        stored = estimated_traffic(connection, *period)
    if not models:
        return ok("no traffic of models that are not listed in 7 days")
    lines = describe_unlisted(models, stored)
    twins = twins_in_case([model.name for model in models], settings.names.listed)
    lines += [
        f"{name!r} differs from {model!r} in upper and lower case only: an alias of it?"
        for name, model in twins
    ]
    return note("; ".join(lines))


def looks_finding(settings: Settings) -> Finding:
    """Report the newest look at the last 24 hours."""
    from monitor.rendering.looks import describe_look
    from monitor.store.windows.looks import newest_look

    if settings.monitoring.large_changes == "off":
        return note("off: a large change waits for its window's end")
    with open_connection(settings) as connection:
        look = newest_look(connection, settings.model.name)
    if look is None:
        return ok("none yet; the first follows a day of traffic")
    return Finding("note" if look.alarm else "ok", describe_look(look))


def channel_findings(
    settings: Sections, secrets: Secrets, *, send: bool = False
) -> Iterator[Finding]:
    """Check the channels of alerts; with ``send`` by a test message to each."""
    from monitor.alerts.channels import needs, open_channels, variable

    channels = open_channels(secrets, settings)
    if not channels.routes.channels:
        lacking = needs(secrets, settings)
        yield note(f"alerts are stored, not sent; set {lacking}")
    for name, channel in channels.routes.channels.items():
        sender = channels.senders.get(name)
        if sender is None:
            lacking = variable(name, channel)
            yield note(f"{name}: its messages wait; set {lacking}")
            continue
        try:
            yield _channel_finding(settings, name, sender)
            if send:
                yield ok(f"{name}: {sender.probe()}")
        except DriftwardenError as error:
            yield fail(f"{name}: {error}{_failing_since(settings, name)}")
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


def _channel_finding(settings: Sections, name: str, sender: "Sender") -> Finding:
    from monitor.alerts.fallback import describe, describe_stuck
    from monitor.store.alerts.channel_state import failing_channel, last_refusal, stuck_messages

    where = sender.check()
    now = datetime.now(UTC)
    with open_connection(settings) as connection:
        failing = failing_channel(connection, name, now)
        stuck = stuck_messages(connection, name, now)
        error = last_refusal(connection, name, now - DELIVERY_ERRORS_SHOWN)
    if failing is not None:
        return fail(f"{name}, {where}; {describe(failing)}")
    if stuck is not None:
        return fail(f"{name}, {where}; {describe_stuck(stuck)}")
    if error is not None:
        return fail(f"{name}, {where}; a message was not delivered: {error}")
    return ok(f"{name}, {where}")


def reviewers_finding(settings: Sections) -> Finding:
    """Check that each model has two active users."""
    from monitor.store.accounts.users import list_users

    with open_connection(settings) as connection:
        active = [user for user in list_users(connection) if user.active]
    n_of_models = {
        model: sum(model in user.visible_models for user in active)
        for model in settings.names.listed
    }
    model, fewest = min(n_of_models.items(), key=lambda item: item[1])
    if fewest < 2:
        where = f" of {model}" if len(n_of_models) > 1 else ""
        return note(
            f"{fewest} of the two reviewers of an item{where}; `driftwarden accounts invite NAME`"
        )
    return ok(f"{len(active)} active users")


def taxonomy_finding(settings: Settings) -> Finding:
    """Check the task taxonomy against the stored traffic."""
    from monitor.review.guidelines import load_taxonomy, missing_task_types
    from monitor.store.review.taxonomies import task_types_seen

    path = settings.review.taxonomy
    if not path:
        return note(
            "review.taxonomy is empty, so reviewers have no guidelines; create a taxonomy: "
            "`driftwarden taxonomy init`"
        )
    taxonomy = load_taxonomy(Path(path))
    with open_connection(settings) as connection:
        missing = missing_task_types(taxonomy, task_types_seen(connection, settings.model.name))
    notes = [missing] if missing else []
    if settings.model.system_prompt:
        notes.append("system_prompt of the model applies only to items queued without a taxonomy")
    if notes:
        return note("; ".join(notes))
    n = len(taxonomy.task_types)
    return ok(f"{path}: {n} task types, version {taxonomy.version[:12]}")


def sign_in_finding(settings: Sections, secrets: Secrets) -> Finding:
    """Check the provider of single sign-on."""
    from monitor.web.sign_in.single_sign_on_page import connect

    provider = connect(settings, secrets)
    if provider is None:
        return ok("by password")
    provider.metadata()
    keys = len(provider.signing_keys().keys)
    message = f"by {provider.issuer}, {keys} signing keys"
    if settings.web.passwords:
        message += ", or by password"
    return ok(message)


def web_finding(settings: Sections) -> Finding:
    """Check that a public web server has secure cookies."""
    local = settings.web.host in {"127.0.0.1", "::1", "localhost"}
    if not local and not settings.web.secure_cookies:
        return fail(
            f"web.host = {settings.web.host!r} is reachable from other machines; put it behind "
            "HTTPS and set web.secure_cookies = true"
        )
    return ok(f"http://{settings.web.host}:{settings.web.port}")
