"""Entries of the access log by commands: who of the operating system read or exported texts."""

import os
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from monitor.store.access_log import Action


def record_read(
    connection: "Connection",
    command: str,
    kind: str,
    object_id: int | str = "",
    *,
    model: str = "",
    action: "Action" = "read",
) -> None:
    """Append an entry, before anything is printed: a command that can't append prints nothing.

    The command is named without its arguments. An empty id or model stands for several. The action
    is ``exported`` where a file or another database gets the texts.
    """
    from monitor.store.access_log import Access, append_access

    append_access(
        connection,
        Access(
            occurred_at=datetime.now(UTC),
            source="command",
            actor=account_name(),
            action=action,
            kind=kind,
            object_id=str(object_id),
            model=model,
            place=f"driftwarden {command}",
            address=socket.gethostname(),
        ),
    )


def record_copy(engine: "Engine", command: str, kind: str = "database", path: str = "") -> None:
    """Append that the whole database is copied; a read-only database is copied all the same.

    A standby, or a server that is full, may have to be backed up most of all: this is a warning.
    ``kind`` is ``archive`` when an archive is finished, whose path is the object.
    """
    import typer

    from monitor.errors import DatabaseUnavailableError
    from monitor.store.engine import transaction

    try:
        with transaction(engine) as connection:
            record_read(connection, command, kind, path, action="exported")
    except DatabaseUnavailableError as error:
        typer.echo(f"warning: this copy is not in the access log: {error}", err=True)


def account_name() -> str:
    """Return the name of the process's account, whatever the environment says.

    Of root by sudo, who called it too: only root could have set the variable.
    """
    import pwd

    user_id = os.getuid()
    try:
        name = pwd.getpwuid(user_id).pw_name
    except KeyError:  # a container's account has none
        name = f"uid {user_id}"
    caller = os.environ.get("SUDO_USER", "") if user_id == 0 else ""
    return f"{name} (sudo: {caller})" if caller else name
