"""`driftwarden accounts`: users, with the permissions of an admin."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.context import ConfigOption, database_transaction, read_configuration

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from monitor.accounts.invitations import OneTimeLink
    from monitor.settings import Sections
    from monitor.store.accounts.users import UserRow

app = typer.Typer(no_args_is_help=True, help="Invite users, set their roles, deactivate them.")

ROLE_HELP = (
    "reviewer; adjudicator (also decides where two reviewers disagree); lead (also sees progress, "
    "confirms retraining and invites users); admin (also manages leads and admins)."
)
TASK_TYPES_HELP = "Task type that the user reviews; may be repeated. Default: all."

Name = Annotated[str, typer.Argument(help="Name of the user.", show_default=False)]
NewName = Annotated[str, typer.Argument(help="Name to sign in with.", show_default=False)]
Role = Annotated[str, typer.Option(help=ROLE_HELP)]


@app.command()
def invite(
    name: NewName,
    role: Role = "reviewer",
    email: Annotated[
        str, typer.Option(help="E-mail address, for single sign-on.", show_default=False)
    ] = "",
    task_type: Annotated[
        list[str] | None, typer.Option("--task-type", help=TASK_TYPES_HELP, show_default=False)
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Add a user, and print a one-time link to set the password with."""
    from monitor.accounts import users

    settings = read_configuration(config)
    with _transaction(settings) as (connection, now):
        link = users.invite(
            connection,
            users.THE_OPERATOR,
            name=name,
            email=email,
            role=role,
            task_types=task_type or [],
            now=now,
            link_lifetime=_link_lifetime(settings),
        )
    typer.echo(f"{name}: invited as {role}")
    _print_link(settings, link)


@app.command()
def add(
    name: NewName,
    role: Role = "reviewer",
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
        create_user(connection, name, password, role, now)
    typer.echo(f"{name}: added as {role}")
    if generated:
        typer.echo(f"password (shown once): {generated}")


@app.command("list")
def list_(config: ConfigOption = None) -> None:
    """List the users, with their roles and task types."""
    from monitor.store.accounts.invitations import open_invitations
    from monitor.store.accounts.users import list_users, task_types_of

    with _transaction(read_configuration(config)) as (connection, now):
        users = [(user, task_types_of(connection, user.id)) for user in list_users(connection)]
        links = open_invitations(connection, now)
    if not users:
        typer.echo("no users yet; `driftwarden accounts invite NAME --role admin` adds the first")
    for user, task_types in users:
        state = _state(user, links.get(user.id))
        typer.echo(
            f"{user.name:24} {user.role:12} {state:34} {', '.join(sorted(task_types)) or 'all'}"
        )


@app.command("set-role")
def set_role(
    name: Name,
    role: Annotated[str, typer.Argument(help=ROLE_HELP, show_default=False)],
    config: ConfigOption = None,
) -> None:
    """Change the role of a user."""
    from monitor.accounts import users

    with _transaction(read_configuration(config)) as (connection, now):
        users.change_role(connection, users.THE_OPERATOR, _find(connection, name), role, now)
    typer.echo(f"{name}: {role}")


@app.command()
def assign(
    name: Name,
    task_type: Annotated[
        list[str] | None,
        typer.Argument(help="Task types that the user reviews; none: all.", show_default=False),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Assign a user to task types, or to all of them."""
    from monitor.accounts import users

    task_types = task_type or []
    with _transaction(read_configuration(config)) as (connection, now):
        users.assign_task_types(
            connection, users.THE_OPERATOR, _find(connection, name), task_types, now
        )
    typer.echo(f"{name}: {', '.join(sorted(task_types)) or 'all task types'}")


@app.command()
def deactivate(name: Name, config: ConfigOption = None) -> None:
    """Deactivate a user: end all sessions at once, keep the reviews."""
    from monitor.accounts import users

    with _transaction(read_configuration(config)) as (connection, now):
        users.deactivate(connection, users.THE_OPERATOR, _find(connection, name), now)
    typer.echo(f"{name}: deactivated")


@app.command()
def reactivate(name: Name, config: ConfigOption = None) -> None:
    """Reactivate a user."""
    from monitor.accounts import users

    with _transaction(read_configuration(config)) as (connection, now):
        users.reactivate(connection, users.THE_OPERATOR, _find(connection, name), now)
    typer.echo(f"{name}: active")


@app.command("reset-password")
def reset_password(name: Name, config: ConfigOption = None) -> None:
    """End a user's password and sessions, and print a one-time link to set a new password with."""
    from monitor.accounts import users

    settings = read_configuration(config)
    with _transaction(settings) as (connection, now):
        link = users.reset_password(
            connection,
            users.THE_OPERATOR,
            _find(connection, name),
            now=now,
            link_lifetime=_link_lifetime(settings),
        )
    typer.echo(f"{name}: signed out everywhere")
    _print_link(settings, link)


@contextmanager
def _transaction(settings: "Sections") -> "Iterator[tuple[Connection, datetime]]":
    from datetime import UTC, datetime

    with database_transaction(settings) as connection:
        yield connection, datetime.now(UTC)


def _find(connection: "Connection", name: str) -> int:
    from monitor.cli.shared.users import require_user

    return require_user(connection, name).id


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
