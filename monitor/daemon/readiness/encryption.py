"""Checks that passwords and texts go to the database and the brokers encrypted."""

import os
from collections.abc import Iterable
from ipaddress import ip_address

from monitor.daemon.readiness.finding import Finding
from monitor.plurals import pluralize
from monitor.settings import Sections
from monitor.settings.secrets import secret_variables
from monitor.settings.secrets.files import secret_files


def database_encryption_finding(settings: Sections) -> Finding:
    """Check that a database on another machine proves its identity."""
    from monitor.store.engine import parse_url

    url = parse_url(settings.database.url)
    if url.get_backend_name() != "postgresql":
        return Finding("database TLS", "ok", "not needed: a file")
    query = {key: ",".join((value,) if isinstance(value, str) else value)
             for key, value in url.query.items()}  # fmt: skip
    hosts = (query.get("host") or url.host or os.environ.get("PGHOST", "")).split(",")
    if all(map(_is_local, hosts)):
        return Finding("database TLS", "ok", "not needed: on this machine")
    mode = query.get("sslmode") or os.environ.get("PGSSLMODE") or "prefer"
    if mode == "verify-full":
        return Finding("database TLS", "ok", "sslmode verify-full")
    problem = (
        "the server's name is not checked"
        if mode == "verify-ca"
        else "connections may be unencrypted"
        if mode in {"disable", "allow", "prefer"}
        else "any server is accepted"
    )
    return Finding(
        "database TLS",
        "note",
        f"sslmode {mode} to {', '.join(filter(None, hosts))}: {problem}, so another machine can "
        "read the password and the texts; add ?sslmode=verify-full&sslrootcert=FILE to "
        "database.url",
    )


def broker_encryption_finding(settings: Sections) -> Finding:
    """Check that no password or token goes to the brokers of another machine unencrypted."""
    kafka = settings.kafka
    if kafka.uses_tls:
        return Finding("broker TLS", "ok", f"{kafka.security_protocol}")
    hosts = [address.strip().rpartition(":")[0] for address in kafka.bootstrap_servers.split(",")]
    if all(_is_local(host.strip("[]")) for host in hosts):
        return Finding("broker TLS", "ok", "not needed: on this machine")
    if not kafka.uses_sasl:
        return Finding(
            "broker TLS", "ok", f"{kafka.security_protocol}: no password, texts unencrypted"
        )
    sent = {"PLAIN": "the password", "OAUTHBEARER": "the token"}.get(
        kafka.sasl_mechanism, "what allows to guess the password"
    )
    return Finding(
        "broker TLS",
        "note",
        f"SASL_PLAINTEXT sends {sent} of {kafka.sasl_mechanism} unencrypted; use a TLS listener, "
        'kafka.security_protocol = "SASL_SSL" and kafka.ssl_cafile',
    )


def secret_files_finding(settings: Sections) -> Finding:
    """Check that only the daemon's user can read the files with secrets."""
    files = secret_files(secret_variables(settings))
    exposed = [file for file in files if file.is_readable_by_all]
    if exposed:
        named = ", ".join(f"{file.variable} = {file.path}" for file in exposed)
        return Finding(
            "secrets", "note", f"every user can read {named}; set the mode to 0400 or 0440"
        )
    if not files:
        return Finding("secrets", "ok", "from the environment")
    n_files = pluralize(len(files), "file")
    return Finding("secrets", "ok", f"{n_files}: {_listed(file.variable for file in files)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _is_local(host: str) -> bool:
    """Return whether a host is this machine: loopback, or a socket in a folder."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
