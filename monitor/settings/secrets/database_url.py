"""Addresses of databases, whose passwords are not shown."""

import os
import re
from ipaddress import ip_address
from urllib.parse import parse_qs

from monitor.errors import ConfigurationError

_PASSWORD = re.compile(r"(://[^:@/?#]*):.*@", re.DOTALL)
#: Parameters of a PostgreSQL connection that are secret.
_SECRET_PARAMETERS = re.compile(r"([?&](?:password|sslpassword)=)[^&]*", re.IGNORECASE)
#: What stands before the hosts.
_HOSTS = re.compile(r"\A\w+(?:\+\w+)?://(?:.*@)?", re.DOTALL)
_USER = re.compile(r"\A(postgresql(?:\+\w+)?://)([^:@/?#]+)@")


class DatabaseUrl(str):
    """The address of a database; its ``repr`` has no password."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(hide_password(self))


def hide_password(url: str) -> str:
    """Return an address without its password, also where it is malformed.

    Example:
        >>> hide_password("postgresql://ingest:s3/cr:et@db/driftwarden?sslmode=verify-full")
        'postgresql://ingest:***@db/driftwarden?sslmode=verify-full'
    """
    return _SECRET_PARAMETERS.sub(r"\1***", _PASSWORD.sub(r"\1:***@", str(url)))


def add_password(url: str, password: str) -> DatabaseUrl:
    """Return the address of a PostgreSQL database with a password that stands apart.

    Another database has no password: its address is returned as it is.

    Raises:
        ConfigurationError: The address has a password already, or names no user.
    """
    if not url.startswith("postgresql"):
        return DatabaseUrl(url)
    if hide_password(url) != url:
        raise ConfigurationError(
            "database.url has a password, and DRIFTWARDEN_DATABASE_PASSWORD is set too; remove one",
            code="secret_set_twice",
        )
    if not _USER.match(url):
        raise ConfigurationError(
            f"DRIFTWARDEN_DATABASE_PASSWORD is set, but database.url names no user: {url!r}; write "
            "postgresql+psycopg2://USER@HOST/NAME",
            code="database_user_missing",
        )
    quoted = "".join(c if c.isalnum() and c.isascii() else _percent(c) for c in password)
    return DatabaseUrl(_USER.sub(lambda match: f"{match[1]}{match[2]}:{quoted}@", url))


def database_hosts(url: str) -> list[str]:
    """Return the hosts of a PostgreSQL address; one without a host has that of ``PGHOST``.

    Example:
        >>> database_hosts("postgresql://ingest:s3/cr:et@db1:5432,db2/driftwarden")
        ['db1', 'db2']
    """
    address, _, query = url.partition("?")
    named = ",".join(parse_qs(query).get("host", ())) or _HOSTS.sub("", address).split("/")[0]
    hosts = (named or os.environ.get("PGHOST", "")).split(",")
    return [re.sub(r":\d+\Z", "", host).strip("[]") for host in hosts]


def is_this_machine(host: str) -> bool:
    """Return whether a host is this machine: loopback, or a socket in a folder."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())
