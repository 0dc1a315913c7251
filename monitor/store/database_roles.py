"""Least privileges in PostgreSQL: which part of the daemon reads and changes which table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from sqlalchemy import Table

from monitor.errors import InputError
from monitor.store.tables import metadata
from monitor.store.tables.facts import columns_of, facts_of, table_names
from monitor.table_types.contents import Content, Erasure, Part

PARTS: tuple[Part, ...] = get_args(Part)
#: Codes of privileges, as ``\dp`` of psql shows them.
PRIVILEGES: Mapping[str, str] = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
#: PostgreSQL cuts longer names.
MAX_NAME_BYTES = 63
#: The table of the schema's revision, which each part reads at its start.
REVISION_TABLE = "alembic_version"


@dataclass(frozen=True)
class Grant:
    """Privileges of a role on a table."""

    table: str
    role: str
    #: Codes of :data:`PRIVILEGES`.
    codes: str
    #: Columns that the role reads; empty: all.
    columns: tuple[str, ...] = ()
    #: Columns that it writes over without the code for all: words of staff, in which a lead erases
    #: a sentence.
    masked: tuple[str, ...] = ()


def default_roles() -> dict[Part, str]:
    """Return a role for each part: ``driftwarden_ingest``."""
    return {part: f"driftwarden_{part}" for part in PARTS}


def parse_roles(named: Sequence[str]) -> dict[Part, str]:
    """Return the role of each part, of texts such as ``ingest=traffic_writer``.

    Raises:
        InputError: A text has another form, or names an unknown part.
    """
    roles = default_roles()
    for text in named:
        name, _, role = text.partition("=")
        part = next((part for part in PARTS if part == name), None)
        if part is None or not role:
            raise InputError(
                f"--role-of {text}: not PART=ROLE; the parts are {', '.join(PARTS)}",
                code="unknown_part",
            )
        if "$" in role or not role.isprintable() or len(role.encode()) > MAX_NAME_BYTES:
            raise InputError(
                f"--role-of {text}: not a role; use at most {MAX_NAME_BYTES} bytes, without $ and "
                "line breaks",
                code="role_name",
            )
        roles[part] = role
    return roles


def grants(roles: Mapping[Part, str]) -> list[Grant]:
    """Return the grants; a role of several parts has the privileges of all of them."""
    granted: list[Grant] = []
    for table in table_names():
        access = facts_of(table).access
        for role in dict.fromkeys(roles.values()):
            parts = [part for part in roles if roles[part] == role and access.of(part)]
            codes = {code for part in parts for code in access.of(part)}
            reading = [access.columns.get(part, ()) for part in parts if "r" in access.of(part)]
            columns = () if () in reading else tuple(dict.fromkeys(sum(reading, ())))
            if codes:
                ordered = "".join(code for code in PRIVILEGES if code in codes)
                is_masking = "web" in parts and "w" not in codes
                masked = _masked_columns(table) if is_masking else ()
                granted.append(Grant(table, role, ordered, columns, masked))
    return granted


def grant_statements(roles: Mapping[Part, str]) -> str:
    """Return a script that gives each role its privileges, and takes away all others.

    It may run again. The owner of the tables runs it; where a role is missing, a role that may
    create roles.
    """
    lines = ["BEGIN;"]
    distinct = list(dict.fromkeys(roles.values()))
    for role in distinct:
        parts = ", ".join(part for part in roles if roles[part] == role)
        lines += ["", f"-- {parts}".replace("\n", " "), _create(role)]
        lines += [
            f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {_quote(role)};",
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {_quote(role)};",
            f"GRANT USAGE ON SCHEMA public TO {_quote(role)};",
            f"GRANT SELECT ON {REVISION_TABLE} TO {_quote(role)};",
        ]
        for grant in grants(roles):
            if grant.role != role:
                continue
            privileges = [_privilege(code, grant.columns) for code in grant.codes]
            if grant.masked:
                privileges.append(f"UPDATE ({', '.join(map(_quote, grant.masked))})")
            lines.append(f"GRANT {', '.join(privileges)} ON {grant.table} TO {_quote(role)};")
            sequence = _sequence(metadata.tables[grant.table])
            if sequence and "a" in grant.codes:
                lines.append(f"GRANT USAGE ON SEQUENCE {sequence} TO {_quote(role)};")
    return "\n".join([*lines, "", "COMMIT;", ""])


def _masked_columns(table: str) -> tuple[str, ...]:
    return tuple(
        name
        for name, column in columns_of(table).items()
        if column.content is Content.STAFF_WORDS and column.erasure is Erasure.MASKED
    )


def _privilege(code: str, columns: Sequence[str]) -> str:
    limited = f" ({', '.join(map(_quote, columns))})" if code == "r" and columns else ""
    return PRIVILEGES[code] + limited


def _create(role: str) -> str:
    name = role.replace("'", "''")
    return (
        f"DO $create$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN "
        f"CREATE ROLE {_quote(role)} LOGIN; END IF; END $create$;"
    )


def _quote(name: str) -> str:
    quoted = name.replace('"', '""')
    return f'"{quoted}"'


def _sequence(table: Table) -> str:
    """Return the sequence of the ids of a table; empty where they are not numbered."""
    column = table.autoincrement_column
    return "" if column is None or column.foreign_keys else f"{table.name}_{column.name}_seq"
