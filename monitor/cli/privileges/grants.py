"""`driftwarden db grants`: least privileges of the parts in PostgreSQL."""

from typing import Annotated

import typer


def grants(
    role_of: Annotated[
        list[str] | None,
        typer.Option(
            "--role-of",
            help="Role of a part, such as ingest=traffic_writer; may be repeated. The same role "
            "for two parts has the privileges of both. Default: driftwarden_PART.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print the SQL that gives each part of the daemon the privileges that it needs, and no more.

    The parts are ingest, schedule and web, as of `driftwarden run --only`. A missing role is
    created, without a password. Needs no database: pipe the output to psql, as the owner of the
    tables, and again after each `driftwarden db upgrade`. The owner's role is for migrations and
    for commands such as `accounts` and `forget`. The children that train and evaluate candidates
    use no database.
    """
    from monitor.store.database_roles import grant_statements, parse_roles

    typer.echo(grant_statements(parse_roles(role_of or [])), nl=False)
