"""`driftwarden accounts`: users, with the permissions of an admin."""

import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.access import account_name
from monitor.cli.shared.context import (
    ConfigOption,
    database_transaction,
    find_model,
    read_configuration,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from monitor.accounts.invitations import OneTimeLink
    from monitor.settings import Sections
    from monitor.store.accounts.users import UserRow

app = typer.Typer(no_args_is_help=True, help="Invite users, set their roles, deactivate them.")

ROLE_HELP = (
    "reviewer; adjudicator (also decides disagreements); lead (also sees progress, confirms "
    "retraining, invites users); admin (also manages leads and admins)."
)
MODELS_HELP = "Model on which the user has the role; may be repeated. Default: all models."
MODEL_HELP = "Model, listed or of history. Default: the role on all models."
TASK_TYPES_HELP = "Task type that the user reviews; may be repeated. Default: all."

Name = Annotated[str, typer.Argument(help="Name of the user.", show_default=False)]
NewName = Annotated[str, typer.Argument(help="Name to sign in with.", show_default=False)]
Role = Annotated[str, typer.Option(help=ROLE_HELP)]
Models = Annotated[list[str] | None, typer.Option("--model", help=MODELS_HELP, show_default=False)]
OneModel = Annotated[str | None, typer.Option("--model", help=MODEL_HELP, show_default=False)]


@app.command()
def invite(
    name: NewName,
    *,
    role: Role = "reviewer",
    email: Annotated[
        str, typer.Option(help="E-mail address, for single sign-on.", show_default=False)
    ] = "",
    model: Models = None,
    task_type: Annotated[
        list[str] | None, typer.Option("--task-type", help=TASK_TYPES_HELP, show_default=False)
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Add a user, and print a one-time link to set the password with."""
    from monitor.accounts import users

    settings = read_configuration(config)
    with _transaction(settings) as (connection, now):
        models = [_find_model(connection, settings, place) for place in model or []]
        link = users.invite(
            connection,
            users.Actor(account_name()),
            name=name,
            email=email,
            role=role,
            models=models,
            task_types=task_type or [],
            now=now,
            link_lifetime=_link_lifetime(settings),
        )
    typer.echo(f"{name}: invited as {role}{_of(*models)}")
    _print_link(settings, link)


@app.command()
def add(
    name: NewName,
    *,
    role: Role = "reviewer",
    model: Models = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Prompt for the password instead of generating one.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Add a user with a password; a generated one is printed once."""
    from monitor.accounts.passwords import generate_password
    from monitor.accounts.registration import create_user

    settings = read_configuration(config)
    generated = ""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif prompt:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = generated = generate_password(name)
    with _transaction(settings) as (connection, now):
        models = [_find_model(connection, settings, place) for place in model or []]
        create_user(connection, name, password, role, now, models=models)
    typer.echo(f"{name}: added as {role}{_of(*models)}")
    if generated:
        typer.echo(f"password (shown once): {generated}")


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """List the users, with their roles, models, task types and ids in Slack."""
    from monitor.store.accounts.grants import ALL_MODELS
    from monitor.store.accounts.invitations import open_invitations
    from monitor.store.accounts.users import list_users

    with _transaction(read_configuration(config)) as (connection, now):
        users = list_users(connection)
        links = open_invitations(connection, now)
    if not users:
        typer.echo("no users yet; `driftwarden accounts invite NAME --role admin` adds the first")
    for user in users:
        name, state = user.name, _state(user, links.get(user.id))
        for grant in user.grants.listed:
            task_types = ", ".join(sorted(grant.task_types)) or "all"
            where = "" if grant.model == ALL_MODELS else f" of {grant.model}"
            slack_id = f", Slack {user.slack_user_id}" if name and user.slack_user_id else ""
            typer.echo(f"{name:24} {grant.role:12} {state:34} {task_types}{where}{slack_id}")
            name = state = ""
        if not user.grants.by_model:
            typer.echo(f"{name:24} {'no role':12} {state:34}")


@app.command("set-role")
def set_role(
    name: Name,
    role: Annotated[str, typer.Argument(help=ROLE_HELP, show_default=False)],
    model: OneModel = None,
    config: ConfigOption = None,
) -> None:
    """Give a user a role, on all models or on one."""
    from monitor.accounts import users

    settings = read_configuration(config)
    with _transaction(settings) as (connection, now):
        user_id, place = _find(connection, name), _find_model(connection, settings, model)
        users.change_role(connection, users.Actor(account_name()), user_id, role, now, model=place)
    typer.echo(f"{name}: {role}{_of(place)}")


@app.command("revoke-role")
def revoke_role(name: Name, model: OneModel = None, config: ConfigOption = None) -> None:
    """Take the role of a user, on all models or on one."""
    from monitor.accounts import users

    settings = read_configuration(config)
    with _transaction(settings) as (connection, now):
        user_id, place = _find(connection, name), _find_model(connection, settings, model)
        users.revoke_role(connection, users.Actor(account_name()), user_id, now, model=place)
    typer.echo(f"{name}: no role{_of(place)}")


@app.command()
def assign(
    name: Name,
    task_type: Annotated[
        list[str] | None,
        typer.Argument(help="Task types that the user reviews; none: all.", show_default=False),
    ] = None,
    model: OneModel = None,
    config: ConfigOption = None,
) -> None:
    """Assign a user to task types, or to all of them, on all models or on one."""
    from monitor.accounts import users

    task_types = task_type or []
    settings = read_configuration(config)
    with _transaction(settings) as (connection, now):
        user_id, place = _find(connection, name), _find_model(connection, settings, model)
        users.assign_task_types(
            connection, users.Actor(account_name()), user_id, task_types, now, model=place
        )
    typer.echo(f"{name}: {', '.join(sorted(task_types)) or 'all task types'}{_of(place)}")


@app.command()
def slack(
    name: Name,
    user_id: Annotated[
        str, typer.Argument(help="Member ID in Slack, such as U012ABCDEF.", show_default=False)
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Link a user to their id in Slack, for the buttons there; without an id, unlink it."""
    from monitor.accounts import users

    with _transaction(read_configuration(config)) as (connection, now):
        users.link_slack(
            connection, users.Actor(account_name()), _find(connection, name), user_id, now
        )
    typer.echo(f"{name}: Slack user {user_id.strip()}" if user_id.strip() else f"{name}: unlinked")


@app.command()
def deactivate(name: Name, config: ConfigOption = None) -> None:
    """Deactivate a user: end all sessions at once, keep the reviews."""
    from monitor.accounts import users

    with _transaction(read_configuration(config)) as (connection, now):
        users.deactivate(connection, users.Actor(account_name()), _find(connection, name), now)
    typer.echo(f"{name}: deactivated")


@app.command()
def reactivate(name: Name, config: ConfigOption = None) -> None:
    """Reactivate a user."""
    from monitor.accounts import users

    with _transaction(read_configuration(config)) as (connection, now):
        users.reactivate(connection, users.Actor(account_name()), _find(connection, name), now)
    typer.echo(f"{name}: active")


@app.command("reset-password")
def reset_password(name: Name, config: ConfigOption = None) -> None:
    """End a user's password and sessions, and print a one-time link to set a new password with."""
    from monitor.accounts import users

    settings = read_configuration(config)
    with _transaction(settings) as (connection, now):
        link = users.reset_password(
            connection,
            users.Actor(account_name()),
            _find(connection, name),
            now=now,
            link_lifetime=_link_lifetime(settings),
        )
    typer.echo(f"{name}: signed out everywhere")
    _print_link(settings, link)


@contextmanager
def _transaction(settings: "Sections") -> "Iterator[tuple[Connection, datetime]]":
    with database_transaction(settings) as connection:
        yield connection, datetime.now(UTC)


def _find(connection: "Connection", name: str) -> int:
    from monitor.cli.shared.users import require_user

    return require_user(connection, name).id


def _find_model(connection: "Connection", settings: "Sections", name: str | None) -> str:
    from monitor.store.accounts.grants import ALL_MODELS

    return ALL_MODELS if name is None else find_model(connection, settings, name)


def _of(*models: str) -> str:
    from monitor.store.accounts.grants import ALL_MODELS

    return f" of {', '.join(models)}" if models and ALL_MODELS not in models else ""


def _link_lifetime(settings: "Sections") -> "timedelta | None":
    """Return the lifetime of a link, or ``None`` without sign-in by password."""
    return settings.web.invitation_lifetime if settings.web.passwords else None


def _print_link(settings: "Sections", link: "OneTimeLink | None") -> None:
    if link is None:
        typer.echo("no link: users sign in by single sign-on (web.passwords = false)")
        return
    typer.echo(f"one-time link (shown once), valid until {link.expires_at:%Y-%m-%d %H:%M} UTC:")
    typer.echo(link.address(settings.alerts.public_url))


def _state(user: "UserRow", link_expires_at: "datetime | None") -> str:
    if not user.active:
        return "inactive"
    if link_expires_at is not None:
        return f"invited, link until {link_expires_at:%Y-%m-%d %H:%M}"
    return "active" if user.has_password or user.has_identity else "no password yet"
