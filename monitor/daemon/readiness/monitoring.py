"""Checks of what monitoring and review need."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.daemon.readiness.finding import Finding, fail, note, ok, open_connection
from monitor.plurals import pluralize
from monitor.settings import Secrets, Sections, Settings

HOUR = timedelta(hours=1)


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
    from monitor.store.engine import make_engine, refuses_to_write, transaction
    from monitor.store.migrations import head_revision, require_current

    engine = make_engine(settings.database.url)
    try:
        require_current(engine)
        with transaction(engine) as connection:
            if refuses_to_write(connection):
                return fail(
                    "the server is read-only: a standby, or full; name the primary, or free space"
                )
    finally:
        engine.dispose()
    return ok(f"{engine.dialect.name}, revision {head_revision()}")


def leader_finding(settings: Sections) -> Finding:
    """Report which replica leads, since when, and whether its jobs work."""
    from monitor.daemon.heartbeat import HUNG_AFTER_SECONDS
    from monitor.store.leadership import current_lease, database_time

    with open_connection(settings) as connection:
        lease, now = current_lease(connection), database_time(connection)
    if lease is None:
        return ok("none yet; `driftwarden run` begins")
    if not lease.held:
        return fail(
            f"none {_since(lease.expires_at, now)}: nothing is evaluated and no message is sent; "
            "start `driftwarden run`; if one runs, `lease_not_renewed` in its log says why it "
            f"can't lead. The last leader was {lease.holder}"
        )
    worked_at = lease.worked_at or lease.acquired_at
    if (now - worked_at).total_seconds() > HUNG_AFTER_SECONDS:
        return fail(
            f"{lease.holder} leads, but its jobs hang or fail {_since(worked_at, now)}: problems "
            "are not told; its log names those that fail",
            command=f"restart the process {lease.holder}",
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
    if baseline.n_exchanges < settings.drift.min_samples:
        return note(
            f"{size}, too few to be compared: drift.min_samples = {settings.drift.min_samples}; "
            "import a larger baseline, or lower drift.min_samples"
        )
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
    from monitor.review.guidelines.versions import taxonomy_in_force
    from monitor.store.review.taxonomies import task_types_seen

    path = settings.review.taxonomy
    if path:
        load_taxonomy(Path(path))
    with open_connection(settings) as connection:
        current = taxonomy_in_force(connection, settings.review, settings.model.name)
        seen = task_types_seen(connection, settings.model.name)
    taxonomy = current.taxonomy
    if taxonomy is None:
        return note(
            "review.taxonomy is empty, so reviewers have no guidelines; create a taxonomy: "
            "`driftwarden taxonomy init`"
        )
    missing = missing_task_types(taxonomy, seen)
    notes = [missing] if missing else []
    if path and current.version != current.file_version:
        notes.append(
            f"version {current.number}, published after {path} last changed, is in force; to bring "
            f"it into the file: `driftwarden taxonomy show --version {current.version[:12]}`"
        )
    if settings.model.system_prompt:
        notes.append("system_prompt of the model applies only to items queued without a taxonomy")
    if notes:
        return note("; ".join(notes))
    n = len(taxonomy.task_types)
    place = path or f"version {current.number}"
    return ok(f"{place}: {n} task types, version {taxonomy.version[:12]}")


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
