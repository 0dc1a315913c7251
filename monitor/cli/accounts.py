"""`driftwarden review`, the part about people: at the shell one may do what an admin may."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.context import ConfigOption, open_database, read_settings

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from monitor.accounts.invitations import OneTimeLink
    from monitor.settings import Settings
    from monitor.store.accounts.users import UserRow

ROLE_HELP = (
    "reviewer; adjudicator (also decides where two disagree); lead (also sees progress, confirms "
    "retraining and invites people); admin (also manages leads and admins)."
)
TYPES_HELP = "A task type that they review; give it once for each. Without one: all."

Name = Annotated[str, typer.Argument(help="The person's name.", show_default=False)]
Role = Annotated[str, typer.Option(help=ROLE_HELP)]


def invite(
    name: Annotated[str, typer.Argument(help="The name to sign in with.", show_default=False)],
    role: Role = "reviewer",
    email: Annotated[
        str, typer.Option(help="The address that single sign-on knows them by.", show_default=False)
    ] = "",
    task_type: Annotated[
        list[str] | None, typer.Option("--task-type", help=TYPES_HELP, show_default=False)
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Add a person, and print a link by which they set their password, once."""
    from monitor.accounts.users import THE_OPERATOR
    from monitor.accounts.users import invite as invite_user

    settings = read_settings(config)
    with _opened(settings) as (connection, now):
        link = invite_user(
            connection,
            THE_OPERATOR,
            name=name,
            email=email,
            role=role,
            task_types=task_type or [],
            now=now,
            days=_days(settings),
        )
    typer.echo(f"{name}: invited as {role}")
    _print_link(settings, link)


def add_reviewer(
    name: Annotated[str, typer.Argument(help="The name to sign in with.", show_default=False)],
    role: Role = "reviewer",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    prompt: Annotated[
        bool,
        typer.Option("--prompt", help="Ask for the password instead of generating one."),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Add a person with a password. Without a password option one is made up and printed once."""
    from monitor.accounts.passwords import generate_password
    from monitor.accounts.registration import create_user

    settings = read_settings(config)
    generated = ""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif prompt:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = generated = generate_password(name)
    with _opened(settings) as (connection, now):
        create_user(connection, name, password, role, now)
    typer.echo(f"{name}: added as {role}")
    if generated:
        typer.echo(f"password, shown only now: {generated}")


def list_people(config: ConfigOption = None) -> None:
    """List who may sign in, with their roles and task types."""
    from monitor.store.accounts.invitations import open_invitations
    from monitor.store.accounts.users import list_users, task_types_of

    with _opened(read_settings(config)) as (connection, now):
        people = [(one, task_types_of(connection, one.id)) for one in list_users(connection)]
        links = open_invitations(connection, now)
    if not people:
        typer.echo("nobody yet: `driftwarden accounts invite NAME --role admin`")
    for user, task_types in people:
        state = _state(user, links.get(user.id))
        typer.echo(
            f"{user.name:24} {user.role:12} {state:34} {', '.join(sorted(task_types)) or 'all'}"
        )


def set_role(
    name: Name,
    role: Annotated[str, typer.Argument(help=ROLE_HELP, show_default=False)],
    config: ConfigOption = None,
) -> None:
    """Give a person another role."""
    from monitor.accounts.users import THE_OPERATOR, change_role

    with _opened(read_settings(config)) as (connection, now):
        change_role(connection, THE_OPERATOR, _find(connection, name), role, now)
    typer.echo(f"{name}: {role}")


def assign(
    name: Name,
    task_type: Annotated[
        list[str] | None,
        typer.Argument(help="The task types that they review; none: all.", show_default=False),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Put a person on some task types only, or on all of them."""
    from monitor.accounts.users import THE_OPERATOR
    from monitor.accounts.users import assign as assign_person

    wanted = task_type or []
    with _opened(read_settings(config)) as (connection, now):
        assign_person(connection, THE_OPERATOR, _find(connection, name), wanted, now)
    typer.echo(f"{name}: {', '.join(sorted(wanted)) or 'all task types'}")


def deactivate(name: Name, config: ConfigOption = None) -> None:
    """Let a person in no longer; they are signed out at once, their reviews stay."""
    from monitor.accounts.users import THE_OPERATOR
    from monitor.accounts.users import deactivate as deactivate_person

    with _opened(read_settings(config)) as (connection, now):
        deactivate_person(connection, THE_OPERATOR, _find(connection, name), now)
    typer.echo(f"{name}: deactivated")


def reactivate(name: Name, config: ConfigOption = None) -> None:
    """Let a person in again."""
    from monitor.accounts.users import THE_OPERATOR
    from monitor.accounts.users import reactivate as reactivate_person

    with _opened(read_settings(config)) as (connection, now):
        reactivate_person(connection, THE_OPERATOR, _find(connection, name), now)
    typer.echo(f"{name}: active")


def reset_password(name: Name, config: ConfigOption = None) -> None:
    """End a person's password and sessions, and print a link by which they set a new one, once."""
    from monitor.accounts.users import THE_OPERATOR
    from monitor.accounts.users import reset_password as reset

    settings = read_settings(config)
    with _opened(settings) as (connection, now):
        user_id = _find(connection, name)
        link = reset(connection, THE_OPERATOR, user_id, now=now, days=_days(settings))
    typer.echo(f"{name}: signed out everywhere")
    _print_link(settings, link)


COMMANDS: dict[str, Callable[..., None]] = {
    "invite": invite,
    "add-reviewer": add_reviewer,
    "list": list_people,
    "set-role": set_role,
    "assign": assign,
    "deactivate": deactivate,
    "reactivate": reactivate,
    "reset-password": reset_password,
}


@contextmanager
def _opened(settings: "Settings") -> "Iterator[tuple[Connection, datetime]]":
    from datetime import UTC, datetime

    from monitor.store.engine import transaction

    with transaction(open_database(settings)) as connection:
        yield connection, datetime.now(UTC)


def _find(connection: "Connection", name: str) -> int:
    from monitor.errors import InputError
    from monitor.store.accounts.users import user_by_name

    user = user_by_name(connection, name)
    if user is None:
        raise InputError(f"{name!r} is nobody's name; see `driftwarden accounts list`")
    return user.id


def _days(settings: "Settings") -> float | None:
    return (
        settings.web.invitation_lifetime.total_seconds() / 86_400
        if settings.web.passwords
        else None
    )


def _print_link(settings: "Settings", link: "OneTimeLink | None") -> None:
    if link is None:
        typer.echo("they sign in by single sign-on: passwords are turned off")
        return
    typer.echo(f"link, shown only now, works once, until {link.expires_at:%Y-%m-%d %H:%M} UTC:")
    typer.echo(link.address(settings.alerts.public_url))


def _state(user: "UserRow", link_until: "datetime | None") -> str:
    if not user.active:
        return "inactive"
    if link_until is not None:
        return f"invited, link until {link_until:%Y-%m-%d %H:%M}"
    return "active" if user.has_password or user.has_identity else "no password yet"
